"""A real training run from the command line, and what it leaves behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.support.processes import ROOT, Home, MakeHome, wait_for
from training.data import fashion_mnist
from training.model import networks
from training.model.preprocess import to_input
from training.store import runs, versions


@pytest.fixture(autouse=True)
def use_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDROBE_HOME", str(home.path))


def bentoml(home: Home, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bentoml", *arguments],
        env=home.environment(BENTOML_HOME=str(home.path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_tells_its_result_in_the_last_line(make_home: MakeHome) -> None:
    home = make_home()
    done = home.train("--recipe", "quick", "--epochs", "1", "--seed", "7")
    result = json.loads(done.stdout.splitlines()[-1])
    assert set(result) >= {"model", "accuracy", "seconds", "epochs"}
    assert result["epochs"] == 1
    assert 0.75 < result["accuracy"] < 0.95
    assert "108/108" in done.stderr  # the progress bar: 55,000 pictures in batches of 512
    assert "epoch 1: loss" in done.stdout
    assert (home.path / "champion").read_text().strip() == result["model"]
    assert result["model"] in bentoml(home, "models", "list")

    again = make_home()
    weights = []
    repeated = json.loads(
        again.train("--recipe", "quick", "--epochs", "1", "--seed", "7").stdout.splitlines()[-1]
    )
    for where, tag in ((home, result["model"]), (again, repeated["model"])):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WARDROBE_HOME", str(where.path))
            weights.append(versions.load(tag).network.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_run_that_is_over_quickly_tells_its_last_batch(home: Home) -> None:
    first = runs.read_all()[-1]  # the session's: one epoch of `quick`
    steps = [event for event in runs.events(first.run_id) if event["type"] == "step"]
    assert (first.loss, first.accuracy) == (steps[-1]["loss"], steps[-1]["accuracy"])


def test_a_run_that_was_killed_is_resumed_from_the_command_line(make_home: MakeHome) -> None:
    home, options = make_home(), ("--recipe", "quick", "--epochs", "12", "--seed", "2")
    killed = subprocess.Popen(
        [sys.executable, "-m", "training.train", *options],
        cwd=ROOT,
        env=home.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(home.path))
        wait_for(lambda: any(len(run.epochs) >= 2 for run in runs.read_all()), 240, "two epochs")
        killed.kill()
        killed.wait()
        [run] = runs.read_all()
        resumed = home.train("--resume", run.run_id)
        assert resumed.returncode == 0, resumed.stderr
        assert "epoch 1:" not in resumed.stdout
        whole = home.train(*options)
        networks_of_both = [
            versions.load(json.loads(done.stdout.splitlines()[-1])["model"]).network.state_dict()
            for done in (resumed, whole)
        ]
    one, other = networks_of_both
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_version_describes_itself(home: Home) -> None:
    version = versions.list_versions()[-1]  # the session's first: one epoch of `quick`
    metadata = version.metadata
    assert version.labels == {
        "framework": "pytorch", "dataset": "fashion-mnist", "recipe": "quick"
    }  # fmt: skip
    assert metadata["network"] == "mlp-small"
    assert metadata["parameters"] == 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10
    per_class = metadata["per_class_accuracy"]
    assert list(per_class) == metadata["class_names"]
    assert sum(per_class.values()) / 10 == pytest.approx(metadata["accuracy"])
    assert len(metadata["data_fingerprint"]) == 64
    assert metadata["duration_seconds"] > 0
    run = runs.read(metadata["run_id"])
    assert run is not None
    assert (run.state, run.progress) == ("succeeded", 1.0)
    assert run.result is not None
    assert run.result["accuracy"] == metadata["accuracy"]
    steps = [event for event in runs.events(run.run_id) if event["type"] == "step"]
    assert len(steps) == 108
    assert steps[-1]["loss"] < steps[0]["loss"]
    assert [event["progress"] for event in steps] == sorted(event["progress"] for event in steps)


def test_a_version_goes_to_another_store_and_back(
    home: Home, tmp_path: Path, make_home: MakeHome
) -> None:
    tag = versions.champion() or ""
    bentoml(home, "models", "export", tag, str(tmp_path / "version.bentomodel"))
    other = make_home()
    bentoml(other, "models", "import", str(tmp_path / "version.bentomodel"))
    original = versions.load(tag).network.state_dict()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(other.path))
        imported = versions.load(tag).network.state_dict()
        assert versions.describe(tag).metadata["accuracy"] > 0
    assert all(torch.equal(original[name], imported[name]) for name in original)


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_a_batch_can_be_memorised(home: Home, name: str) -> None:
    batch = fashion_mnist.load().train
    images, labels = to_input(batch.images[:64]), batch.labels[:64]
    torch.manual_seed(0)
    network = networks.build(name, 10)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    for _ in range(100):
        loss = cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.01
    assert torch.equal(network(images).argmax(1), labels)


def test_a_second_run_is_turned_away_while_one_is_active(make_home: MakeHome) -> None:
    home = make_home()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(home.path))
        run, lock = runs.create({})
        done = home.train()
        os.close(lock)
    assert done.returncode == 1
    assert done.stderr.strip() == f"Run {run.run_id} is active. Wait for it, or cancel it."


def test_a_run_without_data_fails_with_a_sentence(home: Home, tmp_path: Path) -> None:
    bad = Home(tmp_path)
    raw = tmp_path / "data" / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name in fashion_mnist.FILES:
        size = (home.path / "data" / "FashionMNIST" / "raw" / name).stat().st_size
        (raw / name).write_bytes(bytes(size))
    done = bad.train()
    assert done.returncode == 1
    assert "is damaged" in done.stderr
    assert "Traceback" not in done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(tmp_path))
        [run] = runs.read_all()
    assert run.state == "failed"
    assert run.error is not None
    assert "is damaged" in run.error


def test_epochs_must_be_positive(home: Home) -> None:
    done = home.train("--epochs", "0")
    assert done.returncode == 2
    assert "--epochs must be 1 or more" in done.stderr
