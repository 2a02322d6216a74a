"""Results of several pictures: a table and a CSV file."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.clients.batch import Progress
from app.clients.classifier import Answer, Failed, PictureFile, Unreadable, version_of
from app.sections.answer import UNSURE_BELOW
from app.text import spreadsheets
from app.text.formatting import counted, duration, plain
from app.text.images import NEUTRAL_TILE

ROW_PIXELS = 52
MAX_VISIBLE_ROWS = 9

_CSV_COLUMNS = ("file", "label", "confidence", "known", "familiarity", "problem", "model")
"""Before those of the classes."""


def results_table(
    files: Sequence[PictureFile],
    answers: Sequence[Answer | Unreadable],
    thumbnails: Sequence[str],
) -> pd.DataFrame:
    """Return a row for each file: thumbnail, name, label, confidence in percent, and problem.

    `known` is "No" for a picture that the model does not know. `thumbnails` are URLs.
    """
    return pd.DataFrame(
        [
            {
                "picture": thumbnail,
                "file": file.name,
                "label": answer.label if isinstance(answer, Answer) else "",
                "confidence": answer.confidence * 100 if isinstance(answer, Answer) else None,
                "known": "No" if _is_unknown(answer) else "",
                "problem": answer.error if isinstance(answer, Unreadable) else "",
            }
            for file, answer, thumbnail in zip(files, answers, thumbnails, strict=True)
        ]
    )


def results_csv(files: Sequence[PictureFile], answers: Sequence[Answer | Unreadable]) -> bytes:
    """Return a CSV file with a row for each file, and a column for each class.

    Confidence, familiarity and the values of the classes are 0..1.
    """
    rows = [
        {"file": file.name, **_csv_cells(answer)}
        for file, answer in zip(files, answers, strict=True)
    ]
    classes = [name for row in rows for name in row if name not in _CSV_COLUMNS]
    columns = [*_CSV_COLUMNS, *dict.fromkeys(classes)]
    return spreadsheets.to_csv(pd.DataFrame(rows, columns=columns))


def render_progress(files: Mapping[str, PictureFile], progress: Progress) -> None:
    """Render how many pictures are done, and what is waited for."""
    done = sum(key in progress.outcomes for key in files)
    text = f"{done:,} of {counted(len(files), 'picture')} done"
    if progress.note:
        text += f". {plain(progress.note)} Asking again."
    st.progress(done / len(files), text=text)


def render_batch_results(
    files: Mapping[str, PictureFile], progress: Progress, *, on_ask_again: Callable[[], None]
) -> None:
    """Render a row for each picture that is done; once all are, a summary and a CSV file too.

    Then the pictures that need a person's eye come first.
    """
    done = [key for key in files if key in progress.outcomes]
    if not progress.running:
        done.sort(key=lambda key: _doubt(progress.outcomes[key]))
    chosen, answers = [files[key] for key in done], [progress.outcomes[key] for key in done]
    thumbnails = [progress.thumbnails.get(key, NEUTRAL_TILE) for key in done]
    if not progress.running:
        st.markdown(_summary(answers, progress.seconds))
        if any(isinstance(answer, Failed) for answer in answers):
            st.button("Ask again for those without an answer", key="again", on_click=on_ask_again)
    if not done:
        return
    st.dataframe(
        results_table(chosen, answers, thumbnails),
        hide_index=True,
        row_height=ROW_PIXELS,
        height=ROW_PIXELS * min(len(files), MAX_VISIBLE_ROWS) + 40,
        column_config={
            "picture": st.column_config.ImageColumn("Picture", width="small"),
            "file": st.column_config.TextColumn("File"),
            "label": st.column_config.TextColumn("Class"),
            "confidence": st.column_config.ProgressColumn(
                "Confidence", format="%.1f %%", min_value=0, max_value=100
            ),
            "known": st.column_config.TextColumn("Known"),
            "problem": st.column_config.TextColumn("Problem", width="large"),
        },
        column_order=_columns(answers),
        placeholder="",
        alt="One row per picture: its file, class and confidence",
    )
    if not progress.running:
        st.download_button(
            "Download as CSV",
            results_csv(chosen, answers),
            file_name="wardrobe.csv",
            mime="text/csv",
            on_click="ignore",
            key="csv",
        )


def _columns(answers: Sequence[Answer | Unreadable]) -> list[str]:
    columns = ["picture", "file", "label", "confidence"]
    if any(map(_is_unknown, answers)):
        columns.append("known")
    if any(isinstance(answer, Unreadable) for answer in answers):
        columns.append("problem")
    return columns


def _is_unknown(answer: Answer | Unreadable) -> bool:
    return isinstance(answer, Answer) and answer.known is False


def _doubt(answer: Answer | Unreadable) -> int:
    """Return the place in the table: first what is unknown, then what is unsure, then the rest."""
    if _is_unknown(answer):
        return 0
    return 1 if isinstance(answer, Answer) and answer.confidence < UNSURE_BELOW else 2


def _summary(answers: Sequence[Answer | Unreadable], seconds: float) -> str:
    readable = [answer for answer in answers if isinstance(answer, Answer)]
    failed = sum(isinstance(answer, Failed) for answer in answers)
    unreadable = len(answers) - len(readable) - failed
    problems = []
    if unreadable:
        problems.append(f"{counted(unreadable, 'file')} could not be read.")
    if failed:
        problems.append(f"{counted(failed, 'picture')} got no answer.")
    if readable:
        counts = Counter(answer.label for answer in readable).most_common()
        labels = ", ".join(f"{plain(label)} ({count})" for label, count in counts)
        versions = " and ".join(dict.fromkeys(plain(version_of(one.model)) for one in readable))
        done = f"**{counted(len(readable), 'picture')}** classified by version {versions}"
        problems.insert(0, f"{done} in {duration(seconds)}: {labels}.")
    if unknown := sum(map(_is_unknown, answers)):
        problems.append(f"The model does not know {counted(unknown, 'picture')}: see the top rows.")
    return " ".join(problems)


def _csv_cells(answer: Answer | Unreadable) -> dict[str, Any]:
    if isinstance(answer, Unreadable):
        return {"problem": answer.error}
    cells = answer.model_dump(exclude={"probabilities"})
    return {**cells, **{_class_column(name): it for name, it in answer.probabilities.items()}}


def _class_column(name: str) -> str:
    """Return the column of a class: one that a person called "file" has another name."""
    return f"{name} (class)" if name in _CSV_COLUMNS else name
