"""Runs that learn classes of one's own, with small real trainings."""

import os
import random
from typing import Any

import pytest
import torch

from tests.support.corrections_store import drawing
from tests.support.processes import Home, MakeHome
from tests.support.silhouettes import OWN_KINDS
from training import gate
from training.data import fashion_mnist
from training.evaluation import predict
from training.feedback.split import NoCorrections, split_corrections
from training.model.accuracy_estimator import AccuracyEstimator
from training.recipes import RECIPES, resolve
from training.run_recorder import RunRecorder
from training.store import classes, corrections, numbers, runs, versions
from training.store.corrections import LabelSubmission
from training.train import train

Result = tuple[runs.Run, versions.Model]


@pytest.fixture
def taught(home: Home, make_home: MakeHome, monkeypatch: pytest.MonkeyPatch) -> versions.Model:
    """The session's first version, and twenty drawn hats."""
    own = make_home()
    own.take_models_of(home)
    monkeypatch.setenv("WARDROBE_HOME", str(own.path))
    classes.create("Hat", "ada")
    teach("Hat", 20)
    return versions.load(versions.champion() or "")


def teach(name: str, count: int, kind: str | None = None, seed: int = 0) -> None:
    chance = random.Random(seed)
    for _ in range(count):
        corrections.add(drawing(kind or name, chance), LabelSubmission(name, source="pad"))


def run(recipe: str, epochs: int, **config: Any) -> Result:
    """Run a recipe to its end. Returns its record and version."""
    champion = versions.champion() if RECIPES[recipe].from_champion else None
    network = versions.describe(champion).metadata["network"] if champion else None
    whole = runs.configuration(
        recipe, epochs, 0, corrections=config.get("corrections", True), champion=champion
    )
    record, lock = runs.create({**whole, **config})
    recorder = RunRecorder(record)
    try:
        result = train(resolve(recipe, epochs, network), 0, recorder)
    finally:
        runs.end(record.run_id, "failed", None)
        os.close(lock)
    return recorder.run, versions.load(result["model"])


def share_named(model: versions.Model, kind: str, name: str, seed: int = 9) -> float:
    """The share of other drawings of a kind that a version gives this name."""
    chance = random.Random(seed)
    pictures = torch.stack([torch.tensor(drawing(kind, chance)) for _ in range(40)])
    answers = predict(model.network, pictures).argmax(1)
    return float((answers == model.class_names.index(name)).float().mean())


def test_a_class_is_learned_from_twenty_drawings_and_served(
    taught: versions.Model, test_set: fashion_mnist.Split
) -> None:
    classes.create("Sock", "ada")
    teach("Sock", 4)
    record, model = run("finetune", 3)
    assert record.classes == {"included": ["Hat"], "waiting": {"Sock": 6}}
    assert model.class_names == (*taught.class_names, "Hat")
    assert share_named(model, "Hat", "Hat") > 0.9
    before, after = (predict(it.network, test_set.images).argmax(1) for it in (taught, model))
    accuracy = [float((it == test_set.labels).float().mean()) for it in (before, after)]
    assert accuracy[1] > accuracy[0] - 0.01
    assert (after == 10).float().mean() < 0.01
    assert record.gate is not None
    assert record.gate["promoted"], record.gate["reasons"]
    assert versions.champion() == model.tag
    figures = record.gate["new_classes"]["Hat"]
    assert figures["count"] >= gate.MIN_NEW_CLASS_PICTURES
    assert figures["accuracy"] >= gate.NEW_CLASS_ACCURACY
    assert figures["taken"] <= gate.TAKEN
    assert record.gate["per_class"]["Hat"]["before"] is None
    report = versions.report(model.tag)
    assert report is not None
    assert any(one["label"] == "Hat" == one["after"] for one in report["better"])


def test_a_run_without_corrections_loses_the_class_and_is_held_back(taught: versions.Model) -> None:
    learned = run("finetune", 1)[1]
    versions.promote(learned.tag)  # whatever the gate says of so short a run
    record, model = run("quick", 1, corrections=False)
    assert model.class_names == taught.class_names
    assert record.gate is not None
    assert not record.gate["promoted"]
    lost = f"It no longer knows Hat, which {numbers.name(learned.tag)} knows."
    assert lost in record.gate["reasons"]
    assert versions.champion() == learned.tag
    classes.delete("Hat")
    decision = gate.evaluate(learned, model.network, *halves(), model.class_names)
    assert not any("no longer knows" in reason for reason in decision.reasons)


def halves() -> tuple[fashion_mnist.Split, fashion_mnist.Split]:
    """Validation pictures, and no corrections."""
    validation = fashion_mnist.load().validation
    return validation, fashion_mnist.Split(validation.images[:0], validation.labels[:0])


