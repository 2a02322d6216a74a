"""What the trainer promises about the time of a run."""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from service.trainer_api.runs import list_recipes
from training.recipes import RECIPES
from training.store import runs


def test_recipes_say_how_long_they_took_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    epochs = RECIPES["standard"].epochs
    config = runs.configuration("standard", epochs, 0, corrections=True, champion=None)
    run, lock = runs.create(config)
    os.close(lock)
    ended_at = datetime.fromisoformat(run.created_at) + timedelta(seconds=75)
    runs.write(replace(run, state="succeeded", ended_at=ended_at.isoformat()))

    estimates = {it["name"]: it["estimated_seconds"] for it in list_recipes()["recipes"]}

    assert estimates == {**dict.fromkeys(RECIPES), "standard": 75}
