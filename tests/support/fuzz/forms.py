"""multipart/form-data and urlencoded bodies, and their mutations."""

from dataclasses import dataclass
from random import Random
from urllib.parse import urlencode

from tests.support.fuzz.values import mutate_bytes, text


@dataclass
class Part:
    """A field of a form. A file has a `filename`, and often a `kind`, its media type."""

    name: str
    content: bytes
    filename: str | None = None
    kind: str | None = None


_KINDS = (
    "image/png",
    "image/jpeg",
    "application/octet-stream",
    "text/plain",
    "application/zip",
    "",
)
_FILENAMES = ("a.png", "", "../x", "a\x00.png", "ü.tif", '"', "a;b=c", "x" * 3_000, "CON")


def form(parts: list[Part], random: Random) -> tuple[str, bytes]:
    """The content type and the body of a form with these parts, mutated or not."""
    parts = [Part(**vars(part)) for part in parts]
    for _ in range(random.choice((0, 0, 1, 2))):
        _change_parts(parts, random)
    if random.random() < 0.03:
        return "application/x-www-form-urlencoded", urlencode(
            {part.name: part.content[:1_000] for part in parts}
        ).encode("utf-8", "surrogatepass")
    boundary = random.choice(("boundary", "-" * 20 + "1", "a" * 70, "a" * 300, "b c", "é"))
    data = _written(parts, boundary, random)
    if random.random() < 0.15:
        data = mutate_bytes(data, random)
    if random.random() < 0.1:
        boundary = random.choice(("", "other", '"', "a, b", boundary + "x"))
    quoted = f'"{boundary}"' if random.random() < 0.2 else boundary
    kind = f"multipart/form-data; boundary={quoted}"
    return (
        random.choice((kind, "multipart/form-data", "multipart/mixed; boundary=" + quoted))
        if random.random() < 0.1
        else kind
    ), data


def _change_parts(parts: list[Part], random: Random) -> None:
    """Adds, repeats, drops or renames a part, or changes its content or what it says of it."""
    if not parts:
        parts.append(Part("image", b""))
    part = random.choice(parts)
    match random.randrange(8):
        case 0:
            part.name = random.choice(("Image", "images", "image[]", "", "a\x00", text(random)))
        case 1:
            part.filename = random.choice((None, *_FILENAMES))
        case 2:
            part.kind = random.choice((None, *_KINDS))
        case 3:
            parts.append(Part(**vars(part)))
        case 4:
            parts.remove(part)
        case 5:
            parts.append(Part(text(random), text(random).encode("utf-8", "surrogatepass")))
        case 6:
            parts += [Part(f"extra{number}", b"x") for number in range(random.choice((5, 1_100)))]
        case 7:
            part.content = text(random).encode("utf-8", "surrogatepass")


def _written(parts: list[Part], boundary: str, random: Random) -> bytes:
    """The body; one in ten has other line ends, odd headers or no end."""
    newline = b"\n" if random.random() < 0.03 else b"\r\n"
    mark = b"--" + boundary.encode()
    written = []
    for part in parts:
        header = f'Content-Disposition: form-data; name="{part.name}"'
        if part.filename is not None:
            header += f'; filename="{part.filename}"'
        lines = [mark, header.encode("utf-8", "surrogatepass")]
        if part.kind is not None:
            lines.append(f"Content-Type: {part.kind}".encode())
        if random.random() < 0.03:
            lines.append(random.choice((b"X: " + b"y" * 20_000, b"no colon", b":", b"\x00: 1")))
        if random.random() < 0.03:
            lines.append(b"Content-Transfer-Encoding: base64")
        written.append(newline.join([*lines, b"", part.content]))
    end = b"" if random.random() < 0.03 else mark + b"--" + newline
    return newline.join([*written, end])
