"""What became of several pictures: their order, a summary and a CSV file."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.clients.batch import Progress
from app.clients.classifier import Answer, Failed, PictureFile, Unreadable
from app.clients.version_names import version_name
from app.sections.answer import UNSURE_BELOW
from app.text import spreadsheets
from app.text.formatting import duration, plain
from app.text.translate import _, ngettext
from app.text.uploads import words_for

Outcome = Answer | Unreadable

_CSV_COLUMNS = ("file", "label", "confidence", "known", "familiarity", "problem", "model")
"""Before those of the classes."""


def in_words(file: PictureFile, outcome: Outcome) -> Outcome:
    """Return the outcome; for a file that is no picture, with words for the person who chose it."""
    if isinstance(outcome, Failed) or not isinstance(outcome, Unreadable):
        return outcome
    return Unreadable(error=words_for(file.data) or outcome.error)


def is_unknown(outcome: Outcome | None) -> bool:
    """Return whether the model does not know what is in the picture."""
    return isinstance(outcome, Answer) and outcome.known is False


def is_unsure(outcome: Outcome | None) -> bool:
    """Return whether the model knows such pictures, but not which class this one is."""
    is_answer = isinstance(outcome, Answer) and outcome.known is not False
    return isinstance(outcome, Answer) and is_answer and outcome.confidence < UNSURE_BELOW


def place(outcome: Outcome) -> int:
    """Return where a picture stands in the table: what needs a person's eye comes first."""
    if is_unknown(outcome):
        return 0
    if is_unsure(outcome):
        return 1
    return 3 if isinstance(outcome, Answer) else 2


def results_csv(files: Sequence[PictureFile], outcomes: Sequence[Outcome]) -> bytes:
    """Return a CSV file with a row for each file, and a column for each class.

    Confidence, familiarity and the values of the classes are 0..1.
    """
    rows = [
        {"file": file.name, **_csv_cells(outcome)}
        for file, outcome in zip(files, outcomes, strict=True)
    ]
    classes = [name for row in rows for name in row if name not in _CSV_COLUMNS]
    columns = [*_CSV_COLUMNS, *dict.fromkeys(classes)]
    return spreadsheets.to_csv(pd.DataFrame(rows, columns=columns))


def render_progress(files: Mapping[str, PictureFile], progress: Progress) -> None:
    """Render how many pictures are done, and what is waited for."""
    done = sum(key in progress.outcomes for key in files)
    text = ngettext("{done} of {count} picture done", "{done} of {count} pictures done", len(files))
    text = text.format(done=f"{done:,}", count=f"{len(files):,}")
    if progress.note:
        note = _("{reason} Asking again.").format(reason=plain(progress.note))
        text = f"{text}. {note}"
    st.progress(done / len(files), text=text)


def render_summary(outcomes: Collection[Outcome], seconds: float) -> None:
    """Render which classes the pictures have, and how many need a person's eye."""
    st.markdown(" ".join([*_classified(outcomes, seconds), *_problems(outcomes)]))


def _classified(outcomes: Collection[Outcome], seconds: float) -> list[str]:
    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    if not answers:
        return []
    counts = Counter(answer.label for answer in answers).most_common()
    text = ngettext(
        "**{count} picture** classified by {version} in {time}: {classes}.",
        "**{count} pictures** classified by {version} in {time}: {classes}.",
        len(answers),
    )
    versions = dict.fromkeys(plain(version_name(answer.model)) for answer in answers)
    return [
        text.format(
            count=f"{len(answers):,}",
            version=", ".join(versions),
            time=duration(seconds),
            classes=", ".join(f"{plain(label)} ({count:,})" for label, count in counts),
        )
    ]


def _problems(outcomes: Collection[Outcome]) -> list[str]:
    """Return a sentence for each kind of picture that needs a person's eye."""
    failed = sum(isinstance(outcome, Failed) for outcome in outcomes)
    unreadable = sum(isinstance(outcome, Unreadable) for outcome in outcomes) - failed
    unknown, unsure = sum(map(is_unknown, outcomes)), sum(map(is_unsure, outcomes))
    sentences = []
    if unknown:
        text = ngettext(
            "The model doesn't know {count} of them.",
            "The model doesn't know {count} of them.",
            unknown,
        )
        sentences.append(text.format(count=f"{unknown:,}"))
    if unsure:
        text = ngettext("It is unsure of {count}.", "It is unsure of {count}.", unsure)
        sentences.append(text.format(count=f"{unsure:,}"))
    if unreadable:
        text = ngettext(
            "{count} file could not be read.", "{count} files could not be read.", unreadable
        )
        sentences.append(text.format(count=f"{unreadable:,}"))
    if failed:
        text = ngettext("{count} picture got no answer.", "{count} pictures got no answer.", failed)
        sentences.append(text.format(count=f"{failed:,}"))
    if unknown or unsure or unreadable:
        sentences.append(_("Those come first."))
    return sentences


def _csv_cells(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Unreadable):
        return {"problem": outcome.error}
    cells = outcome.model_dump(exclude={"probabilities"})
    return {**cells, **{_class_column(name): it for name, it in outcome.probabilities.items()}}


def _class_column(name: str) -> str:
    """Return the column of a class: one that a person called "file" has another name."""
    return f"{name} (class)" if name in _CSV_COLUMNS else name
