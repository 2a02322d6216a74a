"""`make bento`: the image that BentoML makes, alone and on a mounted store."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.support.compose_stack import docker
from tests.support.processes import ROOT, Home, MakeHome, free_port, wait_for

pytestmark = pytest.mark.timeout(3600)

IMAGE = "wardrobe-bento-test"
SNEAKER = ROOT / "docs" / "sneaker.png"
HARDENED = (
    "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
    "--env", "BENTOML_HOME=/tmp/bentoml",
)  # fmt: skip

ASK = """
import sys, urllib.request as r
picture = sys.stdin.buffer.read()
ask = r.Request("http://127.0.0.1:3000/classify", picture, {"Content-Type": "image/png"})
print(r.urlopen(ask, timeout=10).read().decode())
"""


@pytest.fixture(scope="module")
def packed(make_home: MakeHome) -> Iterator[Home]:
    """A state folder with two versions. The older one is the champion, and in the image."""
    home = make_home()
    for epochs in ("2", "1"):
        trained = home.train("--recipe", "quick", "--epochs", epochs)
        assert trained.returncode == 0, trained.stderr
        if epochs == "2":
            first = (home.path / "champion").read_text()
    (home.path / "champion").write_text(first)
    made = subprocess.run(
        ["make", "bento"],
        cwd=ROOT,
        env={**os.environ, "WARDROBE_HOME": str(home.path), "BENTO_IMAGE": IMAGE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    yield home
    docker("image", "rm", "--force", IMAGE)


@pytest.fixture
def start(request: pytest.FixtureRequest) -> Callable[..., str]:
    """Starts a container of the image, with options of docker's. It goes when the test ends."""

    def start(*options: str) -> str:
        container = docker("run", "--detach", *options, IMAGE)
        request.addfinalizer(lambda: docker("rm", "--force", "--volumes", container))
        return container

    return start


def champion(home: Home) -> str:
    return (home.path / "champion").read_text().strip()


def test_alone_and_without_a_network_it_serves_what_was_packed(
    packed: Home, start: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    container = start("--network", "none", *HARDENED, "--env", "WARDROBE_HOME=/tmp/wardrobe")

    def ask() -> str:
        asked = subprocess.run(
            ["docker", "exec", "-i", container, "python", "-c", ASK],
            input=SNEAKER.read_bytes(),
            capture_output=True,
            check=False,
        )
        return asked.stdout.decode()

    wait_for(ask, 180, "an answer")
    answer = json.loads(ask())
    assert answer["label"] == "Sneaker"
    assert answer["model"] == champion(packed)
    assert docker("exec", container, "id", "-u") != "0"
    with capsys.disabled():
        size = int(docker("image", "inspect", "--format", "{{.Size}}", IMAGE)) / 1e6
        print(f"\n  the Bento's image: {size:.0f} MB", end="")


def test_without_any_option_it_starts_as_bentoml_says(
    packed: Home, start: Callable[..., str]
) -> None:
    port = free_port()
    container = start("--publish", f"127.0.0.1:{port}:3000")
    wait_for(lambda: served(port) == {champion(packed): 2}, 180, "both workers serving")
    environment = docker("exec", container, "env").splitlines()
    assert "BENTOML_DO_NOT_TRACK=True" in environment
    assert "WARDROBE_HOME=/home/bentoml/wardrobe" in environment
    kept = docker("exec", container, "cat", "/home/bentoml/wardrobe/champion")
    assert kept == champion(packed)


def test_with_a_mounted_store_it_follows_the_champion(
    packed: Home, start: Callable[..., str], make_home: MakeHome
) -> None:
    store, port = make_home(), free_port()
    versions = []
    for _ in range(2):
        trained = store.train("--recipe", "quick", "--epochs", "1")
        assert trained.returncode == 0, trained.stderr
        versions.append(champion(store))
    _give_to_everybody(store.path)
    start(
        "--publish", f"127.0.0.1:{port}:3000", *HARDENED,
        "--volume", f"{store.path}:/data", "--env", "WARDROBE_HOME=/data",
    )  # fmt: skip
    wait_for(lambda: served(port) == {versions[1]: 2}, 180, "the store's champion")

    (store.path / "champion").write_text(f"{versions[0]}\n")
    wait_for(lambda: served(port) == {versions[0]: 2}, 180, "the new champion")


def test_a_mounted_store_without_a_champion_gets_what_is_packed(
    packed: Home, start: Callable[..., str], tmp_path: Path
) -> None:
    port = free_port()
    _give_to_everybody(tmp_path)
    start(
        "--publish", f"127.0.0.1:{port}:3000", *HARDENED,
        "--volume", f"{tmp_path}:/data", "--env", "WARDROBE_HOME=/data",
    )  # fmt: skip
    wait_for(lambda: served(port) == {champion(packed): 2}, 180, "both workers serving")
    assert (tmp_path / "champion").read_text().strip() == champion(packed)


def served(port: int) -> dict[str, int]:
    """How many workers serve which version."""
    try:
        answer = requests.get(f"http://127.0.0.1:{port}/model", timeout=5).json()
    except requests.RequestException:
        return {}
    found: dict[str, int] = answer["serving"]
    return found


def _give_to_everybody(folder: Path) -> None:
    """The container's user is another one than the tests'."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o777 if path.is_dir() else 0o666)
