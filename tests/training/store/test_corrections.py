"""The corrections store: rows, their states, and queries."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.corrections_store import CLASSES, kept, picture, states
from training.store import corrections
from training.store.corrections import LabelSubmission

pytestmark = pytest.mark.usefixtures("empty_home")


def test_what_is_kept_comes_back() -> None:
    correction, is_new = corrections.add(
        picture(1), LabelSubmission("Bag", "Shirt", "fashion_mnist_model:abc", "pad")
    )
    assert is_new
    [found] = corrections.page()
    assert found == correction == corrections.get(correction.id)
    assert (found.label, found.predicted, found.source) == ("Bag", "Shirt", "pad")
    assert (found.state, found.reason) == ("new", None)
    assert (found.pixels == picture(1)).all()


def test_the_same_again_is_the_same() -> None:
    first = kept(1)
    assert corrections.add(picture(1), LabelSubmission("Bag", source="upload")) == (first, False)
    assert corrections.counts() == {
        "new": 1, "accepted": 0, "conflict": 0, "quarantined": 0, "review_requested": 0
    }  # fmt: skip


def test_another_label_contradicts_until_one_is_deleted() -> None:
    bag, other = kept(1), kept(2)
    shirt = kept(1, "Shirt")
    assert states() == {bag.id: "conflict", other.id: "new", shirt.id: "conflict"}
    assert corrections.get(bag.id).reason == "The same picture is also labelled Shirt."
    assert corrections.counts()["conflict"] == 2
    assert [it.id for it in corrections.page(state="conflict")] == [shirt.id, bag.id]
    assert [it.id for it in corrections.page(state="new")] == [other.id]
    assert corrections.usable(CLASSES).ids.tolist() == [other.id]
    corrections.delete(shirt.id)
    assert states() == {bag.id: "new", other.id: "new"}


def test_relabelled_to_what_is_said_already_two_become_one() -> None:
    bag, shirt = kept(1), kept(1, "Shirt")
    assert corrections.relabel(shirt.id, "Bag") == corrections.get(bag.id)
    assert states() == {bag.id: "new"}


def test_relabelled_to_a_third_class_they_still_contradict() -> None:
    bag, shirt = kept(1), kept(1, "Shirt")
    assert corrections.relabel(shirt.id, "T-shirt/top").state == "conflict"
    assert states() == {bag.id: "conflict", shirt.id: "conflict"}


def test_what_contradicts_cannot_be_accepted() -> None:
    bag = kept(1)
    kept(1, "Shirt")
    with pytest.raises(corrections.Disputed, match=r"also labelled Shirt.*Delete or relabel"):
        corrections.accept(bag.id)


def test_what_a_person_says_stands_when_a_contradiction_is_over() -> None:
    bag = corrections.accept(kept(1).id)
    shirt = kept(1, "Shirt")
    assert corrections.get(bag.id).state == "conflict"
    corrections.delete(shirt.id)
    assert corrections.get(bag.id) == bag


def test_a_quarantined_one_has_a_reason_and_is_used_only_if_a_person_accepts_it() -> None:
    doubtful, accepted, fine = kept(1), corrections.accept(kept(2).id), kept(3)
    reasons = {doubtful.id: "It looks like Shirt.", accepted.id: "It too.", 99: "Not there."}
    assert corrections.quarantine(reasons) == [doubtful.id]
    assert corrections.get(doubtful.id).reason == "It looks like Shirt."
    assert corrections.usable(CLASSES).ids.tolist() == [accepted.id, fine.id]
    assert corrections.accept(doubtful.id).reason is None
    usable = corrections.usable(CLASSES)
    assert usable.ids.tolist() == [doubtful.id, accepted.id, fine.id]
    assert usable.accepted.tolist() == [True, True, False]


def test_a_quarantined_one_is_new_again_once_a_run_clears_it() -> None:
    doubtful, accepted = kept(1), kept(2)
    corrections.quarantine({doubtful.id: "It looks like Shirt.", accepted.id: "It too."})
    corrections.accept(accepted.id)
    looked_at = corrections.usable(CLASSES, with_quarantined=True)
    assert looked_at.quarantined.tolist() == [True, False]
    corrections.quarantine({}, cleared=[doubtful.id, accepted.id])
    cleared = corrections.get(doubtful.id)
    assert (cleared.state, cleared.reason) == ("new", None)
    assert corrections.get(accepted.id).state == "accepted"


def test_a_relabelled_one_is_checked_again() -> None:
    doubtful = kept(1)
    corrections.quarantine({doubtful.id: "It looks like Shirt."})
    relabelled = corrections.relabel(doubtful.id, "Shirt")
    assert (relabelled.id, relabelled.state, relabelled.reason) == (doubtful.id, "new", None)


def test_what_a_run_may_use_comes_as_arrays() -> None:
    rows = [kept(number, CLASSES[number % 3], predicted="Bag") for number in range(60)]
    usable = corrections.usable(CLASSES)
    assert usable.images.shape == (60, 28, 28)
    assert (usable.images[7] == picture(7)).all()
    assert usable.images.flags.writeable
    assert usable.labels.tolist() == [number % 3 for number in range(60)]
    assert usable.held_out.tolist() == [it.held_out for it in rows]
    assert 3 < usable.held_out.sum() < 25
    assert (np.diff(usable.created_at) >= 0).all()
    assert usable.content_hashes == [it.content_hash for it in rows]
    assert corrections.usable(("Bag",)).labels.tolist() == [0] * 20


def test_an_empty_store_has_nothing_to_use() -> None:
    assert corrections.usable(CLASSES).images.shape == (0, 28, 28)
    assert corrections.page() == []


def test_pages_are_newest_first_and_go_on_after_an_id() -> None:
    ids = [kept(number, CLASSES[number % 2]).id for number in range(10)]
    first = [it.id for it in corrections.page(limit=4)]
    assert first == ids[:-5:-1]
    corrections.delete(first[-1])
    assert [it.id for it in corrections.page(after=first[-1], limit=4)] == ids[5:1:-1]
    assert [it.id for it in corrections.page(label="Shirt", limit=2)] == [ids[9], ids[7]]
    assert corrections.counts(label="Shirt")["new"] == 5


@pytest.mark.parametrize(
    "ask",
    [
        corrections.get,
        corrections.delete,
        corrections.accept,
        lambda number: corrections.relabel(number, "Bag"),
    ],
)
def test_what_is_not_there(ask: Callable[[int], object]) -> None:
    with pytest.raises(corrections.UnknownCorrection, match="no correction 7"):
        ask(7)


def test_a_deleted_id_is_not_given_again() -> None:
    first = kept(1).id
    corrections.delete(first)
    assert kept(2).id > first
