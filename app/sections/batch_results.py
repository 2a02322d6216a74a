"""Results of several pictures: a table and a CSV file."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.clients.classifier import Answer, PictureFile, Unreadable, version_of
from app.text import images, spreadsheets
from app.text.formatting import counted, duration

THUMBNAIL_PIXELS = 72
ROW_PIXELS = 52
MAX_VISIBLE_ROWS = 9


def results_table(
    files: Sequence[PictureFile], answers: Sequence[Answer | Unreadable]
) -> pd.DataFrame:
    """Return a row for each file: thumbnail, name, label, confidence in percent, and problem."""
    return pd.DataFrame(
        [
            {
                "picture": _thumbnail_url(file.data),
                "file": file.name,
                "label": answer.label if isinstance(answer, Answer) else "",
                "confidence": answer.confidence * 100 if isinstance(answer, Answer) else None,
                "problem": answer.error if isinstance(answer, Unreadable) else "",
            }
            for file, answer in zip(files, answers, strict=True)
        ]
    )


def results_csv(files: Sequence[PictureFile], answers: Sequence[Answer | Unreadable]) -> bytes:
    """Return a CSV file with the columns file, label, confidence, problem, model and each class.

    Confidence and the values of the classes are probabilities, 0..1.
    """
    rows = [
        {"file": file.name, **_csv_cells(answer)}
        for file, answer in zip(files, answers, strict=True)
    ]
    first = ["file", "label", "confidence", "problem", "model"]
    classes = [name for row in rows for name in row if name not in first]
    columns = [*first, *dict.fromkeys(classes)]
    return spreadsheets.to_csv(pd.DataFrame(rows, columns=columns))


def render_batch_results(
    files: Sequence[PictureFile], answers: Sequence[Answer | Unreadable], seconds: float
) -> None:
    """Render a summary, the table, and a button that downloads the CSV file."""
    st.markdown(_summary(answers, seconds))
    st.dataframe(
        results_table(files, answers),
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
            "problem": st.column_config.TextColumn("Problem", width="large"),
        },
        column_order=_columns(answers),
        placeholder="",
        alt="One row per picture: its file, class and confidence",
    )
    st.download_button(
        "Download as CSV",
        results_csv(files, answers),
        file_name="wardrobe.csv",
        mime="text/csv",
        on_click="ignore",
        key="csv",
    )


def _columns(answers: Sequence[Answer | Unreadable]) -> list[str]:
    columns = ["picture", "file", "label", "confidence"]
    return [*columns, "problem"] if any(isinstance(a, Unreadable) for a in answers) else columns


def _summary(answers: Sequence[Answer | Unreadable], seconds: float) -> str:
    readable = [answer for answer in answers if isinstance(answer, Answer)]
    unreadable = len(answers) - len(readable)
    problem = f" {counted(unreadable, 'file')} could not be read." if unreadable else ""
    if not readable:
        return problem.strip()
    counts = Counter(answer.label for answer in readable).most_common()
    labels = ", ".join(f"{label} ({count})" for label, count in counts)
    version = version_of(readable[0].model)
    return (
        f"**{counted(len(readable), 'picture')}** classified by version {version} in "
        f"{duration(seconds)}: {labels}.{problem}"
    )


def _csv_cells(answer: Answer | Unreadable) -> dict[str, Any]:
    if isinstance(answer, Unreadable):
        return {"problem": answer.error}
    cells = {"label": answer.label, "confidence": answer.confidence, "model": answer.model}
    return {**cells, **answer.probabilities}


@st.cache_data(max_entries=4096, show_spinner=False)
def _thumbnail_url(data: bytes) -> str | None:
    png = images.thumbnail(data, THUMBNAIL_PIXELS)
    return None if png is None else images.data_url(png)
