"""Numbers and times as a person reads them."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime


def plain(text: str) -> str:
    """Text from outside, so that Markdown shows it as it is: no links, no emphasis, no formulas."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def bullets(sentences: Iterable[str]) -> str:
    """A Markdown list of sentences from outside; empty if there is none."""
    return "\n".join(f"- {plain(sentence)}" for sentence in sentences)


def counted(count: int, noun: str) -> str:
    """`1 correction`, `1,234 corrections`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def percent(share: float) -> str:
    """0.8876 -> `88.8 %`; a share that is not 1 never reads as 100."""
    shown = min(share * 100, 99.9) if share < 1 else 100.0
    return f"{shown:.1f} %"


def points(share: float) -> str:
    """A difference between two shares, in percentage points: 0.012 -> `+1.2 points`."""
    return f"{share * 100:+.1f} points"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def remaining(seconds: float) -> str:
    """Time to come, in whole seconds because it is a guess: `1 s`, `12 s`, `3 min 20 s`."""
    whole = max(round(seconds), 1)
    return f"{whole} s" if whole < 60 else duration(whole)


def milliseconds(seconds: float) -> str:
    """0.0123 -> `12 ms`."""
    return f"{max(round(seconds * 1000), 1)} ms"


def size(count: int) -> str:
    """Bytes as `2.7 MB`."""
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"


def moment(time: datetime) -> str:
    """`12 Nov 2026, 14:05 UTC`, in the time zone of this machine."""
    return time.astimezone().strftime("%-d %b %Y, %H:%M %Z")


def ago(time: datetime) -> str:
    """`just now`, `5 minutes ago`, `3 hours ago`, `12 Nov 2026`."""
    seconds = (datetime.now(UTC) - time).total_seconds()
    if seconds < 60:
        return "just now"
    for unit, length in (("minute", 60), ("hour", 3600), ("day", 86_400)):
        count = int(seconds // length)
        limit = {"minute": 60, "hour": 24, "day": 7}[unit]
        if count < limit:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return time.strftime("%-d %b %Y")
