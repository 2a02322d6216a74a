"""The form that starts a run: recipe, epochs, seed, corrections, and how long it will take."""

import streamlit as st

from app.clients import corrections
from app.clients.classes import Classes
from app.clients.trainer import OWN_RECIPE, Model, Recipe
from app.clients.version_names import version_name
from app.login import visitor
from app.sections.runs import starting
from app.sections.runs.trainer_snapshot import TrainerSnapshot
from app.sections.teaching import own_classes, progress
from app.text.formatting import plain, remaining
from app.text.translate import _, ngettext

REFERENCE = "reference"  # the recipe of other tutorials, which have no corrections
MAX_EPOCHS = 50
MAX_SEED = 2**31 - 1


def render_form(snapshot: TrainerSnapshot) -> None:
    """Render the form. The seed that it suggests is not that of the latest run."""
    page, champion = snapshot.corrections, snapshot.champion
    seed = snapshot.ended.seed + 1 if snapshot.ended else 0
    offered = sorted(snapshot.recipes, key=lambda recipe: not recipe.from_champion)
    by_name = {recipe.name: recipe for recipe in offered}
    st.header(_("Train a new version"))
    st.markdown(promotion_rule(champion))
    with st.container(border=True, key="form"):
        left, right = st.columns([2, 1], gap="medium")
        name = left.radio(
            _("Recipe"),
            list(by_name),
            index=_default_recipe(offered, finetune=champion is not None and page.usable > 0),
            format_func=plain,
            captions=[plain(recipe.summary) for recipe in offered],
            key="recipe",
        )
        recipe = by_name[name]
        with right:
            epochs = _render_numbers(recipe, seed)
        missing = _missing(recipe, snapshot, champion)
        with left:
            choice_key = None
            if missing:
                st.info(missing)
                _render_links(page)
            else:
                choice_key = _render_corrections_choice(recipe, snapshot, champion)
        st.button(
            _button_label(recipe, epochs),
            type="primary",
            key="train",
            disabled=bool(missing) or not visitor.may("operator"),
            on_click=_start,
            args=(name, seed, choice_key),
        )
        if message := starting.take_error():
            st.error(plain(message))


def promotion_rule(champion: Model | None) -> str:
    """Return which version is live, and when a new one goes live."""
    if champion is None:
        return _("No version is live yet. The first one goes live as soon as it is trained.")
    return _(
        "**{name}** is live. New versions go live only if they pass accuracy and confidence "
        "checks. Otherwise they stay candidates, and you decide."
    ).format(name=plain(version_name(champion.tag)))


def _start(recipe: str, seed: int, choice_key: str | None) -> None:
    """Start a run with what the form says at the click: a number may have just been typed.

    `seed` is the one that the form suggests.
    """
    state = st.session_state
    use_corrections = None if choice_key is None else bool(state[choice_key])
    epochs, chosen_seed = state[f"epochs_{recipe}"], state[f"seed_{seed}"]
    starting.start(recipe, epochs, chosen_seed, corrections=use_corrections)


def _render_numbers(recipe: Recipe, seed: int) -> int:
    """Render epochs and seed, and return the epochs."""
    epochs = st.number_input(
        _("Epochs"),
        min_value=1,
        max_value=MAX_EPOCHS,
        value=recipe.epochs,
        help=_("Number of passes through the training pictures"),
        key=f"epochs_{recipe.name}",
    )
    st.number_input(
        _("Seed"),
        min_value=0,
        max_value=MAX_SEED,
        value=seed,
        help=_("The same seed gives the same model again"),
        key=f"seed_{seed}",
    )
    return epochs


def _button_label(recipe: Recipe, epochs: int) -> str:
    """Return the label, with the duration that runs of the recipe had on this machine."""
    if recipe.estimated_seconds is None:
        return _("Train a new version")
    seconds = recipe.estimated_seconds * epochs / recipe.epochs
    return _("Train a new version (about {duration})").format(duration=remaining(seconds))


def _render_corrections_choice(
    recipe: Recipe, snapshot: TrainerSnapshot, champion: Model | None
) -> str | None:
    """Render what there is to learn from; return the key of the choice, None without one."""
    page = snapshot.corrections
    if not page.usable:
        return None
    available = ngettext(
        "{count:,} correction to learn from.", "{count:,} corrections to learn from.", page.usable
    ).format(count=page.usable)
    key, chosen = None, True
    if recipe.from_champion or recipe.name == OWN_RECIPE:
        st.write(available)
    else:
        key = f"corrections_{recipe.name}"
        chosen = st.checkbox(
            _("Learn from corrections too"),
            value=recipe.name != REFERENCE,
            help=available,
            key=key,
        )
    if chosen:
        _render_own_classes(recipe, snapshot.classes, champion)
    st.page_link("views/corrections.py", label=_("See all corrections"))
    return key


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
        return _(
            "This recipe updates the live model, and there is none yet. "
            "Train a version with another recipe first."
        )
    if not snapshot.corrections.usable:
        return _(
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
    st.page_link("views/classify.py", label=_("Go to Classify"))
    if page.doubtful:
        label = ngettext(
            "Review {count:,} unused correction",
            "Review {count:,} unused corrections",
            page.doubtful,
        )
        st.page_link("views/corrections.py", label=label.format(count=page.doubtful))
