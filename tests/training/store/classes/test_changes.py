"""Renaming, merging and deleting classes, and undoing it: nothing of the corrections is lost."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.corrections_store import (
    kept,
    mixed_up,
    own_class_names,
    picture,
    request,
    rows_by_id,
)
from training.store import classes, corrections
from training.store.corrections import LabelSubmission

pytestmark = pytest.mark.usefixtures("empty_home")


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
    before = rows_by_id()

    change = classes.rename("Hat", "Cap", "ann")

    assert own_class_names() == ["Cap"]
    assert classes.own()[0].aliases == ("Hat",)
    assert (classes.resolve("Hat"), classes.resolve("Cap")) == ("Cap", "Cap")
    assert change.what == "Hat was renamed to Cap, with 7 corrections."
    renamed = {"Hat": "Cap"}
    others = {"label", "reason"}
    for number, row in rows_by_id().items():
        assert row["label"] == renamed.get(before[number]["label"], before[number]["label"])
        assert {k: v for k, v in row.items() if k not in others} == {
            k: v for k, v in before[number].items() if k not in others
        }
    assert kept(50, "Hat").label == "Cap"
    corrections.delete(50 if 50 in rows_by_id() else max(rows_by_id()))

    assert classes.undo(change.id) == change
    assert rows_by_id() == before
    assert own_class_names() == ["Hat"]
    assert classes.resolve("Cap") == "Hat"  # a version may know it by this name


def test_merging_makes_one_row_of_two_and_undo_two_of_one() -> None:
    classes.create("Hat")
    mixed_up("Hat", "Bag")
    before = rows_by_id()

    change = classes.merge("Hat", "Bag")

    assert own_class_names() == []
    assert classes.resolve("Hat") == "Bag"
    after = rows_by_id()
    assert len(after) == len(before) - 1
    assert {row["label"] for row in after.values()} == {"Bag"}
    assert corrections.CONFLICT not in {row["state"] for row in after.values()}

    classes.undo(change.id)

    assert rows_by_id() == before
    assert classes.resolve("Hat") == "Hat"


def test_deleting_takes_corrections_out_of_use_and_undo_brings_them_back() -> None:
    classes.create("Hat")
    mixed_up("Hat", "Bag")
    before = rows_by_id()

    change = classes.delete("Hat")

    assert (own_class_names(), classes.resolve("Hat")) == ([], None)
    assert {row["label"] for row in rows_by_id().values()} == {"Bag"}
    assert corrections.counts()["conflict"] == 0
    with pytest.raises(corrections.UnknownLabel):
        kept(200, "Hat")

    classes.undo(change.id)

    assert rows_by_id() == before
    assert own_class_names() == ["Hat"]


def test_of_two_rows_of_one_picture_the_accepted_or_the_older_one_stays() -> None:
    classes.create("Hat")
    older, newer = kept(1, "Hat").id, kept(1, "Bag").id
    accepted = corrections.accept(kept(2, "Hat").id).id
    wrong = kept(3, "Bag").id
    corrections.quarantine({wrong: "It looks wrong."})
    kept(2, "Bag"), kept(3, "Hat")
    right = max(rows_by_id())

    classes.merge("Hat", "Bag")

    assert {number: row["state"] for number, row in rows_by_id().items()} == {
        older: "new",
        accepted: "accepted",
        right: "new",
    }
    assert newer not in rows_by_id()


def test_what_was_done_to_single_corrections_since_stays_after_undo() -> None:
    classes.create("Hat")
    relabelled, deleted, accepted, twin = (kept(number, "Hat").id for number in range(4))
    kept(3, "Bag")
    change = classes.merge("Hat", "Bag")
    corrections.relabel(relabelled, "Shirt")
    corrections.delete(deleted)
    corrections.accept(accepted)
    corrections.delete(twin)
    later = kept(10, "Bag").id

    classes.undo(change.id)

    assert {number: (row["label"], row["state"]) for number, row in rows_by_id().items()} == {
        relabelled: ("Shirt", "new"),
        accepted: ("Hat", "accepted"),
        later: ("Bag", "new"),
    }


def test_a_later_change_of_the_same_class_is_undone_first() -> None:
    classes.create("Hat")
    classes.create("Scarf")
    first = classes.rename("Hat", "Cap")
    second = classes.rename("Scarf", "Shawl")
    third = classes.merge("Cap", "Shawl")

    assert [it.id for it in classes.changes()] == [third.id]
    for change in (first, second):
        with pytest.raises(classes.ClassConflict, match=r"Undo this first: Cap was merged"):
            classes.undo(change.id)
    classes.undo(third.id)
    classes.undo(first.id)
    with pytest.raises(classes.ClassConflict, match="undone already"):
        classes.undo(first.id)
    assert own_class_names() == ["Hat", "Shawl"]
    with pytest.raises(classes.UnknownChange, match="no change 99"):
        classes.undo(99)


def test_the_name_of_a_deleted_class_may_be_used_again_but_not_twice() -> None:
    classes.create("Hat")
    kept(1, "Hat")
    change = classes.delete("Hat")

    classes.create("Hat")

    assert corrections.counts(label="Hat")["new"] == 0
    with pytest.raises(classes.ClassConflict, match="'Hat' is a class already"):
        classes.undo(change.id)
    classes.rename("Hat", "New hat")
    classes.undo(change.id)
    assert own_class_names() == ["Hat", "New hat"]
    assert corrections.counts(label="Hat")["new"] == 1


def test_a_former_name_is_free_unless_a_version_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    classes.create("Hat")
    classes.rename("Hat", "Cap")
    known = {"fashion_mnist_model:a": ("Bag", "Hat")}
    with monkeypatch.context() as patch:
        patch.setattr("training.store.descriptions.class_names", lambda: known)
        with pytest.raises(classes.ClassConflict, match="know 'Cap' as 'Hat'"):
            classes.create("Hat")
        classes.rename("Cap", "Hat")  # its own
        classes.rename("Hat", "Cap")

    classes.create("Hat")

    assert [one.aliases for one in classes.own()] == [(), ()]
    assert kept(1, "Hat").label == "Hat"


def test_a_chain_of_changes_is_followed_from_any_former_name() -> None:
    classes.create("Hat")
    classes.create("Helmet")
    classes.rename("Hat", "Cap")
    classes.merge("Cap", "Helmet")
    classes.rename("Helmet", "Headgear")
    merged = classes.merge("Headgear", "Bag")

    assert {
        it: classes.resolve(it) for it in ("Hat", "Cap", "Helmet", "Headgear")
    } == dict.fromkeys(("Hat", "Cap", "Helmet", "Headgear"), "Bag")
    classes.undo(merged.id)
    classes.delete("Headgear")
    assert classes.resolve("Hat") is None


def test_review_requests_go_and_come_with_their_class() -> None:
    classes.create("Hat")
    assert request(1, "Hat") == 1
    assert request(2, "Hat") == 1
    change = classes.delete("Hat")
    assert corrections.counts()["review_requested"] == 0
    assert request(3, "Hat") == 0
    kept(2, "Bag")

    classes.undo(change.id)

    assert [(it.label, it.state) for it in corrections.page()] == [
        ("Bag", "new"),
        ("Hat", "review_requested"),
    ]


def changed_at_random(chance: random.Random) -> int | None:
    """Change something about the classes; the number of the change, None for an addition."""
    own = own_class_names()
    if not own or chance.random() < 0.2:
        classes.create(f"Kind {chance.randrange(10_000)}x")
        return None
    name, unused = chance.choice(own), f"New {chance.randrange(10_000)}x"
    others = [it.name for it in classes.listed() if it.name != name]
    match chance.randrange(3):
        case 0:
            return classes.rename(name, unused).id
        case 1:
            return classes.merge(name, chance.choice([*others[-3:], "Bag"])).id
        case _:
            return classes.delete(name).id


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10**9))
def test_undoing_everything_leads_back_through_every_state(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(tmp_path_factory.mktemp("home") / "home"))
        for name in ("Hat", "Scarf", "Belt"):
            classes.create(name)
        for _ in range(30):
            label = chance.choice(["Hat", "Scarf", "Belt", "Bag"])
            one = corrections.add(picture(chance.randrange(12)), LabelSubmission(label))[0]
            if chance.random() < 0.2:
                corrections.quarantine({one.id: "It looks wrong."})
            elif chance.random() < 0.3 and one.state != corrections.CONFLICT:
                corrections.accept(one.id)
        seen = []
        for _ in range(8):
            before = rows_by_id(), {it: classes.resolve(it) for it in own_class_names()}
            change = changed_at_random(chance)
            assert {it["label"] for it in rows_by_id().values()} <= {
                it.name for it in classes.listed()
            }
            if change is not None:
                seen.append((change, before))
        for change, (stored, listed) in reversed(seen):
            classes.undo(change)
            assert rows_by_id() == stored
            assert {name: classes.resolve(name) for name in listed} == listed
