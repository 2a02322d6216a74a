"""The model card as one HTML file: no script, nothing from elsewhere, made to be printed."""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

from app.charts import calibration
from app.sections.about import limits
from app.sections.about.card import Card
from app.text.formatting import moment, percent
from app.text.translate import _, language

_STYLE = Path(__file__).with_name("card.css")
_SIDE, _EDGE = 300, 50
"""Pixels of the calibration plot, and of its margin for the axes."""


def to_html(card: Card) -> str:
    """Return the card as a file in the visitor's language."""
    title = _("Model card: {name}").format(name=card.name)
    sections = [
        (_("What it is for"), _paragraphs([limits.intended_use()])),
        (_("What it was trained on"), _paragraphs(card.trained_on)),
        (_("What it is good and bad at"), _class_table(card)),
        (_("How far to trust its confidence"), _calibration(card)),
        (_("Known limits"), _bullets(card.limits)),
        (_("What it costs to serve"), _facts(card.cost)),
        (_("Where it comes from"), _facts(card.facts)),
    ]
    body = "".join(
        f"<section><h2>{escape(heading)}</h2>{content}</section>" for heading, content in sections
    )
    return (
        f'<!DOCTYPE html><html lang="{language()}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><header><h1>{escape(title)}</h1>"
        f"<p>{escape(card.status)} · {escape(moment(card.trained_at))}</p>"
        f"<p>{escape(card.summary)}</p></header>{body}</body></html>"
    )


def _paragraphs(sentences: Iterable[str]) -> str:
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)


def _bullets(sentences: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul>"


def _facts(facts: Mapping[str, str]) -> str:
    rows = (
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    return f"<dl>{''.join(rows)}</dl>"


def _class_table(card: Card) -> str:
    if not card.classes:
        return _paragraphs([_("Its accuracy by class is not stored.")])
    rows = (
        f"<tr><th scope=row>{escape(it.name)}</th><td>{percent(it.accuracy)}</td>"
        f"<td>{escape(it.words)}</td></tr>"
        for it in card.classes
    )
    heads = (_("Class"), _("Right"), _("What to expect"))
    head = "".join(f"<th scope=col>{escape(text)}</th>" for text in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _calibration(card: Card) -> str:
    words = _paragraphs([card.calibration])
    if not card.bins:
        return words
    drawn = calibration.drawn(card.bins)
    points = [(_x(it.confidence), _y(it.accuracy)) for it in drawn]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(calibration.words(it))}</title>'
        "</circle>"
        for (x, y), it in zip(points, drawn, strict=True)
    )
    ticks = "".join(
        f'<text x="{_x(share)}" y="{_SIDE - 24}" text-anchor="middle">{share:.0%}</text>'
        f'<text x="{_EDGE - 6}" y="{_y(share) + 4}" text-anchor="end">{share:.0%}</text>'
        for share in (0, 0.5, 1)
    )
    name = _("How sure it is, and how often it is right")
    return (
        f'{words}<div class="plot">'
        f'<svg role="img" viewBox="0 0 {_SIDE} {_SIDE}" aria-label="{escape(name)}">'
        f'<rect x="{_x(0)}" y="{_y(1)}" width="{_x(1) - _x(0)}" height="{_y(0) - _y(1)}"/>'
        f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'
        f'<polyline points="{line}"/>{dots}{ticks}'
        f'<text x="{_SIDE / 2}" y="{_SIDE - 3}" text-anchor="middle">{escape(_("How sure"))}</text>'
        f'<text transform="translate(11 {_SIDE / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(_('How often right'))}</text></svg>"
        f"{_bullets(calibration.words(it) for it in card.bins)}</div>"
    )


def _x(share: float) -> float:
    return _EDGE + share * (_SIDE - 2 * _EDGE)


def _y(share: float) -> float:
    return _SIDE - _EDGE - share * (_SIDE - 2 * _EDGE)
