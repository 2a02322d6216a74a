"""What the model says about one picture, drawn large."""

from collections.abc import Mapping, Sequence
from html import escape

import plotly.graph_objects as go
import streamlit as st

from app.clients.classifier import Answer, Timed, version_of
from app.components.chart import chart
from app.text.formatting import milliseconds, percent
from app.text.images import data_url

UNSURE_BELOW = 0.5
BARS_HEIGHT = 300


def show(timed: Timed, seen: bytes | None, *, number: int = 0) -> None:
    """The label, how sure the model is, and what it saw.

    `seen` is the PNG that the model saw, None if it could not be had. `number` marks which
    change to the pad this answers, for whoever measures the time between.
    """
    answer = timed.answer
    eyebrow = "This is" if answer.confidence >= UNSURE_BELOW else "Hard to tell. Perhaps"
    st.html(
        f'<div class="answer" data-number="{number}">'
        f'<div class="said" role="status"><div class="eyebrow">{eyebrow}</div>'
        f'<div class="label">{escape(answer.label)}</div>'
        f'<div class="confidence"><b>{percent(answer.confidence)}</b> sure</div></div>'
        f"{_seen(seen)}</div>"
        f'<div class="footnote">Version {escape(version_of(answer.model))} · '
        f"answered in {milliseconds(timed.seconds)}</div>"
    )


def bars(answer: Answer, *, key: str) -> None:
    """How sure the model is of each class."""
    chart(_bars(answer.probabilities, answer.label), key=key, height=BARS_HEIGHT)


def empty_bars(class_names: Sequence[str], *, key: str) -> None:
    """The bars before there is an answer, so that the first one finds them drawn."""
    if class_names:
        chart(_bars(dict.fromkeys(class_names, 0.0), ""), key=key, height=BARS_HEIGHT)


def waiting(title: str, text: str) -> None:
    """The place of an answer before there is one."""
    st.html(
        f'<div class="waiting-answer"><strong>{escape(title)}</strong>'
        f"<span>{escape(text)}</span></div>"
    )


def _seen(png: bytes | None) -> str:
    if png is None:
        return ""
    return (
        f'<figure><img src="{data_url(png)}" alt="The picture as the model sees it">'
        "<figcaption>What the model sees</figcaption></figure>"
    )


def _bars(probabilities: Mapping[str, float], label: str) -> go.Figure:
    names = list(probabilities)
    values = list(probabilities.values())
    colours = [
        "var(--st-primary-color)" if name == label else "var(--st-border-color)" for name in names
    ]
    figure = go.Figure(
        go.Bar(
            x=values,
            y=names,
            orientation="h",
            marker_color=colours,
            text=[percent(value) if value >= 0.0005 else "" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
        )
    )
    figure.update_layout(
        title_text="How sure it is of each class",
        margin={"l": 4, "r": 44, "t": 4, "b": 4},
        bargap=0.35,
        showlegend=False,
        xaxis={"range": [0, 1], "visible": False, "fixedrange": True},
        yaxis={
            "autorange": "reversed",
            "fixedrange": True,
            "automargin": True,
            "showgrid": False,
            "dtick": 1,
        },
    )
    return figure
