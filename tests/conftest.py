"""Shared fixtures: the real data set, a model trained for real, running services, a browser.

Nothing here imports torch before a fixture needs it, so that `make test-fast` stays fast.
"""

import signal
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.support.browser import launch
from tests.support.processes import ROOT, Home, MakeHome, Server, wait_for

if TYPE_CHECKING:
    from training.data import fashion_mnist

MARKED_FIXTURES = {"browser": "browser", "dataset_folder": "service", "app_beside": "service"}
"""A test that uses the fixture, directly or through others, gets the marker."""
MARKED_FOLDERS = {
    "compose": "slow",
    "e2e": "slow",
    "launcher": "service",
    "monitoring": "slow",
}
"""Every test in the folder of tests/ gets the marker."""


def pytest_configure() -> None:
    """Let SIGTERM end a test run like Ctrl-C: fixtures stop their servers."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test by what it needs, so that `-m` selects; see `markers` in pyproject.toml."""
    for item in items:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        needed = {MARKED_FIXTURES.get(name) for name in getattr(item, "fixturenames", ())}
        for marker in needed | {MARKED_FOLDERS.get(folder)}:
            if marker:
                item.add_marker(marker)


@pytest.fixture(scope="session")
def dataset_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fashion-MNIST, prepared once a session the way a first start does it."""
    from training.data import fashion_mnist

    home = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(home))
        return fashion_mnist.prepare()


@pytest.fixture(scope="session")
def picture_of(dataset_folder: Path) -> bytes:
    """The first test picture, an ankle boot, as a PNG file."""
    raw = (dataset_folder / "FashionMNIST" / "raw" / "t10k-images-idx3-ubyte").read_bytes()
    file = BytesIO()
    Image.frombytes("L", (28, 28), raw[16 : 16 + 784]).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def make_home(tmp_path_factory: pytest.TempPathFactory, dataset_folder: Path) -> MakeHome:
    """Makes empty state folders that hold the data set and nothing else."""

    def make() -> Home:
        home = Home(tmp_path_factory.mktemp("home"))
        (home.path / "data").symlink_to(dataset_folder)
        return home

    return make


@pytest.fixture(scope="session")
def home(make_home: MakeHome) -> Home:
    """The state folder of the session's services, with a first model: one real epoch."""
    home = make_home()
    trained = home.train("--recipe", "quick", "--epochs", "1")
    assert trained.returncode == 0, trained.stderr
    return home


@pytest.fixture(scope="session")
def wardrobe_home(home: Home) -> Path:
    """The path of that state folder."""
    return home.path


@pytest.fixture(scope="session")
def classifier(home: Home) -> Iterator[Server]:
    """A real classifier, two workers, that serves the session's first model."""
    server = home.serve("classifier", CLASSIFIER_WORKERS="2")
    wait_for(lambda: sum(server.get("/model")["serving"].values()) == 2, what="two workers serving")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def trainer(home: Home) -> Iterator[Server]:
    """A real trainer on the same state folder."""
    server = home.serve("trainer")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def classifier_url(classifier: Server) -> str:
    """Where the session's classifier answers."""
    return classifier.url


@pytest.fixture(scope="session")
def trainer_url(trainer: Server) -> str:
    """Where the session's trainer answers."""
    return trainer.url


@pytest.fixture(scope="session")
def test_set(dataset_folder: Path) -> "fashion_mnist.Split":
    """The 10,000 test pictures."""
    from training.data import fashion_mnist

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(dataset_folder.parent))
        return fashion_mnist.load_test()


@pytest.fixture(autouse=True)
def few_threads() -> None:
    """Use one thread in tests: they share two cores with the servers that they test."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright, which a process can start only once at a time."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Headless Chromium."""
    browser = launch(playwright)
    yield browser
    browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh visitor at a desktop."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context.new_page()
    context.close()
