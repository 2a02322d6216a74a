"""Formatting of numbers, times and class names."""

from datetime import UTC, datetime, timedelta

import pytest

from app.text import formatting


def test_a_share_below_one_never_reads_as_100() -> None:
    assert formatting.percent(0.99999) == "99.9 %"
    assert formatting.percent(1.0) == "100.0 %"
    assert formatting.percent(0.8876) == "88.8 %"
    assert formatting.percent(0.999, 0) == "99 %"
    assert formatting.percent(0.42, 0) == "42 %"


def test_shares_of_small_totals_are_counts() -> None:
    assert formatting.out_of(0.4, 5) == "2 of 5"
    assert formatting.out_of(2 / 3, 1500) == "1,000 of 1,500"


@pytest.mark.parametrize(
    ("label", "article", "noun"),
    [("Bag", "a", "bag"), ("Ankle boot", "an", "ankle boot"), ("T-shirt/top", "a", "t-shirt/top")],
)
def test_class_names_in_a_sentence(label: str, article: str, noun: str) -> None:
    assert (formatting.article(label), formatting.as_noun(label)) == (article, noun)


def test_an_abbreviation_keeps_its_capitals() -> None:
    assert formatting.as_noun("NASA shirt") == "NASA shirt"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (1.25, "1.2 s"), (12.4, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert formatting.duration(seconds) == words


def test_remaining_time_is_whole_seconds_and_at_least_one() -> None:
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


def test_markdown_in_text_from_outside_is_escaped() -> None:
    assert formatting.plain("a_b *c* [d](e) $f$") == r"a\_b \*c\* \[d\]\(e\) \$f\$"


def test_plural() -> None:
    assert formatting.counted(1, "correction") == "1 correction"
    assert formatting.counted(1234, "correction") == "1,234 corrections"


def test_sentences_from_outside_become_an_escaped_list() -> None:
    assert formatting.bullets(["So."]) == r"- So\."
    assert formatting.bullets([]) == ""


@pytest.mark.parametrize(
    "text",
    [":smile:", "a:+1:b", ":material/delete:", ":red[sale]", "https://a.example", "www.a.example"],
)
def test_what_streamlit_replaces_after_markdown_is_broken_up(text: str) -> None:
    escaped = formatting.plain(text)
    assert "\u2060" in escaped
    assert escaped.replace("\u2060", "").replace("\\", "") == text


@pytest.mark.parametrize("text", ["a: b", "12:30", "http://127.0.0.1:3000", "no-wrap", "a - b"])
def test_usual_text_holds_nothing_that_is_unseen(text: str) -> None:
    assert "\u2060" not in formatting.plain(text)
