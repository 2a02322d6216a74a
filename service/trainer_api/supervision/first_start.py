"""What is trained by itself after the first start: a quick model, then a more accurate one.

The first model is there within seconds. The second takes about a minute of a machine's time, so it
is trained in the background: a run that a person starts interrupts it, and it goes on afterwards.
Everything is in the records of the runs, so it goes on after a restart too.
"""

from typing import Any

import settings
from training.recipes import DEFAULT_RECIPE, FIRST_RECIPE, RECIPES
from training.store import runs, versions

ACTOR = "first start"
"""Who is recorded for these runs."""


def first_run() -> dict[str, Any] | None:
    """Return the configuration of the run that makes the first model; None if it is not wanted."""
    if settings.get("TRAIN_FIRST_MODEL") != "1":
        return None
    if any(version.error is None for version in versions.list_versions()):
        return None
    return _configuration(FIRST_RECIPE, corrections=False)


def due_in_background() -> dict[str, Any] | None:
    """Return the configuration of the run that is due in the background; None if none is.

    It is due once the first run has made a model, until it has ended other than by an interruption,
    or a person has resumed it, or the live version is as accurate by other means.
    """
    wanted = (settings.get("TRAIN_FIRST_MODEL"), settings.get("TRAIN_STANDARD_AFTER"))
    if wanted != ("1", "1"):
        return None
    if not _is_first_network_live():  # mostly so, and then no record need be read
        return None
    found = runs.read_all()
    own = [run for run in found if run.actor == ACTOR]
    if not any(run.state == "succeeded" and not run.background for run in own):
        return None
    last = next((run for run in own if run.background), None)
    if last is None:
        return _configuration(DEFAULT_RECIPE, corrections=True)
    if last.state != "interrupted" or any(it.config.get("resume") == last.run_id for it in found):
        return None
    try:
        return runs.resumption(last.run_id)
    except runs.ResumeError:  # it had not finished an epoch
        return _configuration(DEFAULT_RECIPE, corrections=True)


def _configuration(recipe: str, *, corrections: bool) -> dict[str, Any]:
    epochs = RECIPES[recipe].epochs
    return runs.configuration(recipe, epochs, 0, corrections=corrections, champion=None)


def _is_first_network_live() -> bool:
    """Whether the live version is the first model, or was fine-tuned from it."""
    try:
        network = versions.describe_champion().metadata["network"]
    except versions.ModelError:
        return False
    return bool(network == RECIPES[FIRST_RECIPE].network)
