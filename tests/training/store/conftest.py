"""What the tests of the stores share."""

from pathlib import Path

import pytest


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A WARDROBE_HOME that does not exist yet."""
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
