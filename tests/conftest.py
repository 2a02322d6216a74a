"""What many tests share: the real data set, a really trained model, really running services."""

import signal
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.browser import launch
from tests.support.processes import Home, MakeHome, Server, wait_for
from training.data import fashion_mnist


def pytest_configure() -> None:
    """A terminated test run ends like an interrupted one: fixtures stop their servers."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def dataset_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fashion-MNIST, prepared once a session the way a first start does it."""
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
def test_set(dataset_folder: Path) -> fashion_mnist.Split:
    """The 10,000 test pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDROBE_HOME", str(dataset_folder.parent))
        return fashion_mnist.load_test()


@pytest.fixture(autouse=True)
def few_threads() -> None:
    """Tests share two cores with the servers that they test."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh visitor at a desktop."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context.new_page()
    context.close()
