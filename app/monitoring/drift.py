"""Health of the live model and comparison with the shadow, read from the recording rules.

monitoring/rules/drift.yml computes each figure; this module only selects them.
"""

from dataclasses import dataclass

from app.monitoring.snapshot import Status

WINDOW = "five minutes"  # of every figure here

ENOUGH_PICTURES = 200
"""In the window. With fewer the rules yield no value: a test holds this to drift.yml."""

EXPECTED_UNKNOWN, MANY_UNKNOWN = 0.04, 0.3
"""Share of unknown pictures, 0..1: among validation pictures, and where an alert fires."""

MOVING, DRIFTED = 0.1, 0.25
"""Thresholds of the population stability index (PSI). The second one fires an alert."""


@dataclass(frozen=True)
class Share:
    """A class's share of the predictions, 0..1: on the validation pictures, and in the window."""

    label: str
    baseline: float
    now: float

    @property
    def change(self) -> float:
        """The difference of the two, -1..1."""
        return self.now - self.baseline


@dataclass(frozen=True)
class ShadowComparison:
    """The shadow against the live version, in the window.

    `agreement` is the share of the `compared` pictures with the same prediction, 0..1, None before
    the first; `dropped` counts the pictures that it skipped because the classifier was busy.
    """

    model: str
    workers: int
    agreement: float | None
    compared: int
    dropped: int


@dataclass(frozen=True)
class ModelHealth:
    """The health of the live version `model`, None while there is none.

    `pictures` were classified in the window. `accuracy` is an estimate, 0..1; `predictions_psi`
    and `inputs_psi` are population stability indices, 0 for no drift. `unknown` is the share of
    pictures, 0..1, that the version does not know. They are None while there are too few pictures.
    `shares` are by class, the largest change first; empty without a baseline, and while there are
    too few pictures.
    """

    model: str | None
    has_baseline: bool
    pictures: int
    accuracy: float | None
    predictions_psi: float | None
    inputs_psi: float | None
    unknown: float | None
    shares: tuple[Share, ...]

    @property
    def is_known(self) -> bool:
        """Whether there were enough pictures to measure drift."""
        return self.predictions_psi is not None


def model_health(status: Status) -> ModelHealth:
    """The current health of the live version."""
    model = _most_workers(status, "wardrobe:model_workers:sum")
    of_model = {"model": model or ""}
    return ModelHealth(
        model=model,
        has_baseline=status.value("wardrobe:prediction_share:baseline", **of_model) is not None,
        pictures=round(status.value("wardrobe:served_predictions:increase5m", **of_model) or 0),
        accuracy=status.value("wardrobe:estimated_accuracy:ratio5m", **of_model),
        predictions_psi=status.value("wardrobe:predictions:psi5m", **of_model),
        inputs_psi=status.value("wardrobe:brightness:psi5m"),
        unknown=status.value("wardrobe:unknown_pictures:ratio5m", **of_model),
        shares=_shares(status, of_model),
    )


def shadow_comparison(status: Status) -> ShadowComparison | None:
    """The current comparison, None if no worker runs a shadow."""
    model = _most_workers(status, "wardrobe:shadow_workers:sum")
    if model is None:
        return None

    def pictures(result: str) -> int:
        name = "wardrobe:shadow_pictures:increase5m"
        return round(status.value(name, model=model, result=result) or 0)

    return ShadowComparison(
        model=model,
        workers=round(status.value("wardrobe:shadow_workers:sum", model=model) or 0),
        agreement=status.value("wardrobe:shadow_agreement:ratio5m", model=model),
        compared=pictures("agreed") + pictures("disagreed"),
        dropped=pictures("dropped"),
    )


def drift_level(psi: float) -> str:
    """Name a population stability index: "steady", "moving" or "drifted"."""
    if psi > DRIFTED:
        return "drifted"
    return "moving" if psi > MOVING else "steady"


def _most_workers(status: Status, name: str) -> str | None:
    """The version with the most workers in that series: two overlap during a promotion."""
    by_workers = {
        sample.labels["model"]: sample.value
        for sample in status.now
        if sample.name == name and sample.value
    }
    return max(by_workers, key=lambda model: by_workers[model]) if by_workers else None


def _shares(status: Status, of_model: dict[str, str]) -> tuple[Share, ...]:
    def by_label(name: str) -> dict[str, float]:
        return {
            sample.labels["label"]: sample.value
            for sample in status.now
            if sample.name == name
            and of_model.items() <= sample.labels.items()
            and sample.value is not None
        }

    baseline = by_label("wardrobe:prediction_share:baseline")
    now = by_label("wardrobe:prediction_share:ratio5m")
    shares = (Share(label, baseline[label], now[label]) for label in baseline if label in now)
    return tuple(sorted(shares, key=lambda share: -abs(share.change)))
