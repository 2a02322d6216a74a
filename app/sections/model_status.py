"""Status of the live model, on every page; and training of the first model."""

from html import escape

import streamlit as st

from app.clients import classes, classifier, trainer
from app.clients.http import ServiceError
from app.login import permission
from app.sections.runs import run_progress
from app.sections.teaching import progress
from app.text.formatting import counted, percent, plain

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
            _render_pill("down", "The classifier is down", "")
            st.error(f"{plain(state.reason)} Retrying every second.")
        case classifier.WarmingUp():
            name = classifier.version_of(state.tag) if state.tag else ""
            _render_pill("waiting", "Warming up", name)
            st.info(f"{plain(state.reason)} You'll get answers in a moment.")
        case classifier.AwaitingModel():
            _render_pill("waiting", "No model yet", "")
            _render_first_model()


def _render_ready(state: classifier.Ready) -> None:
    version = classifier.version_of(state.tag)
    accuracy = state.metadata.get("accuracy")
    parts = [f"live on {counted(state.workers, 'worker')}"]
    if isinstance(accuracy, int | float):
        parts.append(f"{percent(accuracy)} accurate")
    _render_pill("ready", f"Version {version}", " · ".join(parts))
    if state.trouble:
        st.warning(
            f"Version {plain(classifier.version_of(state.champion))} does not load. "
            f"Version {plain(version)} is still live. {plain(state.trouble)}"
        )


def _render_pill(kind: str, strong: str, rest: str) -> None:
    st.html(f'<div class="badge {kind}" role="status"><b>{escape(strong)}</b> {escape(rest)}</div>')


def _render_first_model() -> None:
    """Offer to train the first model, or render the progress of its training."""
    with st.container(border=True, key="first_model"):
        try:
            latest = next(iter(trainer.runs()), None)
        except ServiceError as error:
            st.markdown("## Train your first model")
            st.write(f"You need the trainer for this. {plain(error.message)}")
            return
        if latest is not None and latest.is_active:
            st.markdown("## Training your first model")
            run_progress.render_progress(latest)
            return
        st.markdown("## Train your first model")
        if latest is not None and latest.state != "succeeded":
            st.error(plain(run_progress.end_message(latest)))
        st.write("It takes seconds to minutes, and goes live when it's done.")
        disabled = not permission.may("operator", "Training")
        if st.button("Train the first model", type="primary", key="train_first", disabled=disabled):
            _start_first_run()
        _render_own_start(disabled=disabled)


def _render_own_start(*, disabled: bool) -> None:
    """Offer to train on the visitor's own pictures only, and say what is missing."""
    try:
        missing = progress.missing_for_own_recipe(classes.fetch())
    except ServiceError:
        return
    st.write(
        "Or start with your own pictures: draw something on Classify, say what it is, and repeat. "
        f"{missing or ''}"
    )
    disabled = disabled or missing is not None
    if st.button("Train on your own pictures", key="train_own", disabled=disabled):
        _start_first_run(trainer.OWN_RECIPE)


def _start_first_run(recipe: str | None = None) -> None:
    try:
        trainer.start(recipe)
    except ServiceError as error:
        st.error(plain(error.message))
    else:
        st.rerun(scope="app")
