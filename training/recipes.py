"""Named ways to train: each is a handful of defaults that `train.fit` reads.

The choices were made on the validation split.
"""

from dataclasses import dataclass, replace


class NoChampion(Exception):  # noqa: N818 - it says what is missing
    """A recipe starts from the version that is served, and there is none."""

    def __init__(self, recipe: str) -> None:
        super().__init__(f"The recipe {recipe} starts from a model: train a first one.")


@dataclass(frozen=True)
class Recipe:
    """What a training run does, apart from its seed.

    The optimizer is SGD, Nesterov's if it has momentum. `muon_learning_rate` above 0 has Muon
    train the convolutions behind the first. `one_cycle` raises the learning rates to their peak
    and lowers them to zero, else they are constant. `shift`, in pixels, is how far pictures are
    moved, and `scale` by how much of their size they change, once `is_augmented`; else they stay
    as they are, not mirrored either. `skipped`, 0..1, is the share of easy pictures that each epoch
    but the first and the last leaves out (`selection.select`).
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
    replay: int | None = None
    taught_share: float = 0.1
    blend: float = 1.0


_FINETUNE = Recipe(
    name="finetune",
    summary="Teaches the version that is served what was corrected, in seconds",
    network="",
    from_champion=True,
    epochs=4,
    batch_size=256,
    learning_rate=0.05,
    label_smoothing=0.1,
    is_augmented=True,
    replay=7_500,
    taught_share=0.25,
    # Wortsman et al., Robust fine-tuning of zero-shot models (arXiv:2109.01903): a little less of
    # what is new, much less forgotten.
    blend=0.65,
)

_LINEAR = ("mlp", "mlp-small", "mlp-unit")
"""Networks that see a picture in a twentieth of the time, and need to see more of them."""

_STANDARD = Recipe(
    name="standard",
    summary="A small convolutional network: good answers in about a minute",
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
            summary="A few linear layers, in two seconds: something to start with",
            network="mlp-small",
            epochs=6,
            batch_size=512,
            learning_rate=0.2,
        ),
        replace(
            _STANDARD,
            name="best",
            summary="A larger network that sees each picture both ways: minutes, for quality",
            network="cnn-large",
            epochs=30,
        ),
        Recipe(
            name="reference",
            summary="The reference network as tutorials train it, to compare",
            network="mlp-unit",
            epochs=3,
            batch_size=64,
            learning_rate=1e-3,
            one_cycle=False,
            momentum=0.0,
        ),
        _FINETUNE,
    )
}
DEFAULT_RECIPE = "standard"
FIRST_RECIPE = "quick"
"""Of the model that is trained by itself when there is none: nobody likes to wait at a start."""


def of(name: str, epochs: int, network: str | None) -> Recipe:
    """A recipe of RECIPES, whole. `network` is the champion's, or None while there is none.

    Raises NoChampion when it starts from it.
    """
    recipe = replace(RECIPES[name], epochs=epochs)
    if not recipe.from_champion:
        return recipe
    if network is None:
        raise NoChampion(name)
    recipe = replace(recipe, network=network)
    if network in _LINEAR:
        # They are not trained on varied pictures, and would have to learn those first.
        return replace(
            recipe,
            learning_rate=0.1,
            replay=50_000,
            blend=0.9,
            is_augmented=False,
            label_smoothing=0.0,
        )
    return recipe
