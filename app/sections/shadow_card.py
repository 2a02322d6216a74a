"""Shadow test on the Models page: start it, see its results, stop it."""

from dataclasses import dataclass

import streamlit as st

import settings
from app.clients import shadow
from app.clients.http import ServiceError
from app.clients.shadow import Shadow
from app.clients.trainer import Model
from app.clients.version_names import version_name
from app.monitoring import snapshot
from app.monitoring.snapshot import REFRESH_SECONDS
from app.text.correction_states import REVIEW_REQUESTED
from app.text.formatting import counted, moment, percent, plain
from app.text.translate import _

_STOP_ERROR_KEY = "shadow_not_stopped"


@dataclass(frozen=True)
class ShadowStatus:
    """The running shadow test, None if there is none."""

    running: Shadow | None


def render_shadow_status(*, disabled: bool) -> ShadowStatus | None:
    """Return the status of the shadow test; None if it is unknown.

    Renders errors, and a notice about a test that has ended by itself.
    """
    stop_error = st.session_state.pop(_STOP_ERROR_KEY, None)
    if stop_error is not None:
        st.error(plain(stop_error))
    try:
        last = shadow.fetch()
    except ServiceError as error:
        text = _("Couldn't check the shadow test. {error}")
        st.warning(text.format(error=plain(error.message)))
        return None
    if last is None or last.ended is None:
        return ShadowStatus(last)
    with st.container(border=True, key="shadow_ended"):
        st.markdown(
            _("The shadow test of {name} ended. {reason}").format(
                name=f"**{plain(version_name(last.version))}**", reason=plain(last.ended)
            )
        )
        st.button(_("Got it"), key="stop_shadow", on_click=_stop, disabled=disabled)
    return ShadowStatus(None)


def render_shadow_button(model: Model, running: Shadow | None, *, disabled: bool) -> None:
    """Render the button that starts a shadow test of a version, or stops it."""
    if running is not None and running.version == model.version:
        st.button(
            _("Stop shadow test"),
            key="stop_shadow",
            on_click=_stop,
            disabled=disabled,
        )
    elif st.button(_("Shadow test"), key=f"shadow_{model.version}", disabled=disabled):
        _confirm_start(model, running)


def render_shadow_results(model: Model) -> None:
    """Render the results of a shadow test, live, with a link to the disagreements."""
    st.fragment(_render_results, run_every=REFRESH_SECONDS)(model)


def _render_results(model: Model) -> None:
    try:
        running = shadow.fetch()
    except ServiceError as error:
        st.write(plain(error.message))
        return
    if running is None or running.version != model.version or running.ended is not None:
        st.rerun(scope="app")
    st.markdown(f"{_coverage_text(running)} {_agreement_text(model, running)}")
    st.page_link(
        "views/corrections.py",
        label=_("Review disagreements"),
        icon=":material/arrow_forward:",
        query_params={"state": REVIEW_REQUESTED},
    )


def _coverage_text(running: Shadow) -> str:
    share = percent(running.share, 0)
    if not running.workers:
        if running.share == 1:
            return _("Will answer every picture. No worker has loaded it yet.")
        return _("Will answer {share} of pictures. No worker has loaded it yet.").format(
            share=share
        )
    values = {"workers": counted(running.workers, "worker"), "time": moment(running.since)}
    if running.share == 1:
        return _("Answers every picture on {workers} since {time}.").format(**values)
    return _("Answers {share} of pictures on {workers} since {time}.").format(share=share, **values)


def _agreement_text(model: Model, running: Shadow) -> str:
    url = settings.get("PROMETHEUS_URL")
    try:
        pictures = snapshot.shadow_pictures(url, model.tag, running.since)
    except ServiceError as error:
        return f"{_('Results are unavailable.')} {plain(error.message)}"
    compared = pictures["agreed"] + pictures["disagreed"]
    if not compared:
        return _("No answers yet.") if running.workers else ""
    text = _("Agrees with the live version on {share} of {pictures}.").format(
        share=f"**{percent(pictures['agreed'] / compared)}**", pictures=counted(compared, "picture")
    )
    if pictures["dropped"]:
        skipped = _("Skipped {count} more when busy.").format(count=f"{pictures['dropped']:,}")
        text = f"{text} {skipped}"
    return text


def _confirm_start(model: Model, running: Shadow | None) -> None:
    """Open the dialog that explains a shadow test, asks for its share, and starts it."""
    st.dialog(_("Start a shadow test?"))(_render_start)(model, running)


def _render_start(model: Model, running: Shadow | None) -> None:
    st.markdown(
        _(
            "{name} answers the same pictures as the live version. Nobody sees its answers or "
            "waits for them, and it is skipped when busy. You can review pictures on which the "
            "two disagree on the Corrections page."
        ).format(name=f"**{plain(model.name)}**")
    )
    if running is not None:
        name = f"**{plain(version_name(running.version))}**"
        st.markdown(_("This replaces the shadow test of {name}.").format(name=name))
    with st.form("shadow", border=False):
        share = st.slider(_("Share of pictures, %"), 1, 100, 100, key="shadow_share")
        start, cancel = st.columns(2)
        with cancel:
            cancelled = st.form_submit_button(_("Cancel"), width="stretch", key="leave_shadow")
        with start:
            confirmed = st.form_submit_button(
                _("Start"), type="primary", width="stretch", key="confirm_shadow"
            )
    if confirmed:
        try:
            shadow.start(model.version, share / 100)
        except ServiceError as error:
            st.error(plain(error.message))
            return
    if confirmed or cancelled:
        st.rerun()


def _stop() -> None:
    try:
        shadow.stop()
    except ServiceError as error:
        st.session_state[_STOP_ERROR_KEY] = (
            f"{_('The shadow test is still running.')} {error.message}"
        )
