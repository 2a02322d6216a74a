"""How well a version knows each class, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.clients.trainer import Model
from app.sections.teaching import choices
from app.text.formatting import article, percent
from app.text.translate import ENGLISH, _, language, ngettext

GOOD_FROM, FAIR_FROM = 0.95, 0.85
"""Accuracy on a class from which a version is good, or fairly good, at it."""

_OFTEN, _SOMETIMES = 0.05, 0.02
"""Share of a class's pictures that are taken for another one."""

_MAX_MISTAKES = 2
_MANY = 50
"""Test pictures from which an accuracy says something; as many answers for the precision."""

_TRUSTED_FROM = 0.9
"""Share of what it calls by a name that shows it: below, the name is to be taken with care."""


@dataclass(frozen=True)
class Mistake:
    """The share, 0..1, of a class's pictures that a version takes for another class."""

    name: str
    share: float


@dataclass(frozen=True)
class KnownClass:
    """How well a version knows one class, by today's name.

    `accuracy`, 0..1, is the share of its `pictures` test pictures that are named right.
    `precision` is the share of what gets this name that shows it, None if little gets it.
    `mistakes` are the most frequent ones, the most frequent first.
    """

    name: str
    accuracy: float
    pictures: int | None = None
    precision: float | None = None
    mistakes: tuple[Mistake, ...] = ()

    @property
    def is_uncertain(self) -> bool:
        """Whether it was tested on so few pictures that its accuracy says little."""
        return 0 < self._count < _MANY

    @property
    def _count(self) -> int:
        return self.pictures or 0

    @property
    def words(self) -> str:
        """What to expect, in one or two sentences."""
        sentences = [_mistake_words(self.name, self.mistakes)] if self.mistakes else []
        if self.is_uncertain:
            few = ngettext("Only {count} test picture.", "Only {count} test pictures.", self._count)
            sentences.insert(0, few.format(count=self._count))
        if self.precision is not None and self.precision < _TRUSTED_FROM:
            other = percent(1 - self.precision, 0)
            sentences.append(
                _("{share} of what it calls {name} is something else.").format(
                    share=other, name=self.name
                )
            )
        if sentences:
            return " ".join(sentences)
        return _("Rarely wrong.") if self.accuracy >= GOOD_FROM else _("No frequent mistake.")


def known_classes(model: Model) -> list[KnownClass]:
    """Return how well a version knows each class that was tested, best first."""
    names = model.class_names
    matrix = _square(model.metadata.get("confusion_matrix"), len(names))
    names_today = [choices.current_name(name) or name for name in names]
    found = []
    for name, accuracy in model.per_class_accuracy.items():
        number = names.index(name) if name in names else None
        shown = choices.current_name(name) or name
        if number is None or matrix is None:
            found.append(KnownClass(shown, accuracy))
            continue
        found.append(_from_matrix(matrix, names_today, number, accuracy))
    return sorted(found, key=lambda it: -it.accuracy)


def _square(matrix: object, size: int) -> list[list[int]] | None:
    """Return a confusion matrix of that many classes, None if it is something else."""
    is_square = isinstance(matrix, list) and [len(row) for row in matrix] == [size] * size
    return matrix if is_square else None  # type: ignore[return-value]  # checked above


def _from_matrix(
    matrix: Sequence[Sequence[int]], names: Sequence[str], number: int, accuracy: float
) -> KnownClass:
    """Describe the class with this number, by counts: true classes in rows, answers in columns."""
    row, column = matrix[number], [line[number] for line in matrix]
    shares = [
        Mistake(names[other], count / (sum(row) or 1))
        for other, count in enumerate(row)
        if other != number
    ]
    mistakes = sorted((it for it in shares if it.share >= _SOMETIMES), key=lambda it: -it.share)
    precision = row[number] / sum(column) if sum(column) >= _MANY else None
    return KnownClass(names[number], accuracy, sum(row), precision, tuple(mistakes[:_MAX_MISTAKES]))


def _mistake_words(name: str, mistakes: Sequence[Mistake]) -> str:
    """Say what a class is taken for: one or two others."""
    first, last = mistakes[0], mistakes[-1]
    match first.share >= _OFTEN, len(mistakes) > 1:
        case True, True:
            words = _("Often takes {one} for {other} ({share}) or {third} ({third_share}).")
        case True, False:
            words = _("Often takes {one} for {other} ({share}).")
        case False, True:
            words = _("Sometimes takes {one} for {other} ({share}) or {third} ({third_share}).")
        case False, False:
            words = _("Sometimes takes {one} for {other} ({share}).")
    return words.format(
        one=_with_article(name),
        other=_with_article(first.name),
        share=percent(first.share, 0),
        third=_with_article(last.name),
        third_share=percent(last.share, 0),
    )


def _with_article(name: str) -> str:
    """Write a class name with its article, in a language that has one."""
    return f"{article(name)} {name}" if language() == ENGLISH else name
