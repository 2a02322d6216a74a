"""The composed Wardrobe, started once and taken down at the end."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.compose_stack import Stack, clone, engine_missing


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """Skips everything here where no engine answers."""
    if reason := engine_missing():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Nothing yet but a clone: the first test starts it."""
    stack = Stack(clone(tmp_path_factory.mktemp("clone") / "wardrobe"))
    stack.compose("down", "--volumes")  # what an earlier run left that was interrupted
    yield stack
    stack.compose("down", "--volumes")


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a measured number past pytest's capture."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}", end="")

    return say
