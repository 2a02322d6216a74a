"""The classes of a store: in an old, a damaged and a busy one, with versions and runs."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.corrections_store import kept, mixed_up, own_class_names, rows_by_id
from training.data import fashion_mnist
from training.model import networks
from training.store import classes, corrections, descriptions, versions

pytestmark = pytest.mark.usefixtures("empty_home")


def save_version(class_names: tuple[str, ...]) -> str:
    """Store an untrained version with these classes; return its tag."""
    return versions.save(
        networks.build("mlp-small", len(class_names)),
        labels={},
        metadata={"class_names": list(class_names), "network": "mlp-small"},
    )


def test_a_new_store_has_the_classes_of_fashion_mnist() -> None:
    assert tuple(one.name for one in classes.listed()) == classes.BUILT_IN
    assert {one.origin for one in classes.listed()} == {classes.FASHION_MNIST}
    assert classes.own() == []
    assert classes.resolve("Bag") == "Bag"
    assert classes.resolve("Hat") is None


def test_a_deleted_class_survives_a_restart(empty_home: Path) -> None:
    classes.create("Hat")
    kept(1, "Hat")
    before = rows_by_id()
    change = classes.delete("Hat")
    moved = empty_home.with_name("moved")
    empty_home.rename(moved)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(moved))
        assert [it.id for it in classes.changes()] == [change.id]
        classes.undo(change.id)
        assert rows_by_id() == before


def test_there_are_at_most_fifty() -> None:
    for number in range(40):
        classes.create(f"Kind {number}x")
    with pytest.raises(classes.ClassConflict, match="There are 50 classes"):
        classes.create("One more")
    change = classes.delete("Kind 7x")
    classes.create("One more")
    with pytest.raises(classes.ClassConflict, match="There are 50 classes"):
        classes.undo(change.id)


@pytest.mark.parametrize("action", [classes.delete, lambda it: classes.rename(it, "Other")])
def test_the_built_in_classes_stay(action: Any) -> None:
    for name in classes.BUILT_IN:
        with pytest.raises(classes.ClassConflict, match="built in"):
            action(name)
    with pytest.raises(classes.UnknownClass, match="no class 'Hat'"):
        action("Hat")


def test_corrections_that_come_while_a_class_is_renamed_are_all_of_it() -> None:
    classes.create("Hat")
    start = threading.Barrier(3)

    def add(numbers: range) -> None:
        start.wait()
        for number in numbers:
            kept(number, "Hat")

    threads = [threading.Thread(target=add, args=(range(at, at + 15),)) for at in (0, 100)]
    for thread in threads:
        thread.start()
    start.wait()
    for name, new in (("Hat", "Cap"), ("Cap", "Beret"), ("Beret", "Fez")):
        classes.rename(name, new)
    for thread in threads:
        thread.join()
    assert corrections.usable_counts().keys() == {"Fez"}
    assert corrections.counts(label="Fez")["new"] == 30


def test_of_many_who_add_the_same_class_at_once_one_does() -> None:
    start = threading.Barrier(6)
    outcomes: list[str] = []

    def add() -> None:
        start.wait()
        try:
            outcomes.append(classes.create("Hat").name)
        except classes.ClassConflict as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[-1] == "Hat"
    assert sum("'Hat' is a class already" in it for it in outcomes) == 5
    assert own_class_names() == ["Hat"]


def test_a_database_of_an_earlier_release_gets_the_classes(empty_home: Path) -> None:
    kept(1)
    with sqlite3.connect(corrections.path()) as connection:
        for table in ("classes", "class_names", "class_changes", "hidden_corrections"):
            connection.execute(f"DROP TABLE {table}")
    connection.close()
    moved = empty_home.with_name("moved")
    empty_home.rename(moved)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(moved))
        assert len(classes.listed()) == 10
        classes.create("Hat")
        assert kept(2, "Hat").label == "Hat"
        assert corrections.get(1).label == "Bag"


def test_classes_are_restored_from_a_damaged_database(empty_home: Path) -> None:
    classes.create("Hat", "ann")
    mixed_up("Hat", "Bag")
    classes.rename("Hat", "Cap")
    before, listed = rows_by_id(), classes.listed()
    change = classes.delete("Cap")
    moved = empty_home.with_name("moved")
    empty_home.rename(moved)
    with sqlite3.connect(moved / "corrections.db") as connection:
        connection.execute("UPDATE corrections SET picture = x'00'")
    connection.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(moved))
        assert classes.own() == []
        assert rows_by_id() == {}
        classes.undo(change.id)
        assert classes.listed() == listed
        restored = rows_by_id()
        assert restored.keys() == {it for it, row in before.items() if row["label"] == "Cap"}
        for number, row in restored.items():
            if before[number]["state"] != corrections.CONFLICT:  # the other one is lost
                assert row == before[number]
        assert list(moved.glob("corrections.db.damaged-*"))


def test_classes_that_a_damaged_database_lost_are_those_of_its_corrections(
    empty_home: Path,
) -> None:
    classes.create("Hat")
    kept(1, "Hat")
    kept(2)
    moved = empty_home.with_name("moved")
    empty_home.rename(moved)
    with sqlite3.connect(moved / "corrections.db") as connection:
        connection.execute("DELETE FROM classes")
        connection.execute("UPDATE corrections SET picture = x'00' WHERE id = 2")
    connection.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(moved))
        assert [it.label for it in corrections.page()] == ["Hat"]
        assert own_class_names() == ["Hat"]
        assert kept(3, "Hat").label == "Hat"


def test_usable_counts_agree_with_what_a_run_reads() -> None:
    classes.create("Hat")
    mixed_up("Hat", "Bag", "Shirt")
    for number in range(300, 330):
        kept(number, "Hat")
    found = corrections.usable_counts()
    for name in ("Hat", "Bag", "Shirt"):
        usable = corrections.usable([name])
        assert found[name] == (len(usable.ids), int(usable.held_out.sum()))


def test_a_version_brings_its_classes_along() -> None:
    classes.create("Hat")
    classes.delete("Hat")
    assert classes.adopt(["Bag", "Hat", "Cap", "<b>", "cap"]) == ["Cap"]
    assert own_class_names() == ["Cap"]
    assert classes.adopt(["Cap"]) == []


def test_versions_say_which_classes_they_know() -> None:
    odd = ("帽子", "None", "T-shirt/top", "12", "Nón lá & mũ (2)", "ž" * 40, "L'été")
    plain = (*classes.BUILT_IN, "Straw hat (2)", "A & B")
    tags_of = {names: save_version(names) for names in (plain, odd)}
    damaged = save_version(("a", "b"))
    (descriptions.folder(damaged) / "model.yaml").write_text("- nothing")

    assert versions.class_names() == {tag: names for names, tag in tags_of.items()}


def test_the_built_in_classes_are_those_of_the_data_set(
    dataset: fashion_mnist.FashionMNIST,
) -> None:
    assert dataset.class_names == classes.BUILT_IN
