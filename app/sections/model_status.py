"""Status of the live model, on every page; and training of the first model."""

from html import escape

import streamlit as st

from app.clients import classes, classifier, trainer
from app.clients.http import ServiceError
from app.clients.version_names import version_name
from app.login import permission
from app.sections.runs import run_progress
from app.sections.teaching import progress
from app.text.formatting import counted, percent, plain
from app.text.translate import _

READY_SECONDS = 3.0
WAITING_SECONDS = 1.0  # while a person waits for the state to change

_STATE_KEY = "classifier_state"


def render_model_status() -> None:
    """Render the badge. It refreshes itself, and reruns the page when the state changes."""
    known = st.session_state.get(_STATE_KEY)
    every = READY_SECONDS if isinstance(known, classifier.Ready) else WAITING_SECONDS
    st.fragment(_render_badge, run_every=every)()


def current_state() -> classifier.State:
    """Return the state that the badge of this page shows."""
    state: classifier.State = st.session_state[_STATE_KEY]
    return state


def live_tag() -> str | None:
    """Return the tag of the version that answers now, None if there is none."""
    state = current_state()
    return state.tag if isinstance(state, classifier.Ready) else None


def awaits_model() -> bool:
    """Return whether the classifier is up and waits for a first model."""
    return isinstance(current_state(), classifier.AwaitingModel)


def tested_accuracy(tag: str | None) -> float | None:
    """Return the test accuracy of a version, 0..1; None unless it is the live one."""
    state = st.session_state.get(_STATE_KEY)
    if not isinstance(state, classifier.Ready) or state.tag != tag:
        return None
    accuracy = state.metadata.get("accuracy")
    return float(accuracy) if isinstance(accuracy, int | float) else None


def class_names() -> list[str]:
    """Return the classes of the live model in its order; empty if there is no model."""
    state = current_state()
    if not isinstance(state, classifier.Ready):
        return []
    return [str(name) for name in state.metadata.get("class_names", ())]


def _render_badge() -> None:
    before = st.session_state.get(_STATE_KEY)
    now = classifier.fetch_state()
    st.session_state[_STATE_KEY] = now
    with st.container(key="badge"):
        _render_state(now)
    if before is not None and _identity(before) != _identity(now):
        st.rerun(scope="app")


def _identity(state: classifier.State) -> object:
    """Return the part of a state that pages depend on: its type, or the live version."""
    return state.tag if isinstance(state, classifier.Ready) else type(state)


def _render_state(state: classifier.State) -> None:
    match state:
        case classifier.Ready():
            _render_ready(state)
        case classifier.Down():
            _render_pill("down", _("The classifier is down"))
            st.error(_("{reason} Retrying every second.").format(reason=plain(state.reason)))
        case classifier.WarmingUp():
            name = version_name(state.tag) if state.tag else ""
            _render_pill("waiting", _("Warming up"), escape(name))
            text = _("{reason} You'll get answers in a moment.")
            st.info(text.format(reason=plain(state.reason)))
        case classifier.AwaitingModel():
            _render_pill("waiting", _("No model yet"))
            _render_first_model()


def _render_ready(state: classifier.Ready) -> None:
    version = version_name(state.tag)
    accuracy = state.metadata.get("accuracy")
    workers = _("live on {workers}").format(workers=counted(state.workers, "worker"))
    rest = f'<span class="workers">{escape(workers)}</span>'
    if isinstance(accuracy, int | float):
        right = _("{share} of the test pictures right").format(share=percent(accuracy))
        rest += f"<span>{escape(right)}</span>"
    _render_pill("ready", version, rest)
    if state.trouble:
        st.warning(
            _("{new} does not load. {live} is still live. {trouble}").format(
                new=plain(version_name(state.champion)),
                live=plain(version),
                trouble=plain(state.trouble),
            )
        )


def _render_pill(kind: str, strong: str, rest: str = "") -> None:
    """Render the badge; `rest` is HTML."""
    st.html(f'<div class="badge {kind}" role="status"><b>{escape(strong)}</b> {rest}</div>')


def _render_first_model() -> None:
    """Offer to train the first model, or render the progress of its training."""
    with st.container(border=True, key="first_model"):
        try:
            latest = next(iter(trainer.runs(limit=1)), None)
        except ServiceError as error:
            st.markdown(f"## {_('Train your first model')}")
            text = _("You need the trainer for this. {error}")
            st.write(text.format(error=plain(error.message)))
            return
        if latest is not None and latest.is_active:
            st.markdown(f"## {_('Training your first model')}")
            run_progress.render_progress(latest)
            return
        st.markdown(f"## {_('Train your first model')}")
        if latest is not None and latest.state != "succeeded":
            st.error(plain(run_progress.end_message(latest)))
        st.write(_("It takes seconds to minutes, and goes live when it's done."))
        disabled = not permission.may("operator", _("Training"))
        label = _("Train the first model")
        if st.button(label, type="primary", key="train_first", disabled=disabled):
            _start_first_run()
        _render_own_start(disabled=disabled)


def _render_own_start(*, disabled: bool) -> None:
    """Offer to train on the visitor's own pictures only, and say what is missing."""
    try:
        missing = progress.missing_for_own_recipe(classes.fetch())
    except ServiceError:
        return
    own = _(
        "Or start with your own pictures: draw something on Classify, say what it is, and repeat."
    )
    st.write(f"{own} {missing or ''}")
    disabled = disabled or missing is not None
    if st.button(_("Train on your own pictures"), key="train_own", disabled=disabled):
        _start_first_run(trainer.OWN_RECIPE)


def _start_first_run(recipe: str | None = None) -> None:
    try:
        trainer.start(recipe)
    except ServiceError as error:
        st.error(plain(error.message))
    else:
        st.rerun(scope="app")
