"""Many pictures at once: one table, one CSV."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.clients.classifier import Answer, PictureFile, Unreadable, version_of
from app.text import images
from app.text.formatting import duration

THUMBNAIL_PIXELS = 72
ROW_PIXELS = 52
MOST_ROWS_SHOWN = 9


def table(files: Sequence[PictureFile], answers: Sequence[Answer | Unreadable]) -> pd.DataFrame:
    """A row a file: thumbnail, name, label, confidence 0..1, and what was wrong, if anything."""
    return pd.DataFrame(
        [
            {
                "picture": _thumbnail(file.data),
                "file": file.name,
                "label": found.label if isinstance(found, Answer) else "",
                "confidence": found.confidence if isinstance(found, Answer) else None,
                "problem": found.error if isinstance(found, Unreadable) else "",
            }
            for file, found in zip(files, answers, strict=True)
        ]
    )


def csv(files: Sequence[PictureFile], answers: Sequence[Answer | Unreadable]) -> bytes:
    """The answers as UTF-8 text: file, label, confidence, problem, model, and each class."""
    rows = [
        {"file": file.name, **_csv_cells(found)} for file, found in zip(files, answers, strict=True)
    ]
    first = ["file", "label", "confidence", "problem", "model"]
    classes = [name for row in rows for name in row if name not in first]
    columns = [*first, *dict.fromkeys(classes)]
    return pd.DataFrame(rows, columns=columns).to_csv(index=False).encode("utf-8")


def show(
    files: Sequence[PictureFile], answers: Sequence[Answer | Unreadable], seconds: float
) -> None:
    """What was found, in a line and in a table, with the CSV to download."""
    st.markdown(_summary(answers, seconds))
    st.dataframe(
        table(files, answers),
        hide_index=True,
        row_height=ROW_PIXELS,
        height=ROW_PIXELS * min(len(files), MOST_ROWS_SHOWN) + 40,
        column_config={
            "picture": st.column_config.ImageColumn("Picture", width="small"),
            "file": st.column_config.TextColumn("File"),
            "label": st.column_config.TextColumn("It is"),
            "confidence": st.column_config.ProgressColumn(
                "How sure", format="percent", min_value=0, max_value=1
            ),
            "problem": st.column_config.TextColumn("Problem", width="large"),
        },
        column_order=_columns(answers),
        placeholder="",
        alt="A row for each picture: its file, what it shows and how sure the model is",
    )
    st.download_button(
        "Download as CSV",
        csv(files, answers),
        file_name="wardrobe.csv",
        mime="text/csv",
        on_click="ignore",
        key="csv",
    )


def _columns(answers: Sequence[Answer | Unreadable]) -> list[str]:
    columns = ["picture", "file", "label", "confidence"]
    return [*columns, "problem"] if any(isinstance(a, Unreadable) for a in answers) else columns


def _summary(answers: Sequence[Answer | Unreadable], seconds: float) -> str:
    good = [found for found in answers if isinstance(found, Answer)]
    counts = Counter(found.label for found in good).most_common()
    named = ", ".join(f"{label} ({count})" for label, count in counts)
    bad = len(answers) - len(good)
    unread = "" if not bad else f" {bad} could not be read."
    version = f" by version {version_of(good[0].model)}" if good else ""
    return f"**{len(good)} pictures**{version} in {duration(seconds)}: {named}.{unread}"


def _csv_cells(found: Answer | Unreadable) -> dict[str, Any]:
    if isinstance(found, Unreadable):
        return {"problem": found.error}
    known = {"label": found.label, "confidence": found.confidence, "model": found.model}
    return {**known, **found.probabilities}


@st.cache_data(max_entries=4096, show_spinner=False)
def _thumbnail(data: bytes) -> str | None:
    png = images.shrunk(data, THUMBNAIL_PIXELS)
    return None if png is None else images.data_url(png)