def test_a_renamed_class_goes_on_under_its_new_name(taught: versions.Model) -> None:
    first = run("finetune", 1)[1]
    assert first.class_names[-1] == "Hat"
    versions.promote(first.tag)
    classes.rename("Hat", "Cap")
    record, model = run("finetune", 1)
    assert model.class_names[-1] == "Cap"
    assert record.gate is not None
    assert record.gate["new_classes"] == {}  # it is the same class
    assert record.gate["per_class"]["Cap"]["before"] > 0.5
    assert not any("no longer knows" in reason for reason in record.gate["reasons"])


def test_a_merged_class_has_the_pictures_of_both(taught: versions.Model) -> None:
    classes.create("Cap", "ada")
    teach("Cap", 12, kind="Hat", seed=3)
    first = run("finetune", 1)[1]
    assert first.class_names[-2:] == ("Hat", "Cap")
    versions.promote(first.tag)
    classes.merge("Cap", "Hat")
    record, model = run("finetune", 1)
    assert model.class_names == (*taught.class_names, "Hat")
    assert record.gate is not None
    assert record.gate["per_class"]["Hat"]["before"] > 0.9  # either name is right today
    assert not any("no longer knows" in reason for reason in record.gate["reasons"])


def test_any_recipe_learns_it(taught: versions.Model) -> None:
    record, model = run("quick", 2)
    assert model.class_names == (*taught.class_names, "Hat")
    assert share_named(model, "Hat", "Hat") > 0.8
    assert record.gate is not None
    assert record.gate["new_classes"]["Hat"]["accuracy"] > 0.7


def test_figures_by_class_cover_the_class(taught: versions.Model) -> None:
    model = run("finetune", 1)[1]
    metadata = model.metadata
    held_out = [one for one in corrections.each() if one.held_out]
    assert sum(metadata["confusion_matrix"][10]) == len(held_out) > 0
    assert [len(row) for row in metadata["confusion_matrix"]] == [11] * 11
    assert list(metadata["per_class_accuracy"]) == list(model.class_names)
    assert metadata["test_pictures"] == 10_000
    shares = metadata["baseline"]["predictions"]
    assert list(shares) == list(model.class_names)
    assert shares["Hat"] == pytest.approx(1 / 11, abs=0.02)  # as frequent as any other
    assert isinstance(model.accuracy_estimator, AccuracyEstimator)
    hats = fashion_mnist.Split(
        torch.stack([torch.from_numpy(one.pixels.copy()) for one in held_out]),
        torch.full((len(held_out),), 10),
    )
    probabilities = predict(model.network, hats.images)
    assert 0.5 < model.accuracy_estimator.expected_accuracy(hats.images, probabilities) <= 1


def test_an_empty_project_learns_from_ten_drawings_of_three_classes(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Fashion-MNIST: reading it would fail here."""
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    monkeypatch.setattr(fashion_mnist, "prepare", no_data)
    for seed, kind in enumerate(OWN_KINDS):
        classes.create(kind, "ada")
        teach(kind, 10 if seed else 9, seed=seed)
    classes.delete(OWN_KINDS[1])
    with pytest.raises(NoCorrections, match=r"needs 2 classes .* Hat needs 1 more"):
        run("own", 1)
    classes.undo(classes.changes()[0].id)
    teach("Hat", 3, seed=5)
    record, model = run("own", 4)
    assert model.class_names == OWN_KINDS
    assert versions.champion() == model.tag
    assert all(share_named(model, kind, kind) > 0.8 for kind in OWN_KINDS)
    assert record.classes == {"included": list(OWN_KINDS), "waiting": {}}
    assert model.metadata["dataset"] == "own"
    assert model.metadata["test_pictures"] == record.corrections["held_out"]  # type: ignore[index]
    for kind in OWN_KINDS:
        teach(kind, 5, seed=7)
    again = run("finetune", 1)[0]
    assert again.gate is not None
    assert again.gate["accuracy"]["before"] is not None


def no_data() -> None:
    raise fashion_mnist.DataError("There is no network.")


def test_a_resumed_run_keeps_its_classes(
    taught: versions.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = RunRecorder.epoch

    def record_and_stop(self: RunRecorder, last: dict[str, float]) -> None:
        record(self, last)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunRecorder, "epoch", record_and_stop)
        with pytest.raises(KeyboardInterrupt):
            run("finetune", 2)
    classes.create("Sock", "ada")
    teach("Sock", 12)
    classes.rename("Hat", "Cap")
    [stopped] = runs.read_all()
    record_of_resumed, model = run("finetune", 2, resume=stopped.run_id)
    assert record_of_resumed.classes == {"included": ["Cap"], "waiting": {}}
    assert model.class_names == (*taught.class_names, "Cap")
    assert len(split_corrections(taught, fashion_mnist.load()).classes.learned) == 2
