"""Numbers and times as a person reads them."""

from datetime import UTC, datetime, timedelta

import pytest

from app.text import formatting


def test_nearly_all_is_not_all() -> None:
    assert formatting.percent(0.99999) == "99.9 %"
    assert formatting.percent(1.0) == "100.0 %"
    assert formatting.percent(0.8876) == "88.8 %"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (1.25, "1.2 s"), (12.4, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert formatting.duration(seconds) == words


def test_time_to_come_is_a_whole_number_and_never_nothing() -> None:
    assert formatting.remaining(0.2) == "1 s"
    assert formatting.remaining(8.7) == "9 s"
    assert formatting.remaining(75) == "1 min 15 s"


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(minutes=1, seconds=5), "1 minute ago"),
        (timedelta(hours=5, minutes=3), "5 hours ago"),
        (timedelta(days=2, hours=1), "2 days ago"),
    ],
)
def test_ages(age: timedelta, words: str) -> None:
    assert formatting.ago(datetime.now(UTC) - age) == words


def test_text_from_outside_is_no_markdown() -> None:
    assert formatting.plain("a_b *c* [d](e) $f$") == r"a\_b \*c\* \[d\]\(e\) \$f\$"


def test_one_is_not_many() -> None:
    assert formatting.counted(1, "correction") == "1 correction"
    assert formatting.counted(1234, "correction") == "1,234 corrections"


def test_sentences_from_outside_are_a_list_and_no_markdown() -> None:
    assert formatting.bullets(["So."]) == r"- So\."
    assert formatting.bullets([]) == ""
