"""Starting a run: what became of a click, whose run is active, and runs of other windows."""

from collections.abc import Callable
from functools import partial

import streamlit as st

import settings
from app.clients import trainer
from app.clients.http import ServiceError
from app.clients.trainer import Run, StartedRun
from app.login import visitor
from app.text.formatting import ago, named, plain
from app.text.translate import _

FOLLOW_SECONDS = 3.0

_OWN_KEY = "own_runs"  # the ids of the runs that this visit has started
_REFUSED_KEY = "refused_for"  # the id of the run that was active at the last click
_ERROR_KEY = "start_error"


def start(
    recipe: str,
    epochs: int | None = None,
    seed: int | None = None,
    *,
    corrections: bool | None = None,
) -> str | None:
    """Start a run and return its id, None if there is an error or another active run.

    As the callback of a button it runs before the page does, so that the click counts even if the
    page that was clicked is out of date.
    """
    return _start(partial(trainer.start, recipe, epochs, seed, corrections=corrections))


def resume(run_id: str) -> None:
    """Continue a run, likewise."""
    _start(partial(trainer.resume, run_id))


def is_own(run: Run) -> bool:
    """Return whether this visit has started the run, or this person in another one."""
    who = visitor.current()
    is_by_name = who is not None and who.name is not None and who.name == run.actor
    return is_by_name or run.run_id in st.session_state.get(_OWN_KEY, ())


def has_started() -> bool:
    """Return whether this visit has started any run."""
    return bool(st.session_state.get(_OWN_KEY))


def take_error() -> str | None:
    """Return once why the last click failed, None if it did not."""
    message: str | None = st.session_state.pop(_ERROR_KEY, None)
    return message


def render_whose(run: Run) -> None:
    """Render who started the active run, unless this visitor did."""
    if is_own(run):
        return
    since = ago(run.created_at)
    if (name := named(run.actor)) is not None:
        line = _("Another run is in progress. {name} started it {ago}.").format(
            name=name, ago=since
        )
    else:
        line = _("Another run is in progress. It started {ago}.").format(ago=since)
    if st.session_state.get(_REFUSED_KEY) == run.run_id:
        st.warning(f"{plain(line)} {_('Yours has not started: start it when this one ends.')}")
    else:
        st.info(plain(line))


def follow_other_runs(latest: Run | None) -> None:
    """Rerun the page once there is a newer run than `latest`, as one of another window."""
    known = latest.run_id if latest is not None else ""
    st.fragment(_rerun_if_newer, run_every=FOLLOW_SECONDS)(known)


def latest_run() -> Run | None:
    """Return the active run, or the latest one; as it was at most two seconds ago.

    Raises ServiceError.
    """
    return _latest_run(settings.get("TRAINER_URL"))


def _start(call: Callable[[], StartedRun]) -> str | None:
    st.session_state.pop(_ERROR_KEY, None)
    st.session_state.pop(_REFUSED_KEY, None)
    try:
        started = call()
    except ServiceError as error:
        st.session_state[_ERROR_KEY] = error.message
        return None
    _latest_run.clear()
    if not started.is_new:
        st.session_state[_REFUSED_KEY] = started.run_id
        return None
    own: set[str] = st.session_state.setdefault(_OWN_KEY, set())
    own.add(started.run_id)
    return started.run_id


def _rerun_if_newer(known: str) -> None:
    try:
        latest = latest_run()
    except ServiceError:
        return
    if latest is not None and latest.run_id != known and latest.is_active:
        st.rerun(scope="app")


@st.cache_data(ttl=2.0, show_spinner=False)
def _latest_run(trainer_url: str) -> Run | None:
    """Shared by all visitors, since each of their pages asks often."""
    return next(iter(trainer.runs(limit=1)), None)
