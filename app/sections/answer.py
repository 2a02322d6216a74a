"""The answer to one picture: class, confidence, and what the model sees."""

from collections.abc import Mapping, Sequence
from html import escape

import plotly.graph_objects as go
import streamlit as st

from app.charts import per_class
from app.clients.classifier import Answer, Timed, version_of
from app.components.chart import chart
from app.text.formatting import article, milliseconds, percent
from app.text.images import data_url

UNSURE_BELOW = 0.5
BARS_HEIGHT = 300
MAX_BARS = 12
"""With more classes than this, only the most likely ones have a bar."""


def render_answer(timed: Timed, preview: bytes | None, *, number: int = 0) -> None:
    """Render the class, its confidence and what the model sees.

    `preview` is the PNG that the model sees, None if it is not available. `number` is the change
    to the pad that this answers: tests measure the delay with it.
    """
    answer = timed.answer
    kind = "answer unknown" if answer.known is False else "answer"
    st.html(
        f'<div class="{kind}" data-number="{number}">'
        f'<div class="result" role="status">'
        f'<div class="eyebrow">{_opening(answer)} {article(answer.label)}</div>'
        f'<div class="label">{escape(answer.label)}</div>'
        f'<div class="confidence">{_confidence_html(answer)}</div></div>'
        f"{_preview_html(preview)}</div>"
        f'<div class="footnote">Version {escape(version_of(answer.model))} · '
        f"answered in {milliseconds(timed.seconds)}</div>"
    )


def _opening(answer: Answer) -> str:
    if answer.known is False:
        return "I don't know this. The nearest is"
    return "Looks like" if answer.confidence >= UNSURE_BELOW else "Hard to tell. Maybe"


def _confidence_html(answer: Answer) -> str:
    """Return how sure the model is; not of a picture that it does not know."""
    if answer.known is False:
        return "Unlike its training pictures"
    return f"<b>{percent(answer.confidence)}</b> sure"


def render_probabilities(answer: Answer, *, key: str) -> None:
    """Render a bar for the probability of each class."""
    figure = _probability_chart(answer.probabilities, answer.label)
    chart(figure, key=key, height=per_class.height_for(len(answer.probabilities), BARS_HEIGHT))


def render_empty_probabilities(class_names: Sequence[str], *, key: str) -> None:
    """Render the bars without values, so that the first answer only has to update them."""
    if class_names:
        figure = _probability_chart(dict.fromkeys(class_names, 0.0), "")
        chart(figure, key=key, height=per_class.height_for(len(class_names), BARS_HEIGHT))


def render_placeholder(title: str, text: str) -> None:
    """Render a message where the answer will be."""
    st.html(
        f'<div class="waiting-answer"><strong>{escape(title)}</strong>'
        f"<span>{escape(text)}</span></div>"
    )


def _preview_html(png: bytes | None) -> str:
    if png is None:
        return ""
    return (
        f'<figure><img src="{data_url(png)}" alt="What the model sees">'
        "<figcaption>What the model sees</figcaption></figure>"
    )


def _probability_chart(probabilities: Mapping[str, float], label: str) -> go.Figure:
    title = "Confidence by class"
    if len(probabilities) > MAX_BARS:
        title = f"Confidence in the {MAX_BARS} most likely of {len(probabilities)} classes"
        likely = sorted(probabilities, key=lambda name: -probabilities[name])
        probabilities = {name: probabilities[name] for name in likely[:MAX_BARS]}
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
            customdata=[percent(value, 2) for value in values],
            hovertemplate="%{y}: %{customdata}<extra></extra>",
        )
    )
    figure.update_layout(
        title_text=title,
        margin={"l": 4, "r": 44, "t": 4, "b": 4},
        bargap=0.35,
        showlegend=False,
        xaxis={"range": [0, 1], "visible": False, "fixedrange": True},
        yaxis={
            "autorange": "reversed",
            "fixedrange": True,
            "automargin": True,
            "showgrid": False,
        },
    )
    per_class.class_axis(figure.layout.yaxis)
    return figure
