"""The shadow on the Models page: set a version into it, see what it finds, end it."""

from dataclasses import dataclass

import streamlit as st

import settings
from app.clients import shadow
from app.clients.http import ServiceError
from app.clients.shadow import Shadow
from app.clients.trainer import Model
from app.monitoring import snapshot
from app.monitoring.snapshot import REFRESH_SECONDS
from app.text.correction_states import REVIEW_REQUESTED
from app.text.formatting import counted, moment, percent, plain

_FAILED = "shadow_not_stopped"


@dataclass(frozen=True)
class Place:
    """The one place in the shadow: which version has it, None if none does."""

    taken: Shadow | None


def place() -> Place | None:
    """Who is in the shadow, None if that cannot be told; says so, or why the last one left it."""
    failed = st.session_state.pop(_FAILED, None)
    if failed is not None:
        st.error(plain(failed))
    try:
        last = shadow.fetch()
    except ServiceError as error:
        st.warning(f"What runs in the shadow is not known. {plain(error.message)}")
        return None
    if last is None or last.ended is None:
        return Place(last)
    with st.container(border=True, key="shadow_ended"):
        st.markdown(f"Version **{last.version}** is in the shadow no more. {plain(last.ended)}")
        st.button("Good to know", key="stop_shadow", on_click=_stop)
    return Place(None)


def offer(model: Model, now: Shadow | None) -> None:
    """The button that sets a version into the shadow, or ends it there."""
    if now is not None and now.version == model.version:
        st.button("Stop the shadow", key="stop_shadow", on_click=_stop, width="stretch")
    elif st.button("Run in the shadow", key=f"shadow_{model.version}", width="stretch"):
        _set_up(model, now)


def show(model: Model) -> None:
    """What a version in the shadow has found, live, and the pictures behind it."""
    st.fragment(_show, run_every=REFRESH_SECONDS)(model)


def _show(model: Model) -> None:
    try:
        now = shadow.fetch()
    except ServiceError as error:
        st.write(plain(error.message))
        return
    if now is None or now.version != model.version or now.ended is not None:
        st.rerun(scope="app")
    st.markdown(f"{_where(now)} {_found(model, now)}")
    st.page_link(
        "views/corrections.py",
        label="See the pictures on which they disagree",
        icon=":material/arrow_forward:",
        query_params={"state": REVIEW_REQUESTED},
    )


def _where(now: Shadow) -> str:
    of = "every picture" if now.share == 1 else f"{now.share * 100:.0f} % of the pictures"
    if not now.workers:
        return f"It is to answer {of} too. No worker of the classifier has it loaded yet."
    workers = counted(now.workers, "worker")
    return f"It answers {of} too, on {workers}, since {moment(now.since)}."


def _found(model: Model, now: Shadow) -> str:
    try:
        pictures = snapshot.shadow_pictures(settings.get("PROMETHEUS_URL"), model.tag, now.since)
    except ServiceError as error:
        return f"What it has found is not known. {plain(error.message)}"
    compared = pictures["agreed"] + pictures["disagreed"]
    if not compared:
        return "It has answered nothing yet." if now.workers else ""
    found = (
        "It said the same as the one that is served on "
        f"**{percent(pictures['agreed'] / compared)}** of {counted(compared, 'picture')}."
    )
    if pictures["dropped"]:
        found += f" It had no time for {pictures['dropped']:,} more."
    return found


@st.dialog("Run it in the shadow?")
def _set_up(model: Model, now: Shadow | None) -> None:
    """Says what that means, and asks on how many of the pictures."""
    st.markdown(
        f"Version **{model.version}** answers the pictures that the one served answers, too. "
        "Nobody sees its answers or waits for them; under load it is the first to go without. "
        "Some of the pictures on which the two disagree are put in question on the Corrections "
        "page."
    )
    if now is not None:
        st.markdown(f"It takes the place of version **{now.version}**.")
    with st.form("shadow", border=False):
        share = st.slider("Of the pictures, percent", 1, 100, 100, key="shadow_share")
        go_on, leave = st.columns(2)
        with leave:
            left = st.form_submit_button("Leave it", width="stretch", key="leave_shadow")
        with go_on:
            confirmed = st.form_submit_button(
                "Run it", type="primary", width="stretch", key="confirm_shadow"
            )
    if confirmed:
        try:
            shadow.start(model.version, share / 100)
        except ServiceError as error:
            st.error(plain(error.message))
            return
    if confirmed or left:
        st.rerun()


def _stop() -> None:
    try:
        shadow.stop()
    except ServiceError as error:
        st.session_state[_FAILED] = f"The shadow was not stopped. {error.message}"
