"""How long runs take on this machine, by those that it has finished."""

import statistics
from datetime import datetime
from pathlib import Path

from training.store import descriptions
from training.store.runs.records import Run, ids, read

_RUNS = 5
"""The median of the last few: one run beside other programs does not make the next look slow."""

_LOOKED_THROUGH = 100
"""Runs of all recipes. What took so long before those says little about this machine today."""

_networks: dict[Path, str | None] = {}
"""The network of each version that a run started from. A version never changes."""


def usual_seconds(recipe: str, epochs: int, champion: str | None = None) -> float | None:
    """Return the median duration of the last finished runs like this one, in seconds.

    From the request to the end: what starting takes counts. `champion` is the tag of the version
    that the run starts from, if it does: one with the same network takes as long. None if no such
    run has finished lately.
    """
    network = _network(champion)
    if champion is not None and network is None:
        return None
    found: list[float] = []
    for run in map(read, ids()[:_LOOKED_THROUGH]):
        if run is not None and _is_like(run, recipe, epochs, network):
            found.append(_seconds(run))
            if len(found) == _RUNS:
                break
    return round(statistics.median(found), 1) if found else None


def _is_like(run: Run, recipe: str, epochs: int, network: str | None) -> bool:
    """Whether a run has finished, in one go, what the one in question will do."""
    return (
        run.state == "succeeded"
        and run.ended_at is not None
        and (run.config.get("recipe"), run.config.get("epochs")) == (recipe, epochs)
        and not run.config.get("resume")
        and _network(run.config.get("champion")) == network
    )


def _seconds(run: Run) -> float:
    ended_at = datetime.fromisoformat(run.ended_at or run.created_at)
    return (ended_at - datetime.fromisoformat(run.created_at)).total_seconds()


def _network(tag: str | None) -> str | None:
    """The name of a version's network; None without a version, or if it cannot be read."""
    if tag is None:
        return None
    try:
        path = descriptions.folder(tag)
        if path not in _networks:
            _networks[path] = str(descriptions.describe(tag).metadata["network"])
        return _networks[path]
    except descriptions.ModelError:  # it was deleted, or is damaged
        return None
