"""Which model is served, told on every page; and what to do while none is."""

from html import escape

import streamlit as st

from app.clients import classifier, trainer
from app.clients.http import ServiceError
from app.sections import run_progress
from app.text.formatting import percent, plain

CALM_SECONDS = 3.0
EAGER_SECONDS = 1.0  # while a person waits for the state to change

_STATE = "classifier_state"


def show() -> None:
    """The badge. It looks again by itself, and runs the page anew when the state changes."""
    known = st.session_state.get(_STATE)
    every = CALM_SECONDS if isinstance(known, classifier.Ready) else EAGER_SECONDS
    st.fragment(_badge, run_every=every)()


def state() -> classifier.State:
    """The state that the badge of this page shows."""
    shown: classifier.State = st.session_state[_STATE]
    return shown


def served() -> str | None:
    """The tag that answers now, None while there is none."""
    shown = state()
    return shown.tag if isinstance(shown, classifier.Ready) else None


def tested_accuracy(tag: str | None) -> float | None:
    """Share of the test pictures that a version names right, 0..1, if it is the one shown."""
    shown = st.session_state.get(_STATE)
    if not isinstance(shown, classifier.Ready) or shown.tag != tag:
        return None
    accuracy = shown.metadata.get("accuracy")
    return float(accuracy) if isinstance(accuracy, int | float) else None


def class_names() -> list[str]:
    """The classes of the model that answers now, in its order; none while there is no model."""
    shown = state()
    if not isinstance(shown, classifier.Ready):
        return []
    return [str(name) for name in shown.metadata.get("class_names", ())]


def _badge() -> None:
    before = st.session_state.get(_STATE)
    now = classifier.fetch_state()
    st.session_state[_STATE] = now
    with st.container(key="badge"):
        _tell(now)
    if before is not None and _kind(before) != _kind(now):
        st.rerun(scope="app")


def _kind(state: classifier.State) -> object:
    """What a page depends on: the state, and which model answers."""
    return state.tag if isinstance(state, classifier.Ready) else type(state)


def _tell(state: classifier.State) -> None:
    match state:
        case classifier.Ready():
            _ready(state)
        case classifier.Down():
            _pill("down", "The classifier is down", "")
            st.error(f"{plain(state.reason)} This page looks again every second.")
        case classifier.WarmingUp():
            name = classifier.version_of(state.tag) if state.tag else ""
            _pill("waiting", "Warming up", name)
            st.info(f"{plain(state.reason)} Answers come in a moment.")
        case classifier.AwaitingModel():
            _pill("waiting", "No model yet", "")
            _first_model()


def _ready(state: classifier.Ready) -> None:
    accuracy = state.metadata.get("accuracy")
    parts = [percent(accuracy) + " accurate"] if isinstance(accuracy, int | float) else []
    workers = "1 worker" if state.workers == 1 else f"{state.workers} workers"
    _pill("ready", f"Version {classifier.version_of(state.tag)}", " · ".join([*parts, workers]))
    if state.trouble:
        st.warning(
            f"Version {classifier.version_of(state.champion)} does not load, so the one before "
            f"still answers. {plain(state.trouble)}"
        )


def _pill(kind: str, strong: str, rest: str) -> None:
    st.html(f'<div class="badge {kind}" role="status"><b>{escape(strong)}</b> {escape(rest)}</div>')


def _first_model() -> None:
    """Offers to train the first model, or shows how far its training is."""
    with st.container(border=True, key="first_model"):
        try:
            latest = next(iter(trainer.runs()), None)
        except ServiceError as error:
            st.markdown("## There is no model yet")
            st.write(f"It takes the trainer to make one. {plain(error.message)}")
            return
        if latest is not None and latest.is_active:
            st.markdown("## Training the first model")
            run_progress.show(latest)
            return
        st.markdown("## There is no model yet")
        if latest is not None and latest.state != "succeeded":
            st.error(plain(run_progress.ending(latest)))
        st.write("Train the first one: it takes seconds to minutes, and is served when it is done.")
        if st.button("Train the first model", type="primary", key="train_first"):
            _start()


def _start() -> None:
    try:
        trainer.start()
    except ServiceError as error:
        st.error(plain(error.message))
    else:
        st.rerun(scope="app")
