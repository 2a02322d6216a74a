"""The files of an archive that somebody sent: found by name, and read up to a limit.

Nothing that the archive says about itself is believed: not the sizes, not how many files there are.
Nothing is unpacked onto the disk, so a name is a name, whatever path it pretends to be.
"""

import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator

from training.store.corrections_archive.cells import CLASSES, TABLE
from training.store.corrections_schema import CorrectionError
from training.store.texts import abridged

MAX_FILES = 210_000
"""Two for each correction (macOS adds one of its own to each), and folders. Python takes about 1 kB
for each, before any is read."""

_MAX_DIRECTORY_BYTES = 24_000_000
"""The directory of the zip, which names its files: 114 bytes for each of MAX_FILES. Python keeps up
to eight bytes for each of these."""

_DIRECTORY_ENTRY = b"PK\x01\x02"
_IS_ENCRYPTED = 0x1
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What every program writes. Of bzip2 and LZMA Python cannot unpack a part: 2 GiB of zeros are
1.5 kB."""

_ABSOLUTE = re.compile(r"[A-Za-z]:|[\\/]")


class Members:
    """The files of a zip archive, by their paths, without what macOS and Windows add."""

    def __init__(self, content: bytes) -> None:
        """Read the directory. Raises CorrectionError for what is no zip, or too large a one."""
        _check_directory(content)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except Exception as error:  # zipfile raises nearly anything on hostile bytes
            raise CorrectionError(
                "This is not a readable zip archive, or it is damaged. Send one as "
                f"GET /corrections/export returns it. ({error})"
            ) from error
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            path = _path(info.filename)
            if path and not info.is_dir() and not _is_litter(path):
                self._infos[path] = info
        self._folded: dict[str, str] | None = None
        self.table = _find_table(self._infos)
        """The path of corrections.csv: in a folder if the folder was zipped."""

    def find(self, name: str) -> str | None:
        """Return the path of the file that a cell of the table names, or None.

        The name is relative to the table or to the archive, with slashes of either kind. Of a path
        that begins at a root or a drive, the end counts, which may lie in the archive.
        """
        wanted, folder = _path(name), self.table.rpartition("/")[0]
        paths = [f"{folder}/{wanted}"] if folder else []
        paths.append(wanted)
        if _ABSOLUTE.match(name):
            parts = wanted.split("/")
            endings = ["/".join(parts[count:]) for count in range(1, len(parts))]
            paths += [f"{folder}/{ending}" if folder else ending for ending in endings]
        for path in paths:
            if path in self._infos:
                return path
        if self._folded is None:  # Windows does not care: its names are compared without case
            self._folded = {path.casefold(): path for path in self._infos}
        folded = (self._folded.get(path.casefold()) for path in paths)
        return next((path for path in folded if path is not None), None)

    def read(self, path: str, max_bytes: int) -> bytes:
        """Unpack a file. Raises CorrectionError, also when it has more than `max_bytes`."""
        info, name = self._infos[path], abridged(path)
        if info.flag_bits & _IS_ENCRYPTED:
            raise CorrectionError(f"{name} needs a password. Zip it without one.")
        if info.compress_type not in _READABLE:
            raise CorrectionError(
                f"{name} is compressed in a way that is not read here. Zip it as usual (Deflate)."
            )
        try:
            with self._zip.open(info) as file:
                content = file.read(max_bytes + 1)
        except Exception as error:  # zipfile and zlib raise nearly anything on hostile bytes
            raise CorrectionError(f"{name} is damaged in the archive.") from error
        if len(content) > max_bytes:
            size = f"{max_bytes // 1_000_000} MB"
            raise CorrectionError(f"{name} is larger than {size}.")
        return content


def _check_directory(content: bytes) -> None:
    """Raise CorrectionError if reading the directory would take too much memory.

    Each entry begins with the same four bytes, so there are no more entries than of these.
    """
    if content.count(_DIRECTORY_ENTRY) > MAX_FILES:
        raise CorrectionError(f"The archive holds more than {MAX_FILES:,} files. Send fewer.")
    begin = content.find(_DIRECTORY_ENTRY)
    if begin >= 0 and len(content) - begin > _MAX_DIRECTORY_BYTES:
        raise CorrectionError("The directory of the archive is too large. Send fewer files.")


def _path(name: str) -> str:
    """A name with slashes, without a leading `./` or `/`; macOS splits letters and accents."""
    parts = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def _is_litter(path: str) -> bool:
    """Whether macOS or Windows has added the file: `__MACOSX/`, `._x`, `.DS_Store`, `Thumbs.db`."""
    *folders, name = path.split("/")
    return (
        "__MACOSX" in folders
        or name.startswith(("._", "~$"))
        or name.casefold() in (".ds_store", "thumbs.db", "desktop.ini")
    )


def _find_table(paths: dict[str, zipfile.ZipInfo]) -> str:
    """The path of corrections.csv that is least deep; of another CSV file, if it is the only one.

    Raises CorrectionError.
    """
    others = set(_named(paths, ".csv")) - set(_named(paths, f"/{CLASSES}"))
    found = list(_named(paths, f"/{TABLE}")) or sorted(others)
    if not found:
        raise CorrectionError(f"There is no {TABLE} in the archive. Export one to see its form.")
    depth = min(path.count("/") for path in found)
    first, *more = sorted(path for path in found if path.count("/") == depth)
    if more:
        raise CorrectionError(
            f"The archive holds several tables: {abridged(first)}, {abridged(more[0])}. "
            "Send one at a time."
        )
    return first


def _named(paths: dict[str, zipfile.ZipInfo], ending: str) -> Iterator[str]:
    return (path for path in paths if f"/{path}".casefold().endswith(ending))
