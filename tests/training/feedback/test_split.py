"""The split of corrections into training and held-out ones."""

import sqlite3

import pytest

from tests.support.corrections_store import add_drawings
from training.data import fashion_mnist
from training.feedback import split
from training.store import corrections, corrections_db, versions


@pytest.mark.usefixtures("own_store")
def test_what_is_held_out_is_never_trained_on(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    add_drawings(4)
    chosen = split.split_corrections(champion, dataset)
    there = list(corrections.each())
    held_out = {it.content_hash for it in there if it.held_out}
    trained_on = {name.partition(":")[0] for name in chosen.sample_ids}
    assert trained_on
    assert held_out
    assert trained_on & held_out == set()
    assert chosen.summary()["used"] == len(trained_on)
    by_hash = {it.content_hash: it for it in there}
    for name, image, label in zip(
        chosen.sample_ids, chosen.train.images, chosen.train.labels, strict=True
    ):
        digest, _, label_name = name.partition(":")
        assert by_hash[digest].label == label_name == dataset.class_names[label]
        assert (by_hash[digest].pixels == image.numpy()).all()
    only_measured = split.split_corrections(champion, dataset, for_training=False)
    assert only_measured.sample_ids == []
    assert len(only_measured.held_out.labels) == len(chosen.held_out.labels)


@pytest.mark.usefixtures("own_store")
def test_an_unavailable_store_stops_only_a_run_that_trains_on_it(
    champion: versions.Model,
    dataset: fashion_mnist.FashionMNIST,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(corrections_db, "_BUSY_SECONDS", 0.1)
    add_drawings(1)
    corrections_db._forget(corrections.path())  # this process's own connections
    somebody = sqlite3.connect(corrections.path(), isolation_level=None)
    somebody.execute("PRAGMA locking_mode=EXCLUSIVE")
    somebody.execute("BEGIN EXCLUSIVE")
    assert split.split_corrections(champion, dataset, for_training=False).summary() == {
        "used": 0,
        "held_out": 0,
        "quarantined": 0,
        "quarantined_ids": [],
    }
    with pytest.raises(corrections.StoreUnavailable):
        split.split_corrections(champion, dataset)
    somebody.close()
