"""Whether the answers are still right, as far as the recording rules can tell.

monitoring/rules/drift.yml says how each number comes about; nothing is computed here.
"""

from dataclasses import dataclass

from app.monitoring.snapshot import View

WINDOW = "five minutes"  # of every number here

ENOUGH_PICTURES = 200
"""In the window. With fewer the rules tell nothing: a test holds this to drift.yml."""

MOVING, DRIFTED = 0.1, 0.25
"""From these values on, an index of population stability is called so. The second one alerts."""


@dataclass(frozen=True)
class Share:
    """A class's share of the answers, 0..1: on the validation pictures, and in the window."""

    label: str
    baseline: float
    now: float

    @property
    def change(self) -> float:
        """How much larger it has become."""
        return self.now - self.baseline


@dataclass(frozen=True)
class ShadowComparison:
    """A version in the shadow: on how many pictures of the window it was asked, 0 to 1 how often
    it said the same (None before the first), and for how many there was no time.
    """

    model: str
    workers: int
    agreement: float | None
    compared: int
    dropped: int


@dataclass(frozen=True)
class ModelHealth:
    """What is known of the version `model` that is served, None while there is none.

    `pictures` were named in the window. `accuracy`, 0 to 1, is estimated; `answers` and `inputs`
    are indices of population stability. They are None while there are not enough pictures.
    `shares` are the classes, those that moved most in front; empty without a baseline, or before.
    """

    model: str | None
    has_baseline: bool
    pictures: int
    accuracy: float | None
    answers: float | None
    inputs: float | None
    shares: tuple[Share, ...]

    @property
    def is_known(self) -> bool:
        """Whether there were enough pictures to tell."""
        return self.answers is not None


def model_health(view: View) -> ModelHealth:
    """What the rules say at this moment."""
    model = _served(view)
    of_model = {"model": model or ""}
    return ModelHealth(
        model=model,
        has_baseline=view.value("wardrobe:prediction_share:baseline", **of_model) is not None,
        pictures=round(view.value("wardrobe:served_predictions:increase5m", **of_model) or 0),
        accuracy=view.value("wardrobe:estimated_accuracy:ratio5m", **of_model),
        answers=view.value("wardrobe:predictions:psi5m", **of_model),
        inputs=view.value("wardrobe:brightness:psi5m"),
        shares=_shares(view, of_model),
    )


def shadow_comparison(view: View) -> ShadowComparison | None:
    """The version in the shadow at this moment, None if no worker has one."""
    model = _most(view, "wardrobe:shadow_workers:sum")
    if model is None:
        return None

    def pictures(result: str) -> int:
        name = "wardrobe:shadow_pictures:increase5m"
        return round(view.value(name, model=model, result=result) or 0)

    return ShadowComparison(
        model=model,
        workers=round(view.value("wardrobe:shadow_workers:sum", model=model) or 0),
        agreement=view.value("wardrobe:shadow_agreement:ratio5m", model=model),
        compared=pictures("agreed") + pictures("disagreed"),
        dropped=pictures("dropped"),
    )


def word(index: float) -> str:
    """What an index of population stability means."""
    if index > DRIFTED:
        return "drifted"
    return "moving" if index > MOVING else "steady"


def _served(view: View) -> str | None:
    return _most(view, "wardrobe:model_workers:sum")


def _most(view: View, name: str) -> str | None:
    """The version of which that series counts the most workers: two overlap for a moment."""
    by_workers = {
        sample.labels["model"]: sample.value
        for sample in view.now
        if sample.name == name and sample.value
    }
    return max(by_workers, key=lambda model: by_workers[model]) if by_workers else None


def _shares(view: View, of_model: dict[str, str]) -> tuple[Share, ...]:
    def by_label(name: str) -> dict[str, float]:
        return {
            sample.labels["label"]: sample.value
            for sample in view.now
            if sample.name == name
            and of_model.items() <= sample.labels.items()
            and sample.value is not None
        }

    baseline = by_label("wardrobe:prediction_share:baseline")
    now = by_label("wardrobe:prediction_share:ratio5m")
    shares = (Share(label, baseline[label], now[label]) for label in baseline if label in now)
    return tuple(sorted(shares, key=lambda share: -abs(share.change)))
