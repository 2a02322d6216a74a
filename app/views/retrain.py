"""Retrain page: start a run, follow it until its version is live, and see earlier runs."""

from dataclasses import dataclass

import streamlit as st

from app.clients import classes, corrections, trainer
from app.clients.classes import Classes
from app.clients.http import ServiceError
from app.clients.trainer import OWN_RECIPE, Model, Recipe, Run
from app.login import permission, visitor
from app.sections import (
    promotion,
    trainer_notice,
    training_charts,
)
from app.sections.runs import run_history, run_outcome, run_progress
from app.sections.teaching import own_classes, progress
from app.text.formatting import counted, plain

REFRESH_SECONDS = 1.0
REFERENCE = "reference"  # the recipe of other tutorials, which have no corrections
MAX_EPOCHS = 50
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class TrainerSnapshot:
    """The trainer's state at one moment. `runs` are newest first.

    `corrections` is a page of the store, for its counts.
    """

    recipes: list[Recipe]
    runs: list[Run]
    models: list[Model]
    corrections: corrections.Page
    classes: Classes

    @property
    def latest(self) -> Run | None:
        """The active run, or the latest one."""
        return self.runs[0] if self.runs else None

    @property
    def champion(self) -> Model | None:
        """The live version."""
        return next((model for model in self.models if model.champion), None)


def render_page() -> None:
    """Render the whole page. Its state comes from the trainer: a reload finds an active run."""
    st.title("Retrain")
    try:
        snapshot = fetch_snapshot()
    except ServiceError as error:
        trainer_notice.render_trainer_error(error, "The live model keeps answering.")
        return
    promotion.render_promotion_message()
    trainer_notice.render_state_problems()
    if snapshot.latest is not None and snapshot.latest.is_active:
        st.fragment(render_live, run_every=REFRESH_SECONDS)()
    else:
        render_snapshot(snapshot)


def fetch_snapshot() -> TrainerSnapshot:
    """Ask the trainer for everything that the page shows. Raises ServiceError."""
    return TrainerSnapshot(
        trainer.recipes(),
        trainer.runs(),
        trainer.models(),
        corrections.page(limit=1),
        classes.fetch(),
    )


def render_live() -> None:
    """Render the page again every second, until the next click on it.

    Also after the run has ended: a rerun of the whole page at that moment would lose a click.
    """
    try:
        snapshot = fetch_snapshot()
    except ServiceError as error:
        st.warning(f"{plain(error.message)} The run may still be active.")
    else:
        render_snapshot(snapshot)


def render_snapshot(snapshot: TrainerSnapshot) -> None:
    """Render the live version, the form, the latest run, and all runs."""
    latest, champion = snapshot.latest, snapshot.champion
    st.markdown(promotion_rule(champion))
    permission.may("operator", "Training")
    if latest is None or not latest.is_active:
        seed = latest.seed + 1 if latest else 0
        render_form(snapshot, champion, seed=seed)
    if latest is not None:
        render_run(latest.run_id, snapshot.models)
    run_history.render_history([run for run in snapshot.runs if not run.is_active])


def promotion_rule(champion: Model | None) -> str:
    """Return which version is live, and when a new one goes live."""
    if champion is None:
        return "No version is live yet. The first one goes live as soon as it is trained."
    return (
        f"Version **{plain(champion.version)}** is live. New versions go live only if they pass "
        "accuracy and confidence checks. Otherwise they stay candidates, and you decide."
    )


def render_form(snapshot: TrainerSnapshot, champion: Model | None, *, seed: int) -> None:
    """Render recipe, epochs, seed, corrections, and the button. `seed` is the default."""
    page = snapshot.corrections
    offered = sorted(snapshot.recipes, key=lambda recipe: not recipe.from_champion)
    by_name = {recipe.name: recipe for recipe in offered}
    with st.container(border=True, key="form"):
        left, right = st.columns([2, 1], gap="medium")
        name = left.radio(
            "Recipe",
            list(by_name),
            index=_default_recipe(offered, finetune=champion is not None and page.usable > 0),
            format_func=plain,
            captions=[plain(recipe.summary) for recipe in offered],
            key="recipe",
        )
        recipe = by_name[name]
        epochs = right.number_input(
            "Epochs",
            min_value=1,
            max_value=MAX_EPOCHS,
            value=recipe.epochs,
            help="Number of passes through the training pictures",
            key=f"epochs_{name}",
        )
        chosen_seed = right.number_input(
            "Seed",
            min_value=0,
            max_value=MAX_SEED,
            value=seed,
            help="The same seed gives the same model again",
            key=f"seed_{seed}",
        )
        missing = _missing(recipe, snapshot, champion)
        with left:
            use_corrections = None
            if missing:
                st.info(missing)
                _render_links(page)
            else:
                use_corrections = render_corrections_choice(recipe, snapshot, champion)
        disabled = bool(missing) or not visitor.may("operator")
        if st.button("Train a new version", type="primary", key="train", disabled=disabled):
            start_run(name, epochs, chosen_seed, use_corrections)


