"""One uploaded picture beside its answer: a frame to drag on it, and what is left of a photo."""

import hashlib
from collections.abc import Callable
from html import escape

import streamlit as st

from app.clients import classifier
from app.clients.classifier import PictureFile
from app.clients.http import ServiceError
from app.components.crop import crop
from app.text import images
from app.text.formatting import plain
from app.text.translate import _

SHOWN_PIXELS = 512
_KEPT = 12
"""Views that a visitor's session keeps."""

_Views = dict[tuple[str, str, str], bytes | None]


def render_picture(file: PictureFile) -> str:
    """Render the picture with its frame, and the mask beside it.

    Returns the frame as the classifier takes it, "" for the whole picture.
    """
    with st.container(key="upload_name"):
        st.caption(plain(file.name))
    picture = _view(file, "picture", "") or images.thumbnail(file.data, SHOWN_PIXELS)
    if picture is None:
        st.html(f'<img src="{images.NEUTRAL_TILE}" width="96" height="96" alt="">')
        return ""
    left, right = st.columns([2, 1])
    with left:
        frame = crop(picture, name=file.name, key="crop")
    masked = _view(file, "mask", frame)
    if masked is not None and masked != _view(file, "picture", frame):
        alt, caption = _("The photo with its background dimmed"), _("Dimmed: left out")
        right.html(
            f'<figure class="mask"><img src="{images.data_url(masked)}" alt="{escape(alt)}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )
    return frame


def _view(file: PictureFile, view: str, frame: str) -> bytes | None:
    """One view of a picture, a PNG; None if there is none. Asked for once."""
    views: _Views = st.session_state.setdefault("upload_views", {})
    asked = (hashlib.sha256(file.data).hexdigest(), view, frame)
    if views.get(asked) is None:
        views[asked] = _or_none(lambda: classifier.preview(file.data, file.media_type, frame, view))
        while len(views) > _KEPT:
            del views[next(iter(views))]
    return views[asked]


def _or_none(fetch: Callable[[], bytes]) -> bytes | None:
    try:
        return fetch()
    except ServiceError:
        return None
