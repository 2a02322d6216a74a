"""A state folder on a disk that is full or read-only: serving goes on, and the launcher says it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from PIL import Image

from launcher.counters import counters_folder
from tests.support.pictures import encoded, shoe
from tests.support.processes import ROOT, Home, Server, wait_for

DISK_BYTES = 60_000_000


def mount(*arguments: str | Path) -> bool:
    """Run mount. Returns whether it worked: it needs root, and a system that lets root mount."""
    command = ["mount", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty folder on a small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder):
        pytest.skip("this user cannot mount a small disk")
    yield folder
    while folder.is_mount():
        subprocess.run(["umount", "--lazy", folder], check=True)


def make_read_only(folder: Path) -> None:
    """As the kernel does after an error of a disk: files that are open stay so."""
    assert mount("--bind", folder, folder)
    assert mount("-o", "remount,bind,ro", folder)


def fill(folder: Path) -> Path:
    """Fill a disk to its last byte. Returns the file that does."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass
    assert shutil.disk_usage(folder).free == 0
    return filler


def workers(server: Server) -> list[int]:
    return sorted(it.pid for it in psutil.Process(server.process.pid).children())


def serves(server: Server) -> bool:
    """Whether all of the classifier answers; with bad requests too, which begin new series."""
    picture = {"image": encoded(shoe())}
    for _ in range(20):
        answer = server.post("/classify", files=picture)
        assert answer.status_code == 200, answer.text
    noise = encoded(Image.effect_noise((28, 28), 200))  # nothing that the model knows
    assert server.post("/classify", files={"image": noise}).ok
    assert server.post("/classify_many", data=b"x").status_code == 415
    assert server.post("/preview", files=picture).status_code == 200
    for number in range(20):
        assert requests.get(f"{server.url}/{number}", timeout=5).status_code == 404
    return all(
        requests.get(server.url + path, timeout=5).ok for path in ("/readyz", "/metrics", "/model")
    )


def test_the_classifier_goes_on(disk: Path, home: Home) -> None:
    state = Home(disk / "state", logs=disk.parent)
    state.path.mkdir()
    state.take_models_of(home)
    with counters_folder(state.path) as counters:
        assert not counters.is_relative_to(disk)
        server = state.serve(
            "classifier",
            CLASSIFIER_WORKERS="2",
            KEEP_UNKNOWN="1",
            BENTOML_HOME=str(counters),
        )
        try:
            wait_for(lambda: requests.get(f"{server.url}/readyz", timeout=5).ok, what="a model")
            before = workers(server)
            filler = fill(disk)
            assert serves(server)
            filler.unlink()
            make_read_only(disk)
            assert serves(server)
            assert workers(server) == before
        finally:
            server.stop()
    assert not counters.exists()


def launch(home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "launcher"],
        cwd=ROOT,
        env={**os.environ, "WARDROBE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_read_only_state_folder_is_told_in_a_sentence(disk: Path) -> None:
    make_read_only(disk)
    refused = launch(disk)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.count("\n") == 1
    assert f"The state folder {disk} cannot be written: the disk is read-only" in refused.stderr
    assert "WARDROBE_HOME" in refused.stderr


def test_the_counters_of_a_killed_launcher_are_removed(tmp_path: Path) -> None:
    with counters_folder(tmp_path) as counters:
        (counters / "old").mkdir()
        with counters_folder(tmp_path) as again:
            assert again == counters
            assert list(again.iterdir()) == []
    assert not counters.exists()


def test_a_strangers_link_is_not_followed(tmp_path: Path) -> None:
    with counters_folder(tmp_path) as counters:
        pass
    if counters.is_relative_to(tmp_path):
        pytest.skip("there is no /dev/shm")
    target = tmp_path / "target"
    target.mkdir()
    counters.symlink_to(target)
    try:
        with counters_folder(tmp_path) as instead:
            assert instead == tmp_path / "bentoml"
        assert target.exists()
    finally:
        counters.unlink()
