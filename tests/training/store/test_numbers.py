"""Numbers of versions: by age, never given twice, whatever happens to the store."""

import json
import multiprocessing
import shutil
from pathlib import Path

import pytest
import yaml

from tests.support.services.damage import DAMAGES
from training.model import networks
from training.store import numbers, tags, versions
from training.store.numbers import numbers_file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    return tmp_path


def save() -> str:
    metadata = {"network": "mlp", "class_names": ["Bag", "Shirt"]}
    tag = versions.save(networks.build("mlp", 2), labels={}, metadata=metadata)
    return tags.version_of(tag)


def make_old(version: str, created: str) -> None:
    """Make a version one of an earlier release, which gave no numbers."""
    path = tags.folder(tags.to_tag(version)) / "model.yaml"
    description = yaml.safe_load(path.read_text())
    del description["metadata"]["number"]
    path.write_text(yaml.safe_dump({**description, "creation_time": created}, sort_keys=False))


def test_versions_count_up_and_a_deleted_one_keeps_its_number(home: Path) -> None:
    first, second = save(), save()
    shutil.rmtree(tags.folder(tags.to_tag(second)))
    third = save()
    assert numbers.by_version() == {first: 1, second: 2, third: 3}
    assert versions.describe(tags.to_tag(third)).metadata["number"] == 3


def test_versions_of_an_earlier_release_are_numbered_by_age(home: Path) -> None:
    young, old = save(), save()
    make_old(young, "2026-05-01T10:00:00+00:00")
    make_old(old, "2025-05-01T10:00:00+02:00")
    numbers_file.path().unlink()
    assert numbers.by_version() == {old: 1, young: 2}
    save()
    shutil.rmtree(tags.folder(tags.to_tag(old)))
    assert numbers.by_version()[young] == 2


def test_an_imported_version_gets_the_next_number_whatever_it_had(home: Path) -> None:
    first, elsewhere = save(), save()
    numbers_file.path().write_text(json.dumps({"number": 1, "version": first}) + "\n")
    third = tags.folder(tags.to_tag(elsewhere)).rename(
        tags.folder(tags.to_tag("imported"))
    )  # with the number 2 in its metadata
    second = save()
    assert numbers.by_version() == {first: 1, third.name: 2, second: 3}


def test_a_damaged_version_has_a_number(home: Path) -> None:
    version = save()
    (tags.folder(tags.to_tag("half"))).mkdir()
    assert numbers.by_version() == {version: 1, "half": 2}


@pytest.mark.parametrize("damage", DAMAGES)
def test_numbers_survive_the_loss_of_their_file(home: Path, damage: str) -> None:
    gone, second, third = save(), save(), save()
    shutil.rmtree(tags.folder(tags.to_tag(gone)))
    DAMAGES[damage](numbers_file.path())
    found = numbers.by_version()
    assert (found[second], found[third]) == (2, 3)
    fourth = save()
    assert numbers.by_version()[fourth] == 4


def test_the_store_cannot_be_written_and_numbers_are_the_same_each_time(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, young = save(), save()
    numbers_file.path().unlink()

    def read_only(*_: object) -> None:
        raise OSError(30, "read-only")

    monkeypatch.setattr(numbers_file, "append", read_only)
    assert numbers.by_version() == numbers.by_version() == {old: 1, young: 2}


def _save_some(home: str, count: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", home)
        for _ in range(count):
            save()


def test_processes_that_save_at_once_share_no_number(home: Path) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_save_some, args=(str(home), 3)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert sorted(numbers.by_version().values()) == [1, 2, 3, 4, 5, 6]
    stored = [it.metadata["number"] for it in versions.list_versions()]
    assert sorted(stored) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("name", ["2", "v2"])
def test_a_number_names_a_version(home: Path, name: str) -> None:
    save()
    second = save()
    assert numbers.to_tag(name) == numbers.to_tag(second) == tags.to_tag(second)
    assert numbers.to_tag("v9") == tags.to_tag("v9")


def test_a_version_whose_name_looks_like_a_number_is_found_by_its_name(home: Path) -> None:
    save()
    shutil.copytree(tags.folder(tags.to_tag(save())), tags.folder(tags.to_tag("v1")))
    assert numbers.to_tag("v1") == tags.to_tag("v1")
