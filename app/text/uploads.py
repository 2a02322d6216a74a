"""What an uploaded file is that is not a picture, in words for the person who chose it."""

from collections.abc import Callable

from app.text.translate import N_, _

FORMATS = "PNG, JPEG, HEIC, AVIF, GIF, WebP, BMP or TIFF"

_HEAD = 4096
"""Bytes that tell what a file is."""

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_JPEG_START = b"\xff\xd8\xff"
_VIDEO_STARTS = (b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"FLV\x01")
_SOUND_STARTS = (b"ID3", b"OggS", b"fLaC", b"\xff\xfb", b"\xff\xf3")
_ARCHIVE_STARTS = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"7z\xbc\xaf",
    b"Rar!",
    b"BZh",
    b"\xfd7zXZ",
)
_OFFICE_PARTS = (b"[Content_Types].xml", b"mimetypeapplication/vnd.oasis")


def words_for(data: bytes) -> str | None:
    """Return what to do about a file that is no picture; None if its kind is unknown.

    Ask only about files that the classifier could not read: some pictures are text, too.
    """
    if not data:
        return _("This file is empty. Choose it again, or another one.")
    head = data[:_HEAD]
    words = next((words for is_kind, words in _KINDS if is_kind(head)), None)
    return None if words is None else _(words).format(formats=FORMATS)


def is_photo(data: bytes) -> bool:
    """Return whether a file is of a kind in which cameras save: JPEG, HEIC, AVIF or WebP."""
    head = data[:_HEAD]
    is_avif = head[4:8] == b"ftyp" and head[8:12] in _AVIF_BRANDS
    return head.startswith(_JPEG_START) or _is_heic(head) or is_avif or _riff_kind(head) == b"WEBP"


def _is_pdf(head: bytes) -> bool:
    return b"%PDF-" in head[:1024]


def _is_heic(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS


def _is_video(head: bytes) -> bool:
    is_mp4 = head[4:8] == b"ftyp" and not head[8:12].startswith(b"avi")
    return is_mp4 or head.startswith(_VIDEO_STARTS) or _riff_kind(head) == b"AVI "


def _is_sound(head: bytes) -> bool:
    return head.startswith(_SOUND_STARTS) or _riff_kind(head) == b"WAVE"


def _riff_kind(head: bytes) -> bytes:
    return head[8:12] if head.startswith(b"RIFF") else b""


def _is_document(head: bytes) -> bool:
    zipped = head.startswith(b"PK") and any(part in head for part in _OFFICE_PARTS)
    return zipped or head.startswith((b"\xd0\xcf\x11\xe0", b"{\\rtf"))


def _is_archive(head: bytes) -> bool:
    return head.startswith(_ARCHIVE_STARTS) or head[257:262] == b"ustar"


def _is_svg(head: bytes) -> bool:
    return b"<svg" in head and _is_text(head)


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # as some editors on Windows save it
        return True
    text = head.decode("utf-8", errors="ignore")
    return b"\0" not in head and len(text.encode()) >= len(head) - 3  # a character may be cut


_KINDS: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (
        _is_pdf,
        N_("This is a PDF document, not a picture. Take a screenshot of the page and upload that."),
    ),
    (
        _is_heic,
        N_("This HEIC photo can't be read: it may be cut off. Save it as JPEG and upload that."),
    ),
    (
        _is_video,
        N_("This is a video, not a picture. Pause it, take a screenshot and upload that."),
    ),
    (_is_sound, N_("This is a sound file, not a picture. Upload a picture as {formats}.")),
    (
        _is_document,
        N_(
            "This is a document, not a picture. Save the picture in it as PNG or JPEG and upload "
            "that."
        ),
    ),
    (
        _is_archive,
        N_(
            "This is an archive, not a picture. Unpack it and upload the pictures in it. "
            "You can choose many at once."
        ),
    ),
    (_is_svg, N_("SVG drawings can't be read here. Export the drawing as PNG and upload that.")),
    (_is_text, N_("This is a text file, not a picture. Upload a picture as {formats}.")),
)
