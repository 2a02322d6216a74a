"""Numbers, times and class names as text."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from babel.dates import format_datetime

from app.text.translate import _, language, ngettext, ngettext_noop

_WORD_JOINER = "\u2060"
_AFTER_MARKDOWN = re.compile(
    r":(?=[\w+-]+[:/\[])"  # emoji, icons
    r"|https?(?=://(?!127\.0\.0\.1|localhost))|www(?=\.)|@(?=[\w.-])"  # links
    r"|(?<!\S)[<>~-](?=[>=-]{1,2}(?!\S))",  # arrows and dashes
    re.IGNORECASE,
)
"""What Streamlit replaces after it has read the Markdown, where an escape is of no use. A word
joiner behind it, which nobody sees, prevents that."""


Noun = Literal[
    "picture",
    "more picture",
    "version",
    "older version",
    "worker",
    "correction",
    "unused correction",
    "file",
]

_COUNTED: dict[Noun, tuple[str, str]] = {
    "picture": ngettext_noop("{count} picture", "{count} pictures"),
    "more picture": ngettext_noop("{count} more picture", "{count} more pictures"),
    "version": ngettext_noop("{count} version", "{count} versions"),
    "older version": ngettext_noop("{count} older version", "{count} older versions"),
    "worker": ngettext_noop("{count} worker", "{count} workers"),
    "correction": ngettext_noop("{count} correction", "{count} corrections"),
    "unused correction": ngettext_noop("{count} unused correction", "{count} unused corrections"),
    "file": ngettext_noop("{count} file", "{count} files"),
}


def named(actor: str | None) -> str | None:
    """Return who did something, None if it is unknown: `local` is a page without a log-in."""
    return None if actor == "local" else actor


def plain(text: str) -> str:
    """Escape text from outside for Markdown: no links, no emphasis, no formulas."""
    broken = _AFTER_MARKDOWN.sub(lambda found: found[0] + _WORD_JOINER, text)
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", broken)


def bullets(sentences: Iterable[str]) -> str:
    """Format sentences from outside as a Markdown list; empty if there are none."""
    return "\n".join(f"- {plain(sentence)}" for sentence in sentences)


def listing(parts: Sequence[str]) -> str:
    """Join parts of a sentence: `Hat`, `Hat and Cup`, `Hat, Cup and Scarf`."""
    *others, last = parts
    if not others:
        return last
    return _("{others} and {last}").format(others=", ".join(others), last=last)


def counted(count: int, noun: Noun) -> str:
    """Format a count with its noun: `1 correction`, `1,234 corrections`."""
    return ngettext(*_COUNTED[noun], count).format(count=f"{count:,}")


def percent(share: float, digits: int = 1) -> str:
    """Format a share, 0..1: 0.8876 -> `88.8 %`. A share below 1 never reads as 100."""
    highest = 100.0 if share >= 1 else 100 - 10**-digits
    return f"{min(share * 100, highest):.{digits}f} %"


def out_of(share: float, total: int) -> str:
    """Format a share of a small total as counts: 0.4 of 5 -> `2 of 5`."""
    return _("{part} of {total}").format(part=f"{round(share * total):,}", total=f"{total:,}")


def points(share: float) -> str:
    """Format a difference of two shares in percentage points: 0.012 -> `+1.2 points`."""
    return _("{points} points").format(points=f"{share * 100:+.1f}")


def article(label: str) -> str:
    """Return the indefinite article of a class name: `a` Bag, `an` Ankle boot."""
    return "an" if label[:1].lower() in tuple("aeiou") else "a"


def as_noun(label: str) -> str:
    """Write a class name inside a sentence: `Ankle boot` -> `ankle boot`."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def duration(seconds: float) -> str:
    """Format seconds: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return _("{seconds} s").format(seconds=f"{max(seconds, 0):.1f}")
    whole = round(seconds)
    if whole < 60:
        return _("{seconds} s").format(seconds=whole)
    if whole < 3600:
        return _("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)
    return _("{hours} h {minutes} min").format(hours=whole // 3600, minutes=whole % 3600 // 60)


def remaining(seconds: float) -> str:
    """Format an estimated time in whole seconds: `1 s`, `12 s`, `3 min 20 s`."""
    whole = max(round(seconds), 1)
    return _("{seconds} s").format(seconds=whole) if whole < 60 else duration(whole)


def milliseconds(seconds: float) -> str:
    """Format seconds as milliseconds: 0.0123 -> `12 ms`."""
    return f"{max(round(seconds * 1000), 1)} ms"


def size(count: int) -> str:
    """Format a number of bytes: `2.7 MB`."""
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"


def local_zone() -> ZoneInfo:
    """Return the time zone of the visitor's browser, UTC if it is unknown."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def zone_note() -> str:
    """Name the time zone once for a page that shows times."""
    return _("Times are in your time zone ({zone}).").format(zone=local_zone().key)


def moment(time: datetime) -> str:
    """Format a time in the visitor's time zone: `12 Nov 2026, 14:05`."""
    return _localized(time, _("d MMM y, HH:mm"))


def ago(time: datetime) -> str:
    """Format the age of a time: `just now`, `5 minutes ago`, `3 hours ago`, `12 Nov 2026`."""
    seconds = (datetime.now(UTC) - time).total_seconds()
    if seconds < 60:
        return _("just now")
    for unit, limit, texts in _AGES:
        count = int(seconds // unit)
        if count < limit:
            return ngettext(*texts, count).format(count=count)
    return _localized(time, _("d MMM y"))


_AGES = (
    (60, 60, ngettext_noop("{count} minute ago", "{count} minutes ago")),
    (3600, 24, ngettext_noop("{count} hour ago", "{count} hours ago")),
    (86_400, 7, ngettext_noop("{count} day ago", "{count} days ago")),
)
"""Seconds of a unit, how many of it are too many, and the text."""


def _localized(time: datetime, pattern: str) -> str:
    return format_datetime(time.astimezone(local_zone()), pattern, locale=language())
