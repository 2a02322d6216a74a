"""About this model: what a version learned, what it is good and bad at, and what it costs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

import streamlit as st

from app.charts import calibration
from app.clients import trainer
from app.clients.http import RequestRejected, ServiceError
from app.clients.trainer import Model
from app.components.chart import chart
from app.sections import trainer_notice
from app.sections.about import card_html, limits
from app.sections.about.card import Card, make_card, recipe, to_json
from app.sections.about.class_words import FAIR_FROM
from app.sections.teaching import choices
from app.text.formatting import moment, percent, plain, zone_note
from app.text.translate import _

CALIBRATION_HEIGHT = 300
_CHOICE_PIXELS = 440
_OFFERED = 40
"""Versions to choose from, the newest ones."""

_PARAMETER = "version"
"""Of the page's address."""


def render_page() -> None:
    """Render the whole page: the live version, or the one that the address names."""
    st.title(_("About this model"))
    try:
        page = trainer.model_page(0, _OFFERED)
        asked = st.query_params.get(_PARAMETER)
        found = _find(asked, page.models)
        live = _find(page.champion, page.models)
    except ServiceError as error:
        trainer_notice.render_trainer_error(error)
        return
    if not page.total:
        st.info(_("No versions yet. Train the first one on Retrain."))
        return
    if asked is not None and found is None:
        st.warning(_("There is no version {name}.").format(name=plain(asked[:40])))
    st.html(Path(__file__).with_suffix(".css"))
    choices.refresh()
    model = found or live or page.models[0]
    with st.container(horizontal=True, key="about_top"):
        _render_choice(model, page.models)
        card = None if model.error is not None else make_card(model)
        if card is not None:
            _render_downloads(card, model)
    if card is None:
        trainer_notice.render_damaged_version(model)
    else:
        _render_card(card, model)


def _render_card(card: Card, model: Model) -> None:
    _render_figures(card)
    _render_classes(card)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("## {}".format(_("What it was trained on")))
        _render_lines(card.trained_on)
        st.markdown("## {}".format(_("Known limits")))
        _render_lines(card.limits)
        st.markdown("## {}".format(_("What it is for")))
        st.write(limits.intended_use())
    with right:
        _render_calibration(card)
    st.markdown("## {}".format(_("What it costs to serve")))
    _render_facts(card.cost)
    if model.metadata.get("serving_seconds"):
        st.caption(_("Times are those of one thread of the machine that trained it."))
    st.markdown("## {}".format(_("Where it comes from")))
    _render_facts(card.facts)
    st.caption(zone_note())


def _find(name: str | None, listed: Sequence[Model]) -> Model | None:
    """Return a version by its tag, number or the tag's last part; None if there is none.

    Raises ServiceError.
    """
    if name is None:
        return None
    for model in listed:
        if name in (model.tag, model.version, model.name):
            return model
    try:
        return trainer.model(name)
    except RequestRejected:
        return None


def _render_choice(model: Model, listed: Sequence[Model]) -> None:
    """Render the choice of a version. The address names it, so that it can be shared."""
    by_tag = {model.tag: model, **{other.tag: other for other in listed}}
    tags = sorted(by_tag, key=lambda tag: by_tag[tag].created_at, reverse=True)
    chosen = st.selectbox(
        _("Version"),
        tags,
        index=tags.index(model.tag),
        format_func=lambda tag: _title(by_tag[tag]),
        width=_CHOICE_PIXELS,
        key=f"about_version_{model.version}",
    )
    if chosen != model.tag:
        st.query_params[_PARAMETER] = by_tag[chosen].name
        st.rerun()


def _title(model: Model) -> str:
    parts = [model.name, recipe(model), moment(model.created_at)]
    if model.champion:
        parts.append(_("live"))
    return " · ".join(part for part in parts if part)


def _render_downloads(card: Card, model: Model) -> None:
    """Render the buttons that save the model card, for people and for programs."""
    st.download_button(
        _("Download model card"),
        card_html.to_html(card),
        file_name=f"model-card-{card.name}.html",
        mime="text/html",
        on_click="ignore",
        key="card_html",
    )
    st.download_button(
        _("Download as JSON"),
        json.dumps(to_json(card, model), indent=2, ensure_ascii=False),
        file_name=f"model-card-{card.name}.json",
        mime="application/json",
        on_click="ignore",
        key="card_json",
    )


def _render_figures(card: Card) -> None:
    """Render the summary, and a tile for each of the figures that matter most."""
    st.write(plain(card.summary))
    figures = {}
    if card.accuracy is not None:
        figures[_("Test accuracy")] = percent(card.accuracy)
    if card.calibration_error is not None:
        points = f"{card.calibration_error * 100:.1f}"
        figures[_("Confidence is off by")] = _("{points} points").format(points=points)
    for name in (_("One picture"), _("Size on disk")):
        figures[name] = card.cost[name]
    with st.container(key="about_figures"):
        for name, value in figures.items():
            st.metric(name, value, border=True, height="stretch")


def _render_classes(card: Card) -> None:
    st.markdown("## {}".format(_("What it is good and bad at")))
    if not card.classes:
        st.write(_("Its accuracy by class is not stored."))
        return
    heads = (_("Class"), _("Right"), _("What to expect"))
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    rows = "".join(
        f'<tr><th scope="row">{escape(it.name)}</th>'
        f'<td><span class="about-bar{"" if it.accuracy >= FAIR_FROM else " weak"}">'
        f'<i style="width: {it.accuracy:.1%}"></i></span>{percent(it.accuracy)}</td>'
        f"<td>{escape(it.words)}</td></tr>"
        for it in card.classes
    )
    st.html(
        f'<table class="about-classes"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _render_calibration(card: Card) -> None:
    st.markdown("## {}".format(_("How far to trust its confidence")))
    st.write(card.calibration)
    if not card.bins:
        return
    figure = calibration.calibration_chart(card.bins)
    chart(figure, key="calibration", height=CALIBRATION_HEIGHT)


def _render_lines(sentences: Iterable[str]) -> None:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    st.html(f'<ul class="about-lines">{items}</ul>')


def _render_facts(facts: Mapping[str, str]) -> None:
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    st.html(f'<dl class="facts">{items}</dl>')


render_page()
