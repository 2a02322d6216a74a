"""Retrain page: start a run, follow it until its version is live, and see earlier runs."""

from pathlib import Path

import streamlit as st

from app.clients import trainer
from app.clients.http import ServiceError
from app.clients.trainer import Model, Run
from app.login import permission, visitor
from app.sections import promotion, trainer_notice, training_charts
from app.sections.runs import (
    run_form,
    run_history,
    run_outcome,
    run_progress,
    starting,
    trainer_snapshot,
)
from app.sections.runs.trainer_snapshot import TrainerSnapshot
from app.text.formatting import plain
from app.text.translate import _

REFRESH_SECONDS = 1.0


def render_page() -> None:
    """Render the whole page. Its state comes from the trainer: a reload finds an active run."""
    st.html(Path(__file__).with_suffix(".css"))
    st.title(_("Retrain"))
    try:
        runs = trainer.runs()
        active = trainer_snapshot.active_run(runs)
        is_free = active is None or active.background
        snapshot = trainer_snapshot.fetch_snapshot(runs) if is_free else None
    except ServiceError as error:
        trainer_notice.render_trainer_error(error)
        return
    promotion.render_promotion_message()
    trainer_notice.render_state_problems()
    permission.may("operator", _("Training"))
    if snapshot is None:
        st.fragment(render_live, run_every=REFRESH_SECONDS)()
        return
    if active is not None:
        st.fragment(render_background, run_every=REFRESH_SECONDS)(active.run_id)
    render_snapshot(snapshot, runs)
    starting.follow_other_runs(runs[0] if runs else None)


def render_live() -> None:
    """Render the page again every second, until the next click on it.

    Also after the run has ended: a rerun of the whole page at that moment would lose a click.
    """
    try:
        runs = trainer.runs()
        active = trainer_snapshot.active_run(runs)
        if active is not None and not active.background:
            render_run(active.run_id)
            run_history.render_history([run for run in runs if not run.is_active])
            return
        snapshot = trainer_snapshot.fetch_snapshot(runs)
    except ServiceError as error:
        _render_doubt(error)
    else:
        render_snapshot(snapshot, runs)


def render_snapshot(snapshot: TrainerSnapshot, runs: list[Run]) -> None:
    """Render the outcome of the latest run, then the form, then all runs."""
    if snapshot.ended is not None:
        with st.container(border=True, key="result"):
            render_ended_run(snapshot.ended, snapshot.models)
    run_form.render_form(snapshot)
    run_history.render_history([run for run in runs if not run.is_active])


def render_run(run_id: str) -> None:
    """Render the active run, with its charts. Raises ServiceError."""
    run = trainer.run(run_id)
    starting.render_whose(run)
    with st.container(border=True, key="running"):
        render_active_run(run)
    render_charts(run)


def render_background(run_id: str) -> None:
    """Render the run that makes way for others, with a button that cancels it for good."""
    try:
        run = trainer.run(run_id)
    except ServiceError as error:
        _render_doubt(error)
        return
    with st.container(border=True, key="running"):
        if not run.is_active:
            st.write(plain(run_progress.end_message(run)))
            return
        st.markdown(_("**A more accurate first model** is training in the background."))
        run_progress.render_progress(run)
        st.caption(_("Start a run of your own at any time: this one waits, and goes on after it."))
        _render_cancel(run)


def render_active_run(run: Run) -> None:
    """Render progress, and the button that cancels the run."""
    st.header(_("Training with the {recipe} recipe").format(recipe=plain(run.recipe)))
    if run.resumes is not None:
        st.caption(_("Continues an earlier run that did not finish."))
    run_progress.render_progress(run)
    if run.corrections is not None:
        run_outcome.render_correction_usage(run.corrections)
    run_outcome.render_own_classes(run)
    _render_cancel(run)


def _render_cancel(run: Run) -> None:
    if st.button(_("Cancel"), key="cancel", disabled=not visitor.may("operator")):
        try:
            trainer.cancel(run.run_id)
        except ServiceError as error:
            st.error(plain(error.message))
        else:
            st.toast(_("Cancelled. The live model hasn't changed."))
            st.rerun(scope="app")


def render_ended_run(run: Run, models: list[Model]) -> None:
    """Render the outcome of the latest run, or its error; the rest is folded."""
    st.header(_("Latest run"))
    run_outcome.render_facts(run)
    if run.result is None:
        render_unfinished_run(run)
        return
    run_outcome.render_run_outcome(run, run.result, models)
    folded = st.expander(_("Learning curves"), key="run_details", on_change="rerun")
    if folded.open:
        with folded:
            render_charts(run)


def render_charts(run: Run) -> None:
    """Render loss and accuracy of a run, as far as it is."""
    try:
        steps = training_charts.fetch_steps(run)
    except ServiceError as error:
        _render_doubt(error)
    else:
        training_charts.render_run_charts(run, steps)


def render_unfinished_run(run: Run) -> None:
    """Render why a run did not finish, and a button that continues it from its checkpoint."""
    box = st.info if run.state == "cancelled" else st.error
    if not run.resumable:
        box(plain(run_progress.end_message(run)))
        return
    message, action = st.columns([3, 1], vertical_alignment="center")
    with message:
        box(plain(run_progress.end_message(run)))
    action.button(
        _resume_label(run),
        key="resume",
        width="stretch",
        disabled=not visitor.may("operator"),
        on_click=starting.resume,
        args=(run.run_id,),
    )


def _render_doubt(error: ServiceError) -> None:
    line = _("{reason} The run may still be active.").format(reason=plain(error.message))
    st.warning(line)


def _resume_label(run: Run) -> str:
    """Return the button's label, with the next epoch if it is known and exists.

    A run may have stopped after its last epoch, before its model was saved; or before it reported
    which epochs it continued from an earlier run.
    """
    following = run.epochs_done + 1
    unknown = run.resumes is not None and not run.epochs
    if unknown or following > run.epochs_planned:
        return _("Continue")
    return _("Continue from epoch {number}").format(number=following)


render_page()