def render_corrections_choice(
    recipe: Recipe, snapshot: TrainerSnapshot, champion: Model | None
) -> bool | None:
    """Render what there is to learn from; return whether to use it, None if not optional."""
    page = snapshot.corrections
    if not page.usable:
        return None
    available = f"{counted(page.usable, 'correction')} to learn from."
    chosen = None
    if recipe.from_champion or recipe.name == OWN_RECIPE:
        st.write(available)
    else:
        chosen = st.checkbox(
            "Learn from corrections too",
            value=recipe.name != REFERENCE,
            help=available,
            key=f"corrections_{recipe.name}",
        )
    if chosen is not False:
        _render_own_classes(recipe, snapshot.classes, champion)
    st.page_link("views/corrections.py", label="See all corrections")
    return chosen


def start_run(recipe: str, epochs: int, seed: int, use_corrections: bool | None) -> None:
    """Start a run and rerun the page, or render the error."""
    try:
        trainer.start(recipe, epochs, seed, corrections=use_corrections)
    except ServiceError as error:
        st.error(plain(error.message))
    else:
        st.rerun(scope="app")


def render_run(run_id: str, models: list[Model]) -> None:
    """Render the active run, or the outcome of the latest one, with its charts."""
    try:
        run = trainer.run(run_id)
        steps = training_charts.fetch_steps(run)
    except ServiceError as error:
        st.warning(f"{plain(error.message)} The run may still be active.")
        return
    if run.is_active:
        with st.container(border=True, key="running"):
            render_active_run(run)
    else:
        render_ended_run(run, models)
    training_charts.render_run_charts(run, steps)


def render_active_run(run: Run) -> None:
    """Render progress, and the button that cancels the run."""
    st.header(f"Training with the {plain(run.recipe)} recipe")
    if run.resumes is not None:
        st.caption("Continues an earlier run that did not finish.")
    run_progress.render_progress(run)
    if run.corrections is not None:
        run_outcome.render_correction_usage(run.corrections, run.gate)
    run_outcome.render_own_classes(run)
    if st.button("Cancel", key="cancel", disabled=not visitor.may("operator")):
        try:
            trainer.cancel(run.run_id)
        except ServiceError as error:
            st.error(plain(error.message))
        else:
            st.toast("Cancelled. The live model hasn't changed.")
            st.rerun(scope="app")


def render_ended_run(run: Run, models: list[Model]) -> None:
    """Render the outcome of the latest run, or its error."""
    st.header("Latest run")
    if run.result is None:
        render_unfinished_run(run)
    else:
        run_outcome.render_run_outcome(run, run.result, models)


def render_unfinished_run(run: Run) -> None:
    """Render why a run did not finish, and a button that continues it from its checkpoint."""
    box = st.info if run.state == "cancelled" else st.error
    if not run.resumable:
        box(plain(run_progress.end_message(run)))
        return
    message, action = st.columns([3, 1], vertical_alignment="center")
    with message:
        box(plain(run_progress.end_message(run)))
    disabled = not visitor.may("operator")
    if action.button(_resume_label(run), key="resume", width="stretch", disabled=disabled):
        resume_run(run)


def resume_run(run: Run) -> None:
    """Start a run that continues this one and rerun the page, or render the error."""
    try:
        trainer.resume(run.run_id)
    except ServiceError as error:
        st.error(plain(error.message))
    else:
        st.rerun(scope="app")


def _default_recipe(recipes: list[Recipe], *, finetune: bool) -> int:
    """Return the index of the recipe to select first."""
    wanted = (i for i, it in enumerate(recipes) if (it.from_champion if finetune else it.default))
    return next(wanted, 0)


def _missing(recipe: Recipe, snapshot: TrainerSnapshot, champion: Model | None) -> str | None:
    """Return why this recipe is not available now, None if it is."""
    if recipe.name == OWN_RECIPE:
        return progress.missing_for_own_recipe(snapshot.classes)
    if not recipe.from_champion:
        return None
    if champion is None:
        return (
            "This recipe updates the live model, and there is none yet. "
            "Train a version with another recipe first."
        )
    if not snapshot.corrections.usable:
        return (
            "There are no corrections to learn from yet. Draw or upload something on Classify, "
            "and choose the right class below the answer."
        )
    return None


def _render_own_classes(recipe: Recipe, known: Classes, champion: Model | None) -> None:
    """Render which own classes the next version knows, and which lack how many pictures."""
    if recipe.name == OWN_RECIPE:
        st.write(own_classes.only_line(known.classes))
        return
    live = champion.class_names if champion is not None else ()
    if lines := own_classes.waiting_lines(known.classes, live):
        st.markdown("\n".join(f"- {line}" for line in lines))


def _render_links(page: corrections.Page) -> None:
    st.page_link("views/classify.py", label="Go to Classify")
    if page.doubtful:
        unused = counted(page.doubtful, "unused correction")
        st.page_link("views/corrections.py", label=f"Review {unused}")


def _resume_label(run: Run) -> str:
    """Return the button's label, with the next epoch if it is known and exists.

    A run may have stopped after its last epoch, before its model was saved; or before it reported
    which epochs it continued from an earlier run.
    """
    following = run.epochs_done + 1
    unknown = run.resumes is not None and not run.epochs
    if unknown or following > run.epochs_planned:
        return "Continue"
    return f"Continue from epoch {following}"


render_page()
