"""Under an answer: whether it is right, or which class it is. What a person says is kept."""

import hashlib
from dataclasses import dataclass

import streamlit as st

from app.clients import corrections
from app.clients.classifier import Answer, version_of
from app.clients.http import ServiceError
from app.components.feedback import Question, verdict

_ORIGIN = {"pad": "drawn", "upload": "uploaded"}


@dataclass(frozen=True)
class _Outcome:
    """What came of the last click about the picture with this digest."""

    digest: str
    label: str = ""
    kept: corrections.SavedCorrection | None = None
    trouble: str | None = None


def show(answer: Answer, data: bytes, media_type: str, *, source: str) -> None:
    """Asks about the answer to one picture; once it is told, says what was kept, with Undo.

    `data` is the picture as it was sent to the classifier, `source` is `pad` or `upload`. Nothing
    is sent before a person answers.
    """
    digest = hashlib.sha256(data).hexdigest()
    place = f"{source}_outcome"
    last: _Outcome = st.session_state.get(place, _Outcome(digest))
    outcome = last if last.digest == digest else _Outcome(digest)

    def keep(label: str) -> None:
        st.session_state[place] = _kept(digest, label, answer, data, media_type, source)

    def undo() -> None:
        st.session_state[place] = _undone(outcome)

    question = Question(
        digest=digest,
        answered=answer.label,
        class_names=list(answer.probabilities),
        message=(
            "Your answer keeps the picture of 28 by 28 pixels that the model saw, the class, what "
            f"version {version_of(answer.model)} said, that it was {_ORIGIN[source]} and when, in "
            "the trainer's database corrections.db, to train on."
        ),
        kept=_told(outcome),
        undoable=outcome.kept is not None and outcome.kept.new,
        trouble=outcome.trouble,
    )
    with st.container(key=f"{source}_verdict", gap="xsmall"):
        verdict(question, on_keep=keep, on_undo=undo, key=f"{source}_said")
        st.page_link("views/corrections.py", label="See all corrections")


def _told(outcome: _Outcome) -> str | None:
    if outcome.kept is None:
        return None
    when = "Kept" if outcome.kept.new else "Kept before"
    told = f"{when} as {outcome.label}, number {outcome.kept.id}."
    if outcome.kept.state != "conflict":
        return told
    return (
        f"{told} It was kept with another class too: neither is used until one of them is deleted "
        "or relabelled."
    )


def _kept(
    digest: str, label: str, answer: Answer, data: bytes, media_type: str, source: str
) -> _Outcome:
    try:
        kept = corrections.submit(
            data,
            media_type,
            label=label,
            predicted=answer.label,
            model=answer.model,
            source=source,
        )
    except ServiceError as error:
        return _Outcome(digest, trouble=f"It was not kept. {error.message}")
    return _Outcome(digest, label, kept)


def _undone(outcome: _Outcome) -> _Outcome:
    if outcome.kept is None:
        return outcome
    try:
        corrections.delete(outcome.kept.id)
    except ServiceError as error:
        trouble = f"It is kept still. {error.message}"
        return _Outcome(outcome.digest, outcome.label, outcome.kept, trouble)
    return _Outcome(outcome.digest)
