"""Classify page: draw a picture or upload some, and get the model's answer."""

import hashlib
from collections.abc import Mapping
from functools import partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile

import settings
from app.clients import classifier, identity
from app.clients.batch import Batch, Progress
from app.clients.classifier import PictureFile, Timed
from app.clients.http import NotReady, RequestRejected, ServiceDown, ServiceError
from app.components.pad import pad
from app.sections import answer, explanation, model_status
from app.sections.teaching import choices, feedback
from app.sections.teaching.feedback import Picture
from app.sections.uploads import batch_results, picture
from app.text.uploads import words_for

FIRST_WAIT_SECONDS = 1.0
POLL_SECONDS = 1.0

_FILES, _CAMERA = "Files", "Camera"

# The ids of the files of a batch, and the tag of the live version.
Question = tuple[tuple[str, ...], str | None]


def render_page() -> None:
    """Render the whole page."""
    st.title("What is it?")
    st.write("Draw a piece of clothing, or upload pictures.")
    if settings.get("KEEP_UNKNOWN") == "1":
        st.caption(
            "Pictures that the model does not know may be stored, reduced to 28x28 pixels, for a "
            "person to name."
        )
    choices.refresh()  # here, not with each answer: drawing alone sends nothing to the trainer
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
        elif model_status.awaits_model():
            answer.render_placeholder(
                "Start drawing", "There is no model yet. You can teach one: say what you draw."
            )
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
    """Render the choice of pictures; below it a large answer to one, or a table of several."""
    source = st.segmented_control(
        "Where the pictures come from",
        [_FILES, _CAMERA],
        default=_FILES,
        required=True,
        label_visibility="collapsed",
        key="upload_source",
    )
    chosen = _photographed() if source == _CAMERA else _uploaded()
    if len(chosen) > 1:
        render_batch(chosen)
        return
    _stop_batch()
    for file in chosen.values():
        left, right = st.columns([1, 1.1], gap="large")
        with left:
            crop = picture.render_picture(file)
        with right, st.container(key="upload_answer"):
            render_single_answer("upload", file.data, media_type=file.media_type, crop=crop)


def _uploaded() -> dict[str, PictureFile]:
    """Render the file chooser. Returns the files by their ids."""
    files = st.file_uploader("One item per photo", accept_multiple_files=True, key="files")
    if any(isinstance(file, DeletedFile) for file in st.session_state["files"]):
        st.warning(
            "The page was restarted and lost files that you uploaded before. "
            "Remove their names above, and upload them again."
        )
    return {file.file_id: _picture_file(file) for file in files}


def _photographed() -> dict[str, PictureFile]:
    """Render the camera, which starts now. Returns the photo by its id, once there is one."""
    photo = st.camera_input("Take a photo of one item", key="camera")
    return {} if photo is None else {photo.file_id: _picture_file(photo)}


def render_single_answer(
    source: str,
    data: bytes,
    *,
    media_type: str = classifier.PNG,
    crop: str = "",
    number: int = 0,
) -> None:
    """Render the answer to one picture, or to a part of it, or the error.

    `source` is `pad` or `upload`.
    """
    if model_status.awaits_model():
        answer.render_placeholder("No model yet", "Say what this is, and one can learn it.")
        feedback.render_feedback(Picture(data, media_type, source, None, crop))
        return
    try:
        timed, preview = _classify_once(source, data, media_type, crop)
    except NotReady as error:
        if error.retry_after is not None and model_status.live_tag() is not None:
            _render_no_answer(source, error.message)
        else:
            answer.render_placeholder("No answer yet", "You'll get one once the model is ready.")
    except ServiceDown:
        answer.render_placeholder("No answer yet", "You'll get one once the classifier is back.")
    except RequestRejected as error:
        words = words_for(data)
        answer.render_placeholder("Not a picture" if words else "No answer", words or error.message)
    except ServiceError as error:
        _render_no_answer(source, error.message)
    else:
        answer.render_answer(timed, preview, number=number)
        explanation.render_explanation(data, source=source, media_type=media_type, crop=crop)
        feedback.render_feedback(Picture(data, media_type, source, timed.answer, crop))
        answer.render_probabilities(timed.answer, key=f"{source}_bars")


def _render_no_answer(source: str, message: str) -> None:
    answer.render_placeholder("No answer", message)
    st.button("Ask again", key=f"{source}_again")


def render_batch(files: Mapping[str, PictureFile]) -> None:
    """Render the table of answers, by the files' ids, as they come."""
    question = (tuple(files), model_status.live_tag())
    before: tuple[Question, Batch] | None = st.session_state.get("batch")
    if before is not None and before[0] == question:
        batch = before[1]
    else:
        known = before[1].progress() if before and before[0][1] == question[1] else None
        batch = _start_batch(question, files, known)
        batch.wait(FIRST_WAIT_SECONDS)  # a few small pictures need no progress bar
    polling = batch.progress().running
    st.fragment(_render_batch_progress, run_every=POLL_SECONDS if polling else None)(polling)


def _render_batch_progress(polling: bool) -> None:
    question, batch = st.session_state["batch"]
    progress = batch.progress()
    if polling and not progress.running:
        st.rerun()  # ends the polling
    if progress.running:
        batch_results.render_progress(batch.files, progress)
    batch_results.render_batch_results(
        batch.files,
        progress,
        on_ask_again=partial(_ask_again, question, batch.files, progress),
    )


def _start_batch(
    question: Question, files: Mapping[str, PictureFile], known: Progress | None
) -> Batch:
    """Start to classify files in place of what was classified before, whose answers stay."""
    _stop_batch()
    batch = Batch(files, known, identity.headers())  # its threads have no visitor
    st.session_state["batch"] = (question, batch)
    return batch


def _ask_again(question: Question, files: Mapping[str, PictureFile], known: Progress) -> None:
    _start_batch(question, files, known)


def _stop_batch() -> None:
    before = st.session_state.pop("batch", None)
    if before is not None:
        before[1].stop()


def _classify_once(
    source: str, data: bytes, media_type: str, crop: str
) -> tuple[Timed, bytes | None]:
    """Return the answer and the preview PNG; ask once per picture and model. Raises ServiceError.

    Streamlit reruns this often; the time shown stays that of the one call.
    """
    state_key = f"{source}_answered"
    question = (hashlib.sha256(data).digest(), crop, model_status.live_tag())
    stored: tuple[object, tuple[Timed, bytes | None]] | None = st.session_state.get(state_key)
    if stored is None or stored[0] != question:
        result = classifier.classify(data, media_type, crop), _preview(data, media_type, crop)
        st.session_state[state_key] = stored = (question, result)
    return stored[1]


def _preview(data: bytes, media_type: str, crop: str) -> bytes | None:
    try:
        return classifier.preview(data, media_type, crop)
    except ServiceError:
        return None


def _picture_file(file: UploadedFile) -> PictureFile:
    """Return an uploaded file. The classifier looks at the content, not at the name."""
    known = file.type.startswith("image/") and not file.type.startswith("image/svg")
    return PictureFile(file.name, file.getvalue(), file.type if known else "image/*")


render_page()
