"""The classes that a run trains: Fashion-MNIST's, and own classes with enough corrections.

Two versions may know different classes, and a class may have been renamed or merged since a version
was trained. So versions are compared by today's names, never by the numbers of their outputs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from training.store import classes
from training.store.corrections import StoreUnavailable

if TYPE_CHECKING:
    import torch

MIN_PICTURES = 10
"""Of a class that no original picture shows, held-out ones included. With fewer, its held-out fifth
is one picture or none, so that the gate cannot measure what the run has learned."""

MIN_CLASSES = 2
"""Of a run on own pictures alone: with one there is nothing to tell apart."""


@dataclass(frozen=True)
class RunClasses:
    """The classes of a run. `names` are the version's outputs, in order; the first `originals` of
    them have original pictures, the others are learned from corrections alone. `waiting` holds how
    many pictures each class lacks that has some, but too few.
    """

    names: tuple[str, ...]
    originals: int
    waiting: dict[str, int]

    @property
    def learned(self) -> tuple[str, ...]:
        """The classes that are learned from corrections alone."""
        return self.names[self.originals :]


def choose(
    originals: Sequence[str], pictures: Mapping[str, int], champion: Sequence[str] = ()
) -> RunClasses:
    """Choose a run's classes. `pictures` counts the usable corrections of each other class.

    `originals` come first. The classes that a champion knows keep their order.
    """
    known = [name for name in map(todays_name, champion) if name is not None and name in pictures]
    ordered = [name for name in dict.fromkeys((*known, *pictures)) if name not in originals]
    return RunClasses(
        names=(*originals, *(name for name in ordered if pictures[name] >= MIN_PICTURES)),
        originals=len(originals),
        waiting={
            name: MIN_PICTURES - pictures[name]
            for name in ordered
            if 0 < pictures[name] < MIN_PICTURES
        },
    )


def not_enough_classes(chosen: RunClasses) -> str:
    """Return a sentence that says what a run on own pictures alone needs."""
    lacking = "".join(f" {name} needs {count} more." for name, count in chosen.waiting.items())
    return (
        f"Training on your own pictures alone needs {MIN_CLASSES} classes with at least "
        f"{MIN_PICTURES} pictures each.{lacking}"
    )


def candidates(originals: Sequence[str]) -> list[str]:
    """Return the names that corrections may have: `originals` and the listed classes.

    Without originals every listed class counts; else the own ones. Raises StoreUnavailable.
    """
    listed = classes.own() if originals else classes.listed()
    return list(dict.fromkeys((*originals, *(one.name for one in listed))))


def todays_name(name: str) -> str | None:
    """Return what a class of a stored version is called today, None if it was deleted.

    While the store cannot be read, that is the name that the version knows.
    """
    try:
        return classes.resolve(name)
    except StoreUnavailable:
        return name


def with_todays_names(chosen: RunClasses) -> RunClasses:
    """Return classes by today's names; those that were merged or deleted keep theirs."""
    today = [todays_name(name) or name for name in chosen.names]
    names = [
        name if today.count(name) == 1 else former
        for name, former in zip(today, chosen.names, strict=True)
    ]
    return replace(chosen, names=tuple(names))


def output_rows(names: Sequence[str], earlier: Sequence[str]) -> list[int | None]:
    """Return, for each of `names`, which output of an earlier version it was, None for a new class.

    Of several classes that were merged, it is the one that has the name.
    """
    rows: dict[str | None, int] = {}
    for row, name in enumerate(earlier):
        today = todays_name(name)
        if today not in rows or today == name:
            rows[today] = row
    return [rows.get(name) for name in names]


def translate(
    probabilities: "torch.Tensor", earlier: Sequence[str], names: Sequence[str]
) -> "torch.Tensor":
    """Return the probabilities of an earlier version, float (N, C), by today's `names`.

    Float (N, len(names)). Merged classes add up; a class without a column is left out, so a row may
    sum to less than 1.
    """
    translated = probabilities.new_zeros(len(probabilities), len(names))
    numbers: dict[str | None, int] = {name: number for number, name in enumerate(names)}
    for column, name in enumerate(map(todays_name, earlier)):
        if name in numbers:
            translated[:, numbers[name]] += probabilities[:, column]
    return translated
