"""Classes of one's own: names, renaming, merging, deleting and undoing."""

from typing import Any

import pytest

from tests.support.corrections_store import kept, request
from training.store import classes, corrections

pytestmark = pytest.mark.usefixtures("empty_home")


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


def test_a_new_store_has_the_classes_of_fashion_mnist() -> None:
    assert tuple(one.name for one in classes.listed()) == classes.BUILT_IN
    assert {one.origin for one in classes.listed()} == {classes.FASHION_MNIST}
    assert classes.own() == []
    assert classes.resolve("Bag") == "Bag"
    assert classes.resolve("Hat") is None


def test_a_class_of_ones_own_is_listed_after_them_and_labels_corrections() -> None:
    made = classes.create(" Straw  hat ", "ann")

    assert (made.name, made.origin, made.actor) == ("Straw hat", classes.OWN, "ann")
    assert classes.listed()[-1] == made
    assert len(classes.listed()) == 11
    assert kept(1, "Straw hat").label == "Straw hat"
    with pytest.raises(corrections.UnknownLabel, match="'label' is not a known class"):
        kept(2, "Straw cap")


def test_renaming_takes_the_corrections_along_and_undo_brings_them_back() -> None:
    classes.create("Hat")
    mixed_up("Hat", "Bag")
    before = rows()

    change = classes.rename("Hat", "Cap", "ann")

    assert names() == ["Cap"]
    assert classes.own()[0].aliases == ("Hat",)
    assert (classes.resolve("Hat"), classes.resolve("Cap")) == ("Cap", "Cap")
    assert change.what == "Hat was renamed to Cap, with 7 corrections."
    renamed = {"Hat": "Cap"}
    others = {"label", "reason"}
    for number, row in rows().items():
        assert row["label"] == renamed.get(before[number]["label"], before[number]["label"])
        assert {k: v for k, v in row.items() if k not in others} == {
            k: v for k, v in before[number].items() if k not in others
        }
    assert kept(50, "Hat").label == "Cap"
    corrections.delete(50 if 50 in rows() else max(rows()))

    assert classes.undo(change.id) == change
    assert rows() == before
    assert names() == ["Hat"]
    assert classes.resolve("Cap") == "Hat"  # a version may know it by this name


def test_merging_makes_one_row_of_two_and_undo_two_of_one() -> None:
    classes.create("Hat")
    mixed_up("Hat", "Bag")
    before = rows()

    change = classes.merge("Hat", "Bag")

    assert names() == []
    assert classes.resolve("Hat") == "Bag"
    after = rows()
    assert len(after) == len(before) - 1
    assert {row["label"] for row in after.values()} == {"Bag"}
    assert corrections.CONFLICT not in {row["state"] for row in after.values()}

    classes.undo(change.id)

    assert rows() == before
    assert classes.resolve("Hat") == "Hat"


def test_deleting_takes_corrections_out_of_use_and_undo_brings_them_back() -> None:
    classes.create("Hat")
    mixed_up("Hat", "Bag")
    before = rows()

    change = classes.delete("Hat")

    assert (names(), classes.resolve("Hat")) == ([], None)
    assert {row["label"] for row in rows().values()} == {"Bag"}
    assert corrections.counts()["conflict"] == 0
    with pytest.raises(corrections.UnknownLabel):
        kept(200, "Hat")

    classes.undo(change.id)

    assert rows() == before
    assert names() == ["Hat"]
