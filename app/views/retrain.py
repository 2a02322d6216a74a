"""Retrain: one button, and everything the run does until its model is served."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import streamlit as st

from app.charts import learning_curves
from app.clients import corrections, trainer
from app.clients.classifier import version_of
from app.clients.http import ServiceError
from app.clients.trainer import Model, Recipe, Run
from app.sections import promotion, run_outcome, run_progress, trainer_notice
from app.text.formatting import ago, counted, duration, percent, plain

LIVE_SECONDS = 1.0
REFERENCE = "reference"  # it shows how others train, who have no corrections
MOST_EPOCHS = 50
MOST_SEED = 2**31 - 1


@dataclass(frozen=True)
class TrainerSnapshot:
    """What the trainer says, of one moment. `runs` are newest first."""

    recipes: list[Recipe]
    runs: list[Run]
    models: list[Model]
    kept: corrections.Page

    @property
    def latest(self) -> Run | None:
        """The run that goes on, or the last one."""
        return self.runs[0] if self.runs else None

    @property
    def champion(self) -> Model | None:
        """What is served."""
        return next((model for model in self.models if model.champion), None)


def page() -> None:
    """The whole page. What runs is asked of the trainer, so a reload finds it again."""
    st.title("Retrain")
    try:
        told = ask()
    except ServiceError as error:
        trainer_notice.show(error, "The model that is served goes on answering meanwhile.")
        return
    promotion.tell()
    if told.latest is not None and told.latest.is_active:
        st.fragment(live, run_every=LIVE_SECONDS)()
    else:
        show(told)


def ask() -> TrainerSnapshot:
    """Raises ServiceError."""
    return TrainerSnapshot(
        trainer.recipes(), trainer.runs(), trainer.models(), corrections.page(limit=1)
    )


def live() -> None:
    """All of the page, again and again, until the next click on it.

    Also after the run's end: a page that renewed itself then would lose a click of that moment.
    """
    try:
        told = ask()
    except ServiceError as error:
        st.warning(f"{plain(error.message)} The run may go on without being seen here.")
    else:
        show(told)


def show(told: TrainerSnapshot) -> None:
    """What is served, what can be trained, how the last run went or goes, and all others."""
    latest, champion = told.latest, told.champion
    st.markdown(what_follows(champion))
    if latest is None or not latest.is_active:
        form(told.recipes, told.kept, champion, seed=latest.seed + 1 if latest else 0)
    if latest is not None:
        show_run(latest.run_id, told.models)
    history([run for run in told.runs if not run.is_active])


def what_follows(champion: Model | None) -> str:
    """Which version is served, and which one will be after a run."""
    if champion is None:
        return "No version is served yet. A new one is served by itself as soon as it is done."
    return (
        f"Version **{champion.version}** is served. A new one takes its place only if it is not "
        "worse: overall, in any class, on the corrections that are kept for testing, and in how "
        "far its confidence can be trusted. Otherwise it waits as a candidate, and you decide."
    )


def form(
    recipes: list[Recipe], kept: corrections.Page, champion: Model | None, *, seed: int
) -> None:
    """Recipe, epochs, seed, corrections, and the button. `seed` is the one to offer."""
    offered = sorted(recipes, key=lambda recipe: not recipe.from_champion)
    by_name = {recipe.name: recipe for recipe in offered}
    with st.container(border=True, key="form"):
        left, right = st.columns([2, 1], gap="medium")
        name = left.radio(
            "Recipe",
            list(by_name),
            index=_best_choice(offered, teachable=champion is not None and kept.usable > 0),
            captions=[recipe.summary for recipe in offered],
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
        lacking = _lacking(recipe, kept, champion)
        with left:
            if lacking:
                st.info(lacking)
                _where_to_teach(kept)
                learn = None
            else:
                learn = learning(recipe, kept)
        if st.button("Train a new version", type="primary", key="train", disabled=bool(lacking)):
            start(name, epochs, chosen_seed, learn)


def learning(recipe: Recipe, kept: corrections.Page) -> bool | None:
    """Says what there is to learn from; the choice to learn from it, None if there is no choice."""
    if not kept.usable:
        return None
    there = f"{counted(kept.usable, 'correction')}, of which one in five is kept for testing"
    if recipe.from_champion:
        st.write(f"It learns from {there}.")
        chosen = None
    else:
        chosen = st.checkbox(
            "Learn from corrections too",
            value=recipe.name != REFERENCE,
            help=f"There are {there}",
            key=f"corrections_{recipe.name}",
        )
    st.page_link("views/corrections.py", label="See all corrections")
    return chosen


def start(recipe: str, epochs: int, seed: int, learn: bool | None) -> None:
    """Starts a run and shows it, or says why it did not start."""
    try:
        trainer.start(recipe, epochs, seed, corrections=learn)
    except ServiceError as error:
        st.error(plain(error.message))
    else:
        st.rerun(scope="app")


def show_run(run_id: str, models: list[Model]) -> None:
    """A run as it goes, or the last one as it ended."""
    try:
        run = trainer.run(run_id)
        steps = learning_curves.steps_of(run)
    except ServiceError as error:
        st.warning(f"{plain(error.message)} The run may go on without being seen here.")
        return
    if run.is_active:
        with st.container(border=True, key="running"):
            going_on(run)
    else:
        ended(run, models)
    learning_curves.show(run, steps)


def going_on(run: Run) -> None:
    """Progress, and the way to stop it."""
    st.header(f"Training by the recipe “{plain(run.recipe)}”")
    if run.resumes is not None:
        st.caption("It goes on from an earlier run that did not reach its end.")
    run_progress.show(run)
    if run.corrections is not None:
        run_outcome.taught(run.corrections, run.gate)
    if st.button("Cancel", key="cancel"):
        try:
            trainer.cancel(run.run_id)
        except ServiceError as error:
            st.error(plain(error.message))
        else:
            st.toast("Cancelled. What was served before is served still.")
            st.rerun(scope="app")


def ended(run: Run, models: list[Model]) -> None:
    """How the last run ended: which version is served after it, or what went wrong."""
    st.header("The last run")
    if run.result is None:
        ended_early(run)
    else:
        run_outcome.show(run, run.result, models)


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
        st.error(plain(error.message))
    else:
        st.rerun(scope="app")


def history(runs: list[Run]) -> None:
    """Every run, newest first."""
    st.header("All runs")
    if not runs:
        st.write("Nothing has been trained yet.")
        return
    table = pd.DataFrame([_row(run) for run in runs])
    empty = [name for name in ("Verdict", "Problem") if not table[name].any()]
    st.dataframe(
        table.drop(columns=empty),
        hide_index=True,
        column_config={"Problem": st.column_config.TextColumn(width="large")},
        alt="A row for each run: when, how it ended, recipe, epochs, accuracy, time, version",
    )


def _best_choice(recipes: list[Recipe], *, teachable: bool) -> int:
    """The place of the recipe that most visitors come for."""
    wanted = (i for i, it in enumerate(recipes) if (it.from_champion if teachable else it.default))
    return next(wanted, 0)


def _lacking(recipe: Recipe, kept: corrections.Page, champion: Model | None) -> str | None:
    """Why this recipe cannot be used now, None if it can."""
    if not recipe.from_champion:
        return None
    if champion is None:
        return (
            "This recipe goes on from the version that is served, and none is served yet. "
            "Train one by another recipe first."
        )
    if not kept.usable:
        return (
            "There are no corrections to learn from yet. Draw or upload something on Classify, "
            "and say under the answer which class it is."
        )
    return None


def _where_to_teach(kept: corrections.Page) -> None:
    st.page_link("views/classify.py", label="Go to Classify")
    if kept.doubtful:
        doubtful = counted(kept.doubtful, "correction")
        st.page_link("views/corrections.py", label=f"Decide about {doubtful} not used so far")


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
        "Verdict": _verdict(run),
        "Problem": run.error or "",
    }


def _verdict(run: Run) -> str:
    if run.gate is None:
        return ""
    return "promoted" if run.gate.promoted else "held back"


page()
