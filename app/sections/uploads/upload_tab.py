"""The Upload tab of Classify: choose pictures, and see the answer to one or the table of many."""

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile

from app.clients import classifier
from app.clients.classifier import PictureFile
from app.components.intake import Example, intake
from app.sections.uploads import batch_table, picture
from app.sections.uploads.examples import examples
from app.text.translate import N_, _
from app.text.uploads import is_photo

_FILES, _CAMERA = "files", "camera"
_SOURCES = {_FILES: N_("Files"), _CAMERA: N_("Camera")}

_CHOSEN_KEY = "upload_chosen"
_CHOOSER_KEY = "upload_chooser"
_FILLED_KEY = "upload_filled"
"""Whether the chooser on the page had files when it was last rendered."""

_SOURCE_KEY = "upload_source"
_INTAKE = "upload_files"

# Renders the answer to one picture, or to the part of it that the crop describes.
RenderAnswer = Callable[[PictureFile, str], None]


@st.fragment
def render_upload(render_answer: RenderAnswer) -> None:
    """Render the choice of pictures; below it a large answer to one, or a table of several."""
    st.html(Path(__file__).with_name("uploads.css"))
    if st.session_state.get(_SOURCE_KEY) != _FILES:
        st.session_state[_FILLED_KEY] = False  # the chooser is new: another page was here before
    top = st.container(horizontal=True, horizontal_alignment="distribute", key="upload_top")
    with top:
        source = st.segmented_control(
            _("Where the pictures come from"),
            list(_SOURCES),
            format_func=lambda name: _(_SOURCES[name]),
            default=_FILES,
            required=True,
            label_visibility="collapsed",
            key=_SOURCE_KEY,
        )
    chosen = _photographed() if source == _CAMERA else _uploaded()
    if chosen and source == _FILES:
        label = _("Remove all") if len(chosen) > 1 else _("Remove")
        top.button(label, key="upload_clear", on_click=_choose, args=({},))
    if any(is_photo(file.data) for file in chosen.values()):
        _render_photo_note()
    if len(chosen) > 1:
        batch_table.render_batch(chosen)
        return
    batch_table.stop()
    for file in chosen.values():
        left, right = st.columns([1, 1.1], gap="large")
        with left:
            crop = picture.render_picture(file)
        with right, st.container(key="upload_answer"):
            render_answer(file, crop)


def _uploaded() -> Mapping[str, PictureFile]:
    """Render the file chooser. Returns the files by their ids.

    They stay when the visitor looks at another page and comes back: Streamlit's chooser is empty
    then.
    """
    key = _chooser_key()
    with st.container(key=_INTAKE):
        files = st.file_uploader(
            _("One item per photo; a plain background works best"),
            accept_multiple_files=True,
            key=key,
        )
        if any(isinstance(file, DeletedFile) for file in st.session_state[key]):
            st.warning(
                _(
                    "The page was restarted and lost files that you uploaded before. "
                    "Remove their names above, and upload them again."
                )
            )
    if files or st.session_state[_FILLED_KEY]:
        st.session_state[_CHOSEN_KEY] = {file.file_id: _picture_file(file) for file in files}
    st.session_state[_FILLED_KEY] = bool(files)
    chosen: Mapping[str, PictureFile] = st.session_state.get(_CHOSEN_KEY, {})
    intake(
        () if chosen else examples(),
        into=_INTAKE,
        on_examples=_choose_examples,
        key="upload_intake",
    )
    return chosen


def _photographed() -> dict[str, PictureFile]:
    """Render the camera, which starts now. Returns the photo by its id, once there is one."""
    photo = st.camera_input(_("Take a photo of one item"), key="camera")
    return {} if photo is None else {photo.file_id: _picture_file(photo)}


def _render_photo_note() -> None:
    text = _(
        "Photos are hard: the model learned from small grey catalogue pictures, and gets about 4 "
        "in 10 photos wrong. Check its answers; what you correct here can teach it yours."
    )
    st.html(f'<p class="photo-note" role="note">{escape(text)}</p>')


def _choose_examples(picked: list[Example]) -> None:
    files = [PictureFile(one.name, one.png, classifier.PNG) for one in picked]
    _choose({f"example {file.name}": file for file in files})


def _choose(files: Mapping[str, PictureFile]) -> None:
    """Let these be the pictures in place of those in the chooser, which a new one replaces."""
    st.session_state[_CHOSEN_KEY] = files
    st.session_state[_CHOOSER_KEY] = st.session_state.get(_CHOOSER_KEY, 0) + 1
    st.session_state[_FILLED_KEY] = False


def _chooser_key() -> str:
    number = st.session_state.get(_CHOOSER_KEY, 0)
    return f"files_{number}" if number else "files"


def _picture_file(file: UploadedFile) -> PictureFile:
    """Return an uploaded file. The classifier looks at the content, not at the name."""
    known = file.type.startswith("image/") and not file.type.startswith("image/svg")
    return PictureFile(file.name, file.getvalue(), file.type if known else "image/*")
