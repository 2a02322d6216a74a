"""The Upload tab of Classify: choose pictures, and see the answer to one or the table of many."""

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile

from app.clients import identity
from app.clients.batch import Batch, Progress
from app.clients.classifier import PictureFile
from app.sections import model_status
from app.sections.uploads import batch_results, picture

FIRST_WAIT_SECONDS = 1.0
POLL_SECONDS = 1.0

_FILES, _CAMERA = "Files", "Camera"

# The ids of the files of a batch, and the tag of the live version.
Question = tuple[tuple[str, ...], str | None]

# Renders the answer to one picture, or to the part of it that the crop describes.
RenderAnswer = Callable[[PictureFile, str], None]


@st.fragment
def render_upload(render_answer: RenderAnswer) -> None:
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
            render_answer(file, crop)


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


def _picture_file(file: UploadedFile) -> PictureFile:
    """Return an uploaded file. The classifier looks at the content, not at the name."""
    known = file.type.startswith("image/") and not file.type.startswith("image/svg")
    return PictureFile(file.name, file.getvalue(), file.type if known else "image/*")
