"""What a class may be called, and which names look alike.

A name becomes a word on buttons, a label of metrics and a cell of spreadsheets, so it holds
letters, digits, spaces and a few marks, and nothing that is invisible or turns a text around.
"""

import unicodedata

from training.store.corrections_schema import CorrectionError

BUILT_IN = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
"""The classes of Fashion-MNIST, in the order of its labels."""

MAX_LENGTH = 40
_RESERVED = "undo"
"""`/classes/undo` is a call, so that no class can have this address."""

_MARKS = "-'/&+.,()"
_MAX_COMBINING = 3
"""Combining characters on one letter. Vietnamese needs two and Hebrew three."""

_SAME_MARK = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "‐": "-", "‒": "-", "–": "-", "−": "-", "·": ".", "⁄": "/"}  # noqa: RUF001
)
_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"}
"""Written together, and with Latin letters: T-shirt is Tシャツ in Japanese."""

_FILLERS = set("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
_VARIATIONS = {chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))}
"""Letters and combining characters that are not visible by themselves."""

_LOOK_ALIKES = str.maketrans(
    "авекмнорстухіјѕԁһԛԝӏ" + "αβεηικνορτυχ" + "ıl10",  # noqa: RUF001
    "abekmhopctyxijsdhqwi" + "abeniknoptux" + "iiio",
)
"""Cyrillic and Greek letters, and digits, that look like a Latin letter; small or capital."""


class InvalidName(CorrectionError):  # noqa: N818 - it says what happened
    """A text cannot name a class; the message is a sentence that says why and what to do."""


def clean(text: str) -> str:
    """Return a text as the name of a class: compatibility forms and runs of spaces are replaced.

    The result has 1 to MAX_LENGTH characters. Raises InvalidName.
    """
    for char in text:
        _check_visible(char)
    name = normalize(text)
    if not name:
        raise InvalidName("A class needs a name. Send at least one letter or digit.")
    if len(name) > MAX_LENGTH:
        raise InvalidName(f"The name is {len(name):,} characters long. Use {MAX_LENGTH} or fewer.")
    for char in name:
        _check_visible(char)
        if not (char == " " or char in _MARKS or unicodedata.category(char)[0] in "LMN"):
            raise InvalidName(
                f"A name cannot hold {_named(char)}. Use letters, digits, spaces "
                f"and the characters {' '.join(_MARKS)} only."
            )
    if unicodedata.category(name[0])[0] not in "LN":
        raise InvalidName(f"A name begins with a letter or digit, not with {_named(name[0])}.")
    if name == _RESERVED:
        raise InvalidName(f"{name!r} is an address of the API. Choose another one.")
    _check_combining(name)
    _check_scripts(name)
    return name


def normalize(text: str) -> str:
    """Return a text as a name is written: one form of each letter and mark, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_SAME_MARK).split())


def skeleton(name: str) -> str:
    """Return the same text for names that look alike: case, marks and look-alike letters aside."""
    folded = unicodedata.normalize("NFKC", name).casefold().translate(_LOOK_ALIKES)
    return " ".join("".join(" " if char in _MARKS else char for char in folded).split())


def _check_visible(char: str) -> None:
    """Raise InvalidName for a character that nobody sees."""
    category = unicodedata.category(char)
    is_hidden = category[0] == "C" or category in ("Zl", "Zp")
    if (is_hidden and char not in "\t\n\r") or char in _FILLERS or char in _VARIATIONS:
        raise InvalidName(f"A name cannot hold {_named(char)}, which is not visible. Leave it out.")


def _check_combining(name: str) -> None:
    count = 0
    for char in name:
        count = count + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if count > _MAX_COMBINING:
            raise InvalidName(
                f"A letter has more than {_MAX_COMBINING} combining characters. Use fewer."
            )


def _check_scripts(name: str) -> None:
    """Raise InvalidName for letters of several scripts: one looks like another's."""
    scripts = {_script(char) for char in name if unicodedata.category(char)[0] == "L"} - {None}
    others = scripts - _EAST_ASIAN
    if len(others) > 1 or (others - {"LATIN"} and scripts & _EAST_ASIAN):
        listed = " and ".join(sorted(str(it).capitalize() for it in scripts))
        raise InvalidName(
            f"The name mixes {listed} letters, of which some look alike. Use one alphabet."
        )


def _script(letter: str) -> str | None:
    """The first word of a letter's Unicode name, which is its script; None for letters of all."""
    first = unicodedata.name(letter, "UNNAMED").partition(" ")[0]
    return None if first in ("MODIFIER", "IDEOGRAPHIC", "MASCULINE", "FEMININE") else first


def _named(char: str) -> str:
    """A character in a message: itself if it is seen, and its code."""
    code = f"U+{ord(char):04X}"
    return f"{char!r} ({code})" if char.isprintable() and char != " " else code
