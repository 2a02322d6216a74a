"""Retrain: one button, and everything the run does until its model is served."""

from datetime import datetime

import pandas as pd
import streamlit as st

from app import curves, run_progress, trainer, trainer_notice
from app.accuracy import accuracy_metric
from app.classifier import version_of
from app.connection import ServiceError
from app.trainer import Recipe, Run
from app.wording import ago, duration, percent, plain

LIVE_SECONDS = 1.0
MOST_EPOCHS = 50
MOST_SEED = 2**31 - 1


def page() -> None:
    """The whole page. What runs is asked of the trainer, so a reload finds it again."""
    st.title("Retrain")
    st.write("Train a new version. It is served by itself as soon as it is done.")
    try:
        recipes, runs = trainer.recipes(), trainer.runs()
    except ServiceError as error:
        trainer_notice.show(error, "The model that is served goes on answering meanwhile.")
        return
    latest = runs[0] if runs else None
    alive = latest is not None and latest.alive
    if not alive:
        form(recipes, seed=latest.seed + 1 if latest else 0)
    if latest is not None:
        st.fragment(live, run_every=LIVE_SECONDS if alive else None)(latest.run_id)
    history([run for run in runs if not run.alive])


def form(recipes: list[Recipe], *, seed: int) -> None:
    """Recipe, epochs, seed, and the button. `seed` is the one to offer."""
    by_name = {recipe.name: recipe for recipe in recipes}
    default = next((i for i, recipe in enumerate(recipes) if recipe.default), 0)
    with st.container(border=True, key="form"):
        left, right = st.columns([2, 1], gap="medium")
        name = left.radio(
            "Recipe",
            list(by_name),
            index=default,
            captions=[recipe.summary for recipe in recipes],
            key="recipe",
        )
        recipe = by_name[name]
        epochs = right.number_input(
            "Epochs",
            min_value=1,
            max_value=MOST_EPOCHS,
            value=recipe.epochs,
            help="How often training goes through all pictures",
            key=f"epochs_{name}",
        )
        chosen_seed = right.number_input(
            "Seed",
            min_value=0,
            max_value=MOST_SEED,
            value=seed,
            help="Chance starts from it: the same seed gives the same model again",
            key=f"seed_{seed}",
        )
        if st.button("Train a new version", type="primary", key="train"):
            start(name, epochs, chosen_seed)


def start(recipe: str, epochs: int, seed: int) -> None:
    """Starts a run and shows it, or says why it did not start."""
    try:
        trainer.start(recipe, epochs, seed)
    except ServiceError as error:
        st.error(plain(error.sentence))
    else:
        st.rerun()


def live(run_id: str) -> None:
    """A run as it goes, or the last one as it ended."""
    try:
        run = trainer.run(run_id)
        steps = curves.steps_of(run)
    except ServiceError as error:
        st.warning(f"{plain(error.sentence)} The run may go on without being seen here.")
        return
    if run.alive:
        with st.container(border=True, key="running"):
            going_on(run)
    else:
        ended(run)
    curves.show(run, steps)
    if not run.alive and st.session_state.pop("watching", None) == run_id:
        st.rerun(scope="app")
    if run.alive:
        st.session_state["watching"] = run_id


def going_on(run: Run) -> None:
    """Progress, and the way to stop it."""
    st.header(f"Training by the recipe “{plain(run.recipe)}”")
    if run.resumes is not None:
        st.caption("It goes on from an earlier run that did not reach its end.")
    run_progress.show(run)
    if st.button("Cancel", key="cancel"):
        try:
            trainer.cancel(run.run_id)
        except ServiceError as error:
            st.error(plain(error.sentence))
        else:
            st.toast("Cancelled. What was served before is served still.")
            st.rerun(scope="app")


def ended(run: Run) -> None:
    """How the last run ended: accuracy before and after, or what went wrong."""
    st.header("The last run")
    if run.result is None:
        ended_early(run)
        return
    result = run.result
    before, after, took = st.columns(3)
    known = "no model" if result.previous_accuracy is None else percent(result.previous_accuracy)
    before.metric("Accuracy before", known, border=True, height="stretch")
    with after:
        accuracy_metric("Accuracy after", result.accuracy, result.previous_accuracy, border=True)
    took.metric("It took", duration(result.seconds), border=True, height="stretch")
    st.page_link(
        "views/models.py",
        label=f"See version {version_of(result.model)}",
        icon=":material/arrow_forward:",
        query_params={"version": version_of(result.model)},
    )


def ended_early(run: Run) -> None:
    """What went wrong, and the way to go on where it stopped, if the trainer kept the place."""
    tell = st.info if run.state == "cancelled" else st.error
    if not run.resumable:
        tell(plain(run_progress.ending(run)))
        return
    words, action = st.columns([3, 1], vertical_alignment="center")
    with words:
        tell(plain(run_progress.ending(run)))
    if action.button(_go_on(run), key="resume", width="stretch"):
        go_on(run)


def go_on(run: Run) -> None:
    """Starts a run that goes on from this one and shows it, or says why it did not start."""
    try:
        trainer.resume(run.run_id)
    except ServiceError as error:
        st.error(plain(error.sentence))
    else:
        st.rerun(scope="app")


def history(runs: list[Run]) -> None:
    """Every run, newest first."""
    st.header("All runs")
    if not runs:
        st.write("Nothing has been trained yet.")
        return
    table = pd.DataFrame([_row(run) for run in runs])
    failures = bool(table["Problem"].any())
    st.dataframe(
        table if failures else table.drop(columns="Problem"),
        hide_index=True,
        column_config={"Problem": st.column_config.TextColumn(width="large")},
        alt="A row for each run: when, how it ended, recipe, epochs, accuracy, time, version",
    )


def _go_on(run: Run) -> str:
    """The button's words, with the epoch it starts with if that is known and there is one.

    A run may have stopped after its last epoch, before its model was saved; or before it had told
    which epochs it took over from an earlier run.
    """
    following = run.epochs_done + 1
    untold = run.resumes is not None and not run.epochs
    if untold or following > run.epochs_planned:
        return "Go on"
    return f"Go on from epoch {following}"


def _row(run: Run) -> dict[str, object]:
    began: datetime = run.started_at or run.created_at
    return {
        "Began": ago(began),
        "State": run.state,
        "Recipe": run.recipe,
        "Epochs": f"{run.epochs_done} of {run.epochs_planned}",
        "Seed": run.seed,
        "Accuracy": percent(run.result.accuracy) if run.result else "",
        "Time": duration(run.seconds) if run.seconds is not None else "",
        "Version": version_of(run.result.model) if run.result else "",
        "Problem": run.error or "",
    }


page()
