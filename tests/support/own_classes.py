"""Own classes and their corrections, for tests of the store."""

from typing import Any

from tests.support.corrections_store import kept, request
from training.store import classes, corrections


def rows() -> dict[int, dict[str, Any]]:
    """All corrections, by id."""
    return {it.id: vars(it) for it in corrections.page(limit=10_000)}


def names() -> list[str]:
    return [one.name for one in classes.own()]


def mixed_up(*labels: str) -> None:
    """Corrections in every state: of each picture, one with each label; and of each label alone."""
    for number, label in enumerate(labels):
        for more in range(3):
            kept(100 * number + more, label)
        corrections.accept(kept(100 * number + 10, label).id, "ann")
        corrections.quarantine({kept(100 * number + 11, label).id: "It looks wrong."})
        kept(7, label)
        request(100 * number + 12, label)
