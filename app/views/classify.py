"""Classify page: draw a picture or upload some, and get the model's answer."""

import hashlib
from pathlib import Path

import streamlit as st

import settings
from app.clients import classifier
from app.clients.classifier import PictureFile, Timed
from app.clients.http import NotReady, RequestRejected, ServiceDown, ServiceError
from app.components.pad import pad
from app.sections import answer, explanation, model_status
from app.sections.runs import ready_bar
from app.sections.teaching import choices, feedback, first_minute
from app.sections.teaching.feedback import Picture
from app.sections.uploads import upload_tab
from app.text.translate import _
from app.text.uploads import words_for

STYLE = Path(__file__).parent / "classify.css"


def render_page() -> None:
    """Render the whole page."""
    st.html(STYLE)
    with st.container(key="classify_top", horizontal=True, vertical_alignment="center"):
        st.title(_("What is it?"), width="content")
        first_minute.render_first_steps()
        ready_bar.render_ready_bar()
    if settings.get("KEEP_UNKNOWN") == "1":
        st.caption(
            _(
                "Pictures that the model does not know may be stored, reduced to 28x28 pixels, "
                "for a person to name."
            )
        )
    choices.refresh()  # here, not with each answer: drawing alone sends nothing to the trainer
    drawing, uploading = st.tabs([_("Draw"), _("Upload")])
    with drawing:
        render_drawing()
    with uploading:
        upload_tab.render_upload(_render_upload_answer)


@st.fragment
def render_drawing() -> None:
    """Render the pad, and the answer beside it."""
    left, right = st.columns([1.15, 1], gap="large")
    with left:
        drawing = pad(key="pad")
    with right, st.container(key="drawing_answer"):
        if drawing.png is not None:
            render_single_answer("pad", drawing.png, number=drawing.number)
            return
        title, text = _nothing_to_answer(is_erased=bool(drawing.strokes))
        answer.render_placeholder(title, text)
        if model_status.live_tag() is not None:
            answer.render_empty_probabilities(model_status.class_names(), key="pad_bars")


def _nothing_to_answer(*, is_erased: bool) -> tuple[str, str]:
    """Return the title and the text in the place of an answer while the pad is empty."""
    if model_status.awaits_model():
        return (
            _("Start drawing"),
            _("There is no model yet. You can teach one: say what you draw."),
        )
    if model_status.live_tag() is None:
        return _("Start drawing"), _("You'll get an answer once the model is ready.")
    if is_erased:
        return _("Nothing drawn"), _("Everything is erased. Draw something, or press Undo.")
    return _("Your answer appears here"), _("Draw something, or pick one of the samples.")


def _render_upload_answer(file: PictureFile, crop: str) -> None:
    render_single_answer("upload", file.data, media_type=file.media_type, crop=crop)


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
        answer.render_placeholder(_("No model yet"), _("Say what this is, and one can learn it."))
        feedback.render_feedback(Picture(data, media_type, source, None, crop))
        return
    try:
        timed, preview = _classify_once(source, data, media_type, crop)
    except NotReady as error:
        if error.retry_after is not None and model_status.live_tag() is not None:
            _render_no_answer(source, error.message)
        else:
            answer.render_placeholder(
                _("No answer yet"), _("You'll get one once the model is ready.")
            )
    except ServiceDown:
        answer.render_placeholder(
            _("No answer yet"),
            _("You'll get one once the classifier is back. You can still say what this is."),
        )
        feedback.render_feedback(Picture(data, media_type, source, None, crop))
    except RequestRejected as error:
        words = words_for(data)
        title = _("Not a picture") if words else _("No answer")
        answer.render_placeholder(title, words or error.message)
    except ServiceError as error:
        _render_no_answer(source, error.message)
    else:
        answer.render_answer(timed, preview, number=number)
        with st.container(key=f"{source}_facts", horizontal=True, vertical_alignment="center"):
            answer.render_footnote(timed)
            explanation.render_explanation(data, source=source, media_type=media_type, crop=crop)
        feedback.render_feedback(Picture(data, media_type, source, timed.answer, crop))
        answer.render_probabilities(timed.answer, key=f"{source}_bars")


def _render_no_answer(source: str, message: str) -> None:
    answer.render_placeholder(_("No answer"), message)
    st.button(_("Ask again"), key=f"{source}_again")


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
        result = classifier.classify_and_preview(data, media_type, crop)
        st.session_state[state_key] = stored = (question, result)
    return stored[1]


render_page()
