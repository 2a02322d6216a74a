"""Under an answer: whether it is right, or which class it is. What a person says is kept."""

import hashlib
from dataclasses import dataclass

import streamlit as st

from app import corrections
from app.classifier import Answer, version_of
from app.connection import ServiceError
from app.wording import plain

_ORIGIN = {"pad": "drawn", "upload": "uploaded"}


@dataclass(frozen=True)
class _Said:
    """What was said of the picture with this digest, and what the trainer made of it."""

    digest: str
    label: str
    kept: corrections.Kept


def show(answer: Answer, data: bytes, media_type: str, *, source: str) -> None:
    """Asks about the answer to one picture; once it is told, says what was kept, with Undo.

    `data` is the picture as it was sent to the classifier, `source` is `pad` or `upload`. Nothing
    is sent before a person answers.
    """
    digest = hashlib.sha256(data).hexdigest()
    said: _Said | None = st.session_state.get(_place(source))
    with st.container(key=f"{source}_verdict", gap="small"):
        if said is not None and said.digest == digest:
            _tell(said, source)
        else:
            _ask(answer, data, media_type, source)
        trouble = st.session_state.pop(f"{source}_trouble", None)
        if trouble is not None:
            st.error(plain(trouble))


def _ask(answer: Answer, data: bytes, media_type: str, source: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Right",
            key=f"{source}_right",
            help=f"Keep it as {answer.label}",
            on_click=_keep,
            args=(answer.label, answer, data, media_type, source),
        )
        st.selectbox(
            "If it is something else, what?",
            [name for name in answer.probabilities if name != answer.label],
            index=None,
            placeholder="No, it is …",
            label_visibility="collapsed",
            key=f"{source}_class",
            width=200,
            on_change=_keep_other,
            args=(answer, data, media_type, source),
        )
    st.caption(
        "Your answer keeps the picture of 28 by 28 pixels that the model saw, the class, what "
        f"version {plain(version_of(answer.model))} said, that it was {_ORIGIN[source]} and when, "
        "in the trainer's `corrections.db`, to train on."
    )


def _tell(said: _Said, source: str) -> None:
    label, number = plain(said.label), said.kept.id
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if said.kept.new:
            st.markdown(f"Kept as **{label}**, number {number}.", width="content")
            st.button("Undo", key=f"{source}_undo", on_click=_undo, args=(said, source))
        else:
            st.markdown(f"Kept before as **{label}**, number {number}.", width="content")
        st.page_link("views/corrections.py", label="See all corrections", width="content")
    if said.kept.state == "conflict":
        st.warning(
            "This picture was kept with another class before. Neither is used until one of them is "
            "deleted or relabelled."
        )


def _keep_other(answer: Answer, data: bytes, media_type: str, source: str) -> None:
    label = st.session_state[f"{source}_class"]
    if label is not None:
        _keep(label, answer, data, media_type, source)
        st.session_state[f"{source}_class"] = None


def _keep(label: str, answer: Answer, data: bytes, media_type: str, source: str) -> None:
    try:
        kept = corrections.keep(
            data,
            media_type,
            label=label,
            predicted=answer.label,
            model=answer.model,
            source=source,
        )
    except ServiceError as error:
        st.session_state[f"{source}_trouble"] = f"It was not kept. {error.sentence}"
    else:
        digest = hashlib.sha256(data).hexdigest()
        st.session_state[_place(source)] = _Said(digest, label, kept)


def _undo(said: _Said, source: str) -> None:
    try:
        corrections.delete(said.kept.id)
    except ServiceError as error:
        st.session_state[f"{source}_trouble"] = f"It is kept still. {error.sentence}"
    else:
        del st.session_state[_place(source)]


def _place(source: str) -> str:
    return f"{source}_said"
