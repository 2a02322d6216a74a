"""The answer to one picture: class, confidence, and what the model sees."""

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from app.clients.classifier import Answer, Timed
from app.clients.version_names import version_name
from app.components.bars import Bar, bars
from app.text.formatting import milliseconds, percent
from app.text.images import data_url
from app.text.translate import _

UNSURE_BELOW = 0.5
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
        f'<div class="eyebrow">{escape(_opening(answer))}</div>'
        f'<div class="label">{escape(answer.label)}</div>'
        f'<div class="confidence">{_confidence_html(answer)}</div></div>'
        f"{_preview_html(preview)}</div>"
    )


def render_footnote(timed: Timed) -> None:
    """Render which version answered, and the time it took."""
    version, took = version_name(timed.answer.model), milliseconds(timed.seconds)
    text = _("{version} · answered in {time}").format(version=version, time=took)
    st.html(f'<div class="footnote">{escape(text)}</div>')


def _opening(answer: Answer) -> str:
    if answer.known is False:
        return _("I don't know this. The nearest is")
    return _("Looks like") if answer.confidence >= UNSURE_BELOW else _("Hard to tell. Maybe")


def _confidence_html(answer: Answer) -> str:
    """Return how sure the model is; not of a picture that it does not know."""
    if answer.known is False:
        return escape(_("Unlike its training pictures"))
    share = f"<b>{percent(answer.confidence)}</b>"
    return escape(_("{share} sure")).format(share=share)


def render_probabilities(answer: Answer, *, key: str) -> None:
    """Render a bar for the probability of each class, in the model's order."""
    _render_bars(answer.probabilities, answer.label, known=True, key=key)


def render_empty_probabilities(class_names: Sequence[str], *, key: str) -> None:
    """Render the bars without values, so that the first answer only has to move them."""
    if class_names:
        _render_bars(dict.fromkeys(class_names, 0.0), "", known=False, key=key)


def render_placeholder(title: str, text: str) -> None:
    """Render a message where the answer will be."""
    st.html(
        f'<div class="waiting-answer"><strong>{escape(title)}</strong>'
        f"<span>{escape(text)}</span></div>"
    )


def _preview_html(png: bytes | None) -> str:
    if png is None:
        return ""
    caption = escape(_("What the model sees"))
    return (
        f'<figure><img src="{data_url(png)}" alt="{caption}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _render_bars(probabilities: Mapping[str, float], label: str, *, known: bool, key: str) -> None:
    caption = _("Confidence by class")
    if len(probabilities) > MAX_BARS:
        caption = _("Confidence in the {shown} most likely of {all} classes").format(
            shown=MAX_BARS, all=len(probabilities)
        )
        likely = sorted(probabilities, key=lambda name: -probabilities[name])[:MAX_BARS]
        probabilities = {name: share for name, share in probabilities.items() if name in likely}
    rows = [
        Bar(name, share, percent(share) if known else "", leading=name == label)
        for name, share in probabilities.items()
    ]
    bars(caption, rows, key=key)
