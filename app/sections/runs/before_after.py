"""What a run changed on the very pictures that were corrected: a strip, before and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from app.clients import classifier, corrections, trainer
from app.clients.classifier import Answer, PictureFile
from app.clients.corrections import USABLE_STATES, Correction
from app.clients.http import ServiceError
from app.clients.trainer import Model, Result, Run
from app.clients.version_names import version_name
from app.text.formatting import plain
from app.text.images import data_url
from app.text.translate import _, ngettext

MAX_PICTURES = 8
LOOKED_THROUGH = 100
"""Corrections among which those of the run are found, newest first."""

_KEPT_KEY = "before_after"


@dataclass(frozen=True)
class CorrectedPicture:
    """A picture, a PNG, with its class and what was answered before the run and after it."""

    png: bytes
    label: str
    before: str
    after: str


def render_before_after(run: Run, result: Result, models: Sequence[Model]) -> None:
    """Render the strip. Nothing if the run learned from no correction, or a service is away."""
    key = (run.run_id, next((model.tag for model in models if model.champion), None))
    kept: tuple[object, Sequence[CorrectedPicture]] | None = st.session_state.get(_KEPT_KEY)
    if kept is None or kept[0] != key:
        try:
            found = _fetch(run, result, models)
        except ServiceError:
            return
        if found is None:
            return
        st.session_state[_KEPT_KEY] = kept = (key, found)
    if pictures := kept[1]:
        is_live = key[1] == result.model
        st.markdown(f"**{plain(_title(pictures, None if is_live else result.model))}**")
        st.html(f'<ul class="strip">{"".join(map(_item, pictures))}</ul>')


def _fetch(run: Run, result: Result, models: Sequence[Model]) -> list[CorrectedPicture] | None:
    """Return the corrected pictures of a run, newest first.

    None while the classifier changes over to the version. Raises ServiceError.
    """
    new = next((model for model in models if model.tag == result.model), None)
    if new is None or run.corrections is None or not run.corrections.used:
        return []
    if not new.champion:
        return _differences(new)
    before = next((model for model in models if model.tag == result.previous_model), None)
    learned = _learned(new) - (_learned(before) if before is not None else set())
    listed = corrections.page(limit=LOOKED_THROUGH).corrections
    chosen = [one for one in listed if _is_shown(one, run, learned)][:MAX_PICTURES]
    files = [PictureFile(f"{one.id}.png", one.png, classifier.PNG) for one in chosen]
    answers = classifier.classify_many(files) if files else []
    if not all(isinstance(answer, Answer) and answer.model == new.tag for answer in answers):
        return None
    return [
        CorrectedPicture(one.png, one.label, one.predicted, answer.label)
        for one, answer in zip(chosen, answers, strict=True)
        if isinstance(answer, Answer) and one.predicted is not None
    ]


def _differences(new: Model) -> list[CorrectedPicture]:
    """Return the test corrections that a version which is not live names otherwise."""
    if new.gate is None or new.gate.champion is None:
        return []
    report = trainer.report(new.version)
    return [
        CorrectedPicture(one.png, one.label, one.before, one.after)
        for one in (*report.worse, *report.better)
        if one.corrected and one.before is not None
    ][:MAX_PICTURES]


def _is_shown(one: Correction, run: Run, learned: set[str]) -> bool:
    """Return whether a wrong answer was corrected, and the run has learned it or tested with it."""
    if one.predicted is None or one.predicted == one.label or one.state not in USABLE_STATES:
        return False
    is_tested = one.held_out and one.created_at < (run.started_at or run.created_at)
    return is_tested or f"{one.content_hash}:{one.label}" in learned


def _learned(model: Model) -> set[str]:
    return set(model.metadata.get("corrections_used") or ())


def _title(pictures: Sequence[CorrectedPicture], candidate: str | None) -> str:
    """Return how many are right; `candidate` is the tag of the new version if it is not live."""
    right = sum(one.after == one.label for one in pictures)
    before = sum(one.before == one.label for one in pictures)
    if candidate is not None:
        return ngettext(
            "Your correction: {right} of {total} right with {name}, {before} before",
            "Your corrections: {right} of {total} right with {name}, {before} before",
            len(pictures),
        ).format(right=right, total=len(pictures), before=before, name=version_name(candidate))
    return ngettext(
        "Your correction: {right} of {total} right now, {before} before",
        "Your corrections: {right} of {total} right now, {before} before",
        len(pictures),
    ).format(right=right, total=len(pictures), before=before)


def _item(one: CorrectedPicture) -> str:
    is_right = one.after == one.label
    mark, tone = ("✓", "right") if is_right else ("✗", "wrong")
    alt = _("What the model saw: {label}").format(label=one.label)
    was = _("was {answer}").format(answer=one.before)
    now = _("now {answer}").format(answer=one.after)
    return (
        f'<li><img src="{data_url(one.png)}" alt="{escape(alt)}"><span><b>{escape(one.label)}</b>'
        f'<span class="was">{escape(was)}</span>'
        f'<span class="{tone}">{escape(now)} <span aria-hidden="true">{mark}</span></span>'
        "</span></li>"
    )
