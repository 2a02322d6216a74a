"""How long runs take on this machine, by those that it has finished."""

import statistics
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from training.store import descriptions
from training.store.runs.records import STARTING, Run, ids, read

_RUNS = 5
"""The median of the last few: one run beside other programs does not make the next look slow."""

_LOOKED_THROUGH = 100
"""Runs of all recipes. What took so long before those says little about this machine today."""

_MAX_STARTING_PROGRESS = 0.4
_USUAL_SECONDS = 60.0
"""Until a run trains, its progress goes by the clock: by the time that such runs take, or this."""

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


def seconds_left(run: Run) -> float | None:
    """Return how long a run goes on if it takes as long as such runs do; None if that is unknown,
    or it has taken longer already.
    """
    if run.estimated_seconds is None:
        return None
    left = run.estimated_seconds - _age(run)
    return left if left > 0 else None


def starting_progress(run: Run) -> float:
    """Return the progress, 0..1, of a run that does not train yet: Python and torch start, pictures
    are loaded, corrections checked. Nobody could say how much of that is done.
    """
    share = _age(run) / (run.estimated_seconds or _USUAL_SECONDS)
    return min(max(share, 0.0), _MAX_STARTING_PROGRESS)


def as_of_now(run: Run) -> Run:
    """Return the record with progress and ETA of this moment, if the run does not train yet."""
    if not run.is_active or run.phase not in STARTING:
        return run
    left = seconds_left(run)
    return replace(
        run,
        progress=round(starting_progress(run), 3),
        eta_seconds=None if left is None else round(left, 1),
    )


def _age(run: Run) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(run.created_at)).total_seconds()


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
