"""Named ways to train: each is a handful of defaults that `train.fit` reads."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """What a training run does, apart from its seed. The optimizer is SGD, Nesterov's if it has
    momentum; `one_cycle` raises the learning rate to its peak and lowers it to zero, else it is
    constant."""

    name: str
    summary: str
    network: str
    epochs: int
    batch_size: int
    learning_rate: float
    one_cycle: bool
    momentum: float = 0.0


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="quick",
            summary="The reference network, trained well, in seconds",
            network="mlp",
            epochs=5,
            batch_size=512,
            learning_rate=0.2,
            one_cycle=True,
            momentum=0.9,
        ),
        Recipe(
            name="reference",
            summary="The reference network as tutorials train it, to compare",
            network="mlp",
            epochs=3,
            batch_size=64,
            learning_rate=1e-3,
            one_cycle=False,
        ),
    )
}
DEFAULT_RECIPE = "quick"
