"""Feedback on an answer: confirm it or choose the right class, which saves a correction."""

import hashlib
from dataclasses import dataclass

import streamlit as st

from app.clients import corrections
from app.clients.classifier import Answer
from app.clients.http import ServiceError
from app.components.feedback import FeedbackPrompt, feedback_prompt
from app.login import permission
from app.text.formatting import as_noun

_SUBJECT = {"pad": "drawing", "upload": "picture"}


@dataclass(frozen=True)
class _Outcome:
    """Result of the last click on the picture with this digest.

    `ready` is the number of corrections that training can use, None if it is unknown.
    """

    digest: str
    label: str = ""
    saved: corrections.SavedCorrection | None = None
    ready: int | None = None
    error: str | None = None


def render_feedback(answer: Answer, data: bytes, media_type: str, *, source: str) -> None:
    """Render the buttons below an answer; after a click, the saved correction with Undo.

    `data` is the picture as it was sent to the classifier, `source` is `pad` or `upload`. Nothing
    is sent to the trainer before a click.
    """
    if not permission.may("teacher", "Correcting an answer"):
        st.page_link("views/corrections.py", label="See all corrections")
        return
    digest = hashlib.sha256(data).hexdigest()
    state_key = f"{source}_outcome"
    last: _Outcome = st.session_state.get(state_key, _Outcome(digest))
    outcome = last if last.digest == digest else _Outcome(digest)

    def save(label: str) -> None:
        st.session_state[state_key] = _save(digest, label, answer, data, media_type, source)

    def undo() -> None:
        st.session_state[state_key] = _undo(outcome)

    prompt = FeedbackPrompt(
        digest=digest,
        predicted=answer.label,
        class_names=list(answer.probabilities),
        message=f"We'll save this {_SUBJECT[source]} and your answer for training.",
        saved=_summary(outcome),
        undoable=outcome.saved is not None and outcome.saved.new,
        error=outcome.error,
    )
    with st.container(key=f"{source}_feedback", gap="xsmall"):
        feedback_prompt(prompt, on_save=save, on_undo=undo, key=f"{source}_prompt")
        with st.container(horizontal=True, gap="medium"):
            if outcome.ready:
                st.page_link("views/retrain.py", label=f"{outcome.ready:,} ready: **Retrain**")
            st.page_link("views/corrections.py", label="See all corrections")


def _summary(outcome: _Outcome) -> str | None:
    if outcome.saved is None:
        return None
    verb = "Saved" if outcome.saved.new else "Already saved"
    summary = f"{verb} as {as_noun(outcome.label)}."
    if outcome.saved.state != "conflict":
        return summary
    return (
        f"{summary} This picture also has another label, so training skips both. "
        "Delete or relabel one of them."
    )


def _save(
    digest: str, label: str, answer: Answer, data: bytes, media_type: str, source: str
) -> _Outcome:
    try:
        saved = corrections.submit(
            data,
            media_type,
            label=label,
            predicted=answer.label,
            model=answer.model,
            source=source,
        )
    except ServiceError as error:
        return _Outcome(digest, error=f"Not saved. {error.message}")
    return _Outcome(digest, label, saved, _ready_count())


def _ready_count() -> int | None:
    try:
        return corrections.page(limit=1).usable
    except ServiceError:
        return None


def _undo(outcome: _Outcome) -> _Outcome:
    if outcome.saved is None:
        return outcome
    try:
        corrections.delete(outcome.saved.id)
    except ServiceError as error:
        message = f"Still saved. {error.message}"
        return _Outcome(outcome.digest, outcome.label, outcome.saved, outcome.ready, message)
    return _Outcome(outcome.digest)
