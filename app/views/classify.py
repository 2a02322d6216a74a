"""Classify: draw a picture or upload some, and read what the model says."""

import hashlib
import time
from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.clients import classifier
from app.clients.classifier import Answer, PictureFile, Timed, Unreadable
from app.clients.http import NotReady, ServiceDown, ServiceError
from app.components.pad import pad
from app.sections import answer, batch_results, feedback, model_status
from app.text import images

ORIGINAL_PIXELS = 640


def page() -> None:
    """The whole page."""
    st.title("What is it?")
    st.write("Draw a piece of clothing, or upload pictures.")
    drawing, uploading = st.tabs(["Draw", "Upload"])
    with drawing:
        draw()
    with uploading:
        upload()


@st.fragment
def draw() -> None:
    """The pad and, beside it, the answer to what is on it."""
    left, right = st.columns([1, 1.1], gap="large")
    with left:
        drawing = pad(key="pad")
    with right, st.container(key="drawing_answer"):
        if drawing.png is not None:
            tell("pad", drawing.png, number=drawing.number)
        elif model_status.served() is None:
            answer.waiting("Draw already", "The answer comes as soon as a model is served.")
        else:
            answer.waiting(
                "Your answer appears here",
                "After each stroke. Or start with one of the small drawings.",
            )
            answer.empty_bars(model_status.class_names(), key="pad_bars")


@st.fragment
def upload() -> None:
    """One file: a large answer. Several: a table."""
    files = st.file_uploader(
        "Pictures with one article each, of any size and colour",
        accept_multiple_files=True,
        key="files",
    )
    chosen = [_picture(file) for file in files]
    if len(chosen) == 1:
        left, right = st.columns([1, 1.1], gap="large")
        with left:
            _show_original(chosen[0])
        with right, st.container(key="upload_answer"):
            tell("upload", chosen[0].data, media_type=chosen[0].media_type)
    elif chosen:
        tell_many(chosen)


def tell(source: str, data: bytes, *, media_type: str = classifier.PNG, number: int = 0) -> None:
    """Shows the answer for one picture, or why there is none. `source`: pad or upload."""
    try:
        timed, seen = _ask(source, data, media_type)
    except NotReady:
        answer.waiting("No answer yet", "It comes as soon as a model is served.")
    except ServiceDown:
        answer.waiting("No answer yet", "It comes as soon as the classifier is back.")
    except ServiceError as error:
        answer.waiting("No answer", error.message)
    else:
        answer.show(timed, seen, number=number)
        feedback.show(timed.answer, data, media_type, source=source)
        answer.bars(timed.answer, key=f"{source}_bars")


def tell_many(chosen: Sequence[PictureFile]) -> None:
    """Shows the table of answers, or why there is none."""
    try:
        with st.spinner(f"Asking about {len(chosen)} pictures"):
            answers, seconds = _ask_many(chosen)
    except NotReady:
        answer.waiting("No answers yet", "They come as soon as a model is served.")
    except ServiceDown:
        answer.waiting("No answers yet", "They come as soon as the classifier is back.")
    except ServiceError as error:
        answer.waiting("No answers", error.message)
    else:
        batch_results.show(chosen, answers, seconds)


def _ask(source: str, data: bytes, media_type: str) -> tuple[Timed, bytes | None]:
    """The answer, and the PNG the model saw. Asks once per picture and model. Raises ServiceError.

    Other parts of the page run this again and again; the time shown stays that of the one call.
    """
    asked = (hashlib.sha256(data).digest(), model_status.served())
    kept: tuple[object, tuple[Timed, bytes | None]] | None = st.session_state.get(
        f"{source}_answered"
    )
    if kept is None or kept[0] != asked:
        found = classifier.classify(data, media_type), _preview(data, media_type)
        st.session_state[f"{source}_answered"] = kept = (asked, found)
    return kept[1]


def _ask_many(chosen: Sequence[PictureFile]) -> tuple[list[Answer | Unreadable], float]:
    """The answers in order and the seconds they took, kept as in `_ask`. Raises ServiceError."""
    asked = (tuple(hashlib.sha256(one.data).digest() for one in chosen), model_status.served())
    kept: tuple[object, tuple[list[Answer | Unreadable], float]] | None
    kept = st.session_state.get("answered_many")
    if kept is None or kept[0] != asked:
        begun = time.perf_counter()
        answers = classifier.classify_many(chosen)
        kept = (asked, (answers, time.perf_counter() - begun))
        st.session_state["answered_many"] = kept
    return kept[1]


def _preview(data: bytes, media_type: str) -> bytes | None:
    try:
        return classifier.preview(data, media_type)
    except ServiceError:
        return None


def _picture(file: UploadedFile) -> PictureFile:
    """A file as sent. A browser that does not know a type says nothing: the classifier looks."""
    unknown = file.type in ("", "application/octet-stream")
    return PictureFile(file.name, file.getvalue(), "image/*" if unknown else file.type)


def _show_original(file: PictureFile) -> None:
    png = images.shrunk(file.data, ORIGINAL_PIXELS)
    if png is None:
        st.caption(f"{file.name} cannot be shown.")
    else:
        st.image(png, caption=file.name, width="stretch")


page()
