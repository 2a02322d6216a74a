"""Classify page: draw a picture or upload some, and get the model's answer."""

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
from app.text.formatting import counted

ORIGINAL_PIXELS = 640


def render_page() -> None:
    """Render the whole page."""
    st.title("What is it?")
    st.write("Draw a piece of clothing, or upload pictures.")
    drawing, uploading = st.tabs(["Draw", "Upload"])
    with drawing:
        render_drawing()
    with uploading:
        render_upload()


@st.fragment
def render_drawing() -> None:
    """Render the pad, and the answer beside it."""
    left, right = st.columns([1, 1.1], gap="large")
    with left:
        drawing = pad(key="pad")
    with right, st.container(key="drawing_answer"):
        if drawing.png is not None:
            render_single_answer("pad", drawing.png, number=drawing.number)
        elif model_status.live_tag() is None:
            answer.render_placeholder(
                "Start drawing", "You'll get an answer once the model is ready."
            )
        elif drawing.strokes:
            answer.render_placeholder(
                "Nothing drawn", "Everything is erased. Draw something, or press Undo."
            )
        else:
            answer.render_placeholder(
                "Your answer appears here", "Draw something, or pick one of the samples."
            )
            answer.render_empty_probabilities(model_status.class_names(), key="pad_bars")


@st.fragment
def render_upload() -> None:
    """Render the file chooser; below it a large answer to one file, or a table of several."""
    files = st.file_uploader(
        "One item per photo; a plain background works best",
        accept_multiple_files=True,
        key="files",
    )
    chosen = [_picture_file(file) for file in files]
    if len(chosen) == 1:
        left, right = st.columns([1, 1.1], gap="large")
        with left:
            _render_original(chosen[0])
        with right, st.container(key="upload_answer"):
            render_single_answer("upload", chosen[0].data, media_type=chosen[0].media_type)
    elif chosen:
        render_batch(chosen)


def render_single_answer(
    source: str, data: bytes, *, media_type: str = classifier.PNG, number: int = 0
) -> None:
    """Render the answer to one picture, or the error. `source` is `pad` or `upload`."""
    try:
        timed, preview = _classify_once(source, data, media_type)
    except NotReady:
        answer.render_placeholder("No answer yet", "You'll get one once the model is ready.")
    except ServiceDown:
        answer.render_placeholder("No answer yet", "You'll get one once the classifier is back.")
    except ServiceError as error:
        answer.render_placeholder("No answer", error.message)
    else:
        answer.render_answer(timed, preview, number=number)
        feedback.render_feedback(timed.answer, data, media_type, source=source)
        answer.render_probabilities(timed.answer, key=f"{source}_bars")


def render_batch(files: Sequence[PictureFile]) -> None:
    """Render the table of answers, or the error."""
    try:
        with st.spinner(f"Classifying {counted(len(files), 'picture')}"):
            answers, seconds = _classify_many_once(files)
    except NotReady:
        answer.render_placeholder("No answers yet", "You'll get them once the model is ready.")
    except ServiceDown:
        answer.render_placeholder("No answers yet", "You'll get them once the classifier is back.")
    except ServiceError as error:
        answer.render_placeholder("No answers", error.message)
    else:
        batch_results.render_batch_results(files, answers, seconds)


def _classify_once(source: str, data: bytes, media_type: str) -> tuple[Timed, bytes | None]:
    """Return the answer and the preview PNG; ask once per picture and model. Raises ServiceError.

    Streamlit reruns this often; the time shown stays that of the one call.
    """
    state_key = f"{source}_answered"
    question = (hashlib.sha256(data).digest(), model_status.live_tag())
    stored: tuple[object, tuple[Timed, bytes | None]] | None = st.session_state.get(state_key)
    if stored is None or stored[0] != question:
        result = classifier.classify(data, media_type), _preview(data, media_type)
        st.session_state[state_key] = stored = (question, result)
    return stored[1]


def _classify_many_once(
    files: Sequence[PictureFile],
) -> tuple[list[Answer | Unreadable], float]:
    """Return the answers in order and the seconds they took; stored as in `_classify_once`.

    Raises ServiceError.
    """
    digests = tuple(hashlib.sha256(file.data).digest() for file in files)
    question = (digests, model_status.live_tag())
    stored: tuple[object, tuple[list[Answer | Unreadable], float]] | None
    stored = st.session_state.get("answered_many")
    if stored is None or stored[0] != question:
        begun = time.perf_counter()
        answers = classifier.classify_many(files)
        stored = (question, (answers, time.perf_counter() - begun))
        st.session_state["answered_many"] = stored
    return stored[1]


def _preview(data: bytes, media_type: str) -> bytes | None:
    try:
        return classifier.preview(data, media_type)
    except ServiceError:
        return None


def _picture_file(file: UploadedFile) -> PictureFile:
    """Return an uploaded file. A type that the browser does not know is left to the classifier."""
    unknown = file.type in ("", "application/octet-stream")
    return PictureFile(file.name, file.getvalue(), "image/*" if unknown else file.type)


def _render_original(file: PictureFile) -> None:
    png = images.thumbnail(file.data, ORIGINAL_PIXELS)
    if png is None:
        st.caption(f"Can't show {file.name}.")
    else:
        st.image(png, caption=file.name, width="stretch")


render_page()
