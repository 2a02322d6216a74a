"""Recipes: named sets of hyperparameters for `loop.fit`.

The choices were made on the validation split.
"""

from dataclasses import dataclass, replace


class NoChampion(Exception):  # noqa: N818 - it says what is missing
    """A recipe starts from the champion, and there is none."""

    def __init__(self, recipe: str) -> None:
        super().__init__(f"The recipe {recipe} starts from a model: train a first one.")


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters of a run, all but the seed.

    The optimizer is SGD, Nesterov's if it has momentum. `muon_learning_rate` above 0 has Muon
    train the convolutions behind the first. `one_cycle` raises the learning rates to their peak
    and lowers them to zero, else they are constant. `shift`, in pixels, is how far pictures are
    moved, and `scale` by how much of their size they change, once `is_augmented`; else they stay
    as they are, not mirrored either. `skipped`, 0..1, is the share of easy pictures that each epoch
    but the first and the last skips (infobatch.select_samples). `from_champion` starts from
    the champion's weights; `from_corrections` trains on corrections alone, without Fashion-MNIST;
    `replay` is how many original pictures an epoch holds, all of them if None; `correction_share`,
    0..1, is the share of corrections in an epoch; `blend`, 0..1, that of the new weights in the
    result, the rest being the champion's.
    """

    name: str
    summary: str
    network: str
    epochs: int
    batch_size: int
    learning_rate: float
    one_cycle: bool = True
    momentum: float = 0.9
    muon_learning_rate: float = 0.0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    is_augmented: bool = False
    shift: int = 2
    scale: float = 0.1
    skipped: float = 0.0
    from_champion: bool = False
    from_corrections: bool = False
    replay: int | None = None
    correction_share: float = 0.1
    blend: float = 1.0

    @property
    def needs_corrections(self) -> bool:
        """Whether it cannot train without corrections."""
        return self.from_champion or self.from_corrections


_FINETUNE = Recipe(
    name="finetune",
    summary="Update the live model with your corrections, in seconds",
    network="",
    from_champion=True,
    epochs=4,
    batch_size=256,
    learning_rate=0.05,
    label_smoothing=0.1,
    is_augmented=True,
    replay=7_500,
    correction_share=0.25,
    # Wortsman et al., Robust fine-tuning of zero-shot models (arXiv:2109.01903): it learns a
    # little less and forgets much less.
    blend=0.65,
)

_FULLY_CONNECTED = ("mlp", "mlp-small", "mlp-unit")
"""Networks that take a twentieth of the time for a picture, and need to train on more of them."""

_STANDARD = Recipe(
    name="standard",
    summary="Small convolutional network: accurate, in about a minute",
    network="cnn-small",
    epochs=10,
    batch_size=256,
    learning_rate=0.15,
    muon_learning_rate=0.1,
    weight_decay=5e-4,
    label_smoothing=0.1,
    is_augmented=True,
    skipped=0.5,
)

RECIPES = {
    recipe.name: recipe
    for recipe in (
        _STANDARD,
        Recipe(
            name="quick",
            summary="A few linear layers, in two seconds: a first model",
            network="mlp-small",
            epochs=6,
            batch_size=512,
            learning_rate=0.2,
        ),
        replace(
            _STANDARD,
            name="best",
            summary="Larger network, trained on mirrored pictures too: most accurate, in minutes",
            network="cnn-large",
            epochs=30,
        ),
        Recipe(
            name="reference",
            summary="The tutorials' network and training, for comparison",
            network="mlp-unit",
            epochs=3,
            batch_size=64,
            learning_rate=1e-3,
            one_cycle=False,
            momentum=0.0,
        ),
        _FINETUNE,
        replace(
            _STANDARD,
            name="own",
            summary="Only your own pictures, from nothing: at least two classes of ten pictures",
            from_corrections=True,
            epochs=8,
            batch_size=64,
            skipped=0.0,
        ),
    )
}
DEFAULT_RECIPE = "standard"
FIRST_RECIPE = "quick"
"""Of the model that is trained automatically when there is none: it must be quick."""


def resolve(name: str, epochs: int, network: str | None) -> Recipe:
    """Complete a recipe of RECIPES. `network` names the champion's, or is None without a champion.

    Raises NoChampion when the recipe starts from the champion and there is none.
    """
    recipe = replace(RECIPES[name], epochs=epochs)
    if not recipe.from_champion:
        return recipe
    if network is None:
        raise NoChampion(name)
    recipe = replace(recipe, network=network)
    if network in _FULLY_CONNECTED:
        # They were not trained on augmented pictures, and would have to learn those first.
        return replace(
            recipe,
            learning_rate=0.1,
            replay=50_000,
            blend=0.9,
            is_augmented=False,
            label_smoothing=0.0,
        )
    return recipe


def with_own_classes(recipe: Recipe) -> Recipe:
    """Adapt a resolved recipe to a run that learns classes from corrections alone.

    Such a class takes a lot from a network that starts from the champion: more originals hold on to
    the rest, and more of the new weights are kept.
    """
    if not recipe.from_champion or not recipe.is_augmented:
        return recipe
    return replace(recipe, replay=11_000, blend=0.8)
