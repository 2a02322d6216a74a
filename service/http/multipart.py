"""Multipart forms, parsed as they arrive and kept in memory.

Starlette's own reader keeps each file in a temporary file that it writes and reads through
threads: for small pictures that costs more than naming them.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

_FILE_TYPES = (b"image/", b"application/octet-stream", b"application/zip", b"application/x-zip")
"""Beginnings of the types, in lower case, whose parts are files without a file name too."""


class FormError(Exception):
    """A body that is no form; the message says why."""


@dataclass
class Form:
    """What a form holds, in its order: names with contents.

    A part with a file name is a file, and so is one whose type says that it is no text.
    """

    files: list[tuple[str, bytes]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return len(self.files) + len(self.texts)


class FormReader:
    """Takes a body piece by piece with `write`; `form` fills up.

    Both raise FormError.
    """

    def __init__(self, content_type: str) -> None:
        self.form = Form()
        self._is_whole = False
        self._header, self._value = b"", b""
        self._disposition, self._type = b"", b""
        self._data: list[bytes] = []
        _, options = parse_options_header(content_type)
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._on_part_begin,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_header_begin": self._on_header_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_end": self._on_end,
                },
            )
        except (KeyError, FormParserError) as error:
            raise FormError("Its content type has no boundary, or one that is too long.") from error

    def write(self, data: bytes) -> None:
        """The next piece of the body."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise FormError(str(error)) from error

    def end(self) -> Form:
        """What the body held. Nothing can be written after it."""
        # It and we refer to each other: the collector would have sixteen objects to find a request.
        del self._parser
        if not self._is_whole:
            raise FormError("It is cut off: its last boundary is missing.")
        return self.form

    def _on_part_begin(self) -> None:
        self._disposition, self._type = b"", b""
        self._data = []

    def _on_header_begin(self) -> None:
        self._header, self._value = b"", b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        elif self._header.lower() == b"content-type":
            self._type = self._value.lower()

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def _on_part_end(self) -> None:
        name, has_filename = _name(self._disposition)
        if has_filename or self._type.startswith(_FILE_TYPES):
            self.form.files.append((name, b"".join(self._data)))
        else:
            self.form.texts.append((name, b"".join(self._data).decode("utf-8", "replace")))

    def _on_end(self) -> None:
        self._is_whole = True


@lru_cache(maxsize=1024)
def _name(disposition: bytes) -> tuple[str, bool]:
    """A part's name, and whether it has a file name."""
    _, options = parse_options_header(disposition)
    if b"name" not in options:
        raise FormError("A part of it has no name.")
    return options[b"name"].decode("utf-8", "replace"), b"filename" in options
