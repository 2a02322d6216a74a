"""Records of training runs: one folder a run, WARDROBE_HOME/runs/<run_id>.

    run.json      state, configuration, progress, result; replaced whole at each change
    events.jsonl  one line a step
    checkpoint.pt the state after the last finished epoch, until the run succeeds
    lock          locked by the run's process for as long as it lives
    log           what the process printed

The lock shows whether a run's process is alive: the kernel releases it however the process ends.
While the process lives it alone writes run.json; after its end, whoever finds it so does.
"""

import json
import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

import settings
from training.store import files, locks

ACTIVE = ("queued", "running")
STATES = (*ACTIVE, "succeeded", "failed", "cancelled", "interrupted")

STARTING = ("waiting", "loading data", "checking corrections")
"""The phases of a run before it trains."""


@dataclass(frozen=True)
class Run:
    """The content of run.json. Times are ISO 8601, UTC; `progress` goes from 0 to 1.

    `estimated_seconds` is how long such runs have taken here, from `created_at` to the end.
    `loss` and `accuracy` are of the last recorded training batch. `corrections` counts those used,
    held out and quarantined, once they are split (split.CorrectionSplit.summary); `classes` are
    those learned from corrections alone, `included`, and how many pictures each lacks that is
    `waiting`; `gate` compares the version with the champion, once it is trained
    (gate.GateDecision.summary). `actor` is who asked the trainer for it. A run in the `background`
    has the lowest priority and makes way for any other.
    """

    run_id: str
    state: str
    config: dict[str, Any]
    created_at: str
    started_at: str | None = None
    ended_at: str | None = None
    pid: int | None = None
    phase: str = "waiting"
    progress: float = 0.0
    estimated_seconds: float | None = None
    eta_seconds: float | None = None
    loss: float | None = None
    accuracy: float | None = None
    epochs: list[dict[str, float]] = field(default_factory=list)
    corrections: dict[str, Any] | None = None
    classes: dict[str, Any] | None = None
    gate: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    actor: str | None = None
    background: bool = False

    @property
    def is_active(self) -> bool:
        """Whether it is queued or running."""
        return self.state in ACTIVE

    @property
    def is_resumable(self) -> bool:
        """Whether another run can continue after its last finished epoch."""
        ended_early = not self.is_active and self.state != "succeeded"
        return ended_early and checkpoint_path(self.run_id).is_file()


_settled: dict[Path, tuple[int, int, int]] = {}
"""Records of runs that have ended: inode, time and size of the file when it was read."""

UNKNOWN = "unknown"
"""Phase of a run whose record is damaged."""

_RUN = TypeAdapter(Run)
_STAMP = "%Y%m%d-%H%M%S-%f"

_NAME = re.compile(r"[0-9a-f-]{1,64}")
"""Pattern of a run's id. No other name reaches the file system."""


class BusyError(Exception):
    """Another run is active; `run_id` names it."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"Run {run_id} is active. Wait for it, or cancel it.")
        self.run_id = run_id


class ResumeError(Exception):
    """The run cannot be resumed; the message says why."""


def now() -> str:
    """Return the present time, ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def folder(run_id: str) -> Path:
    """Where a run's files are."""
    return settings.home() / "runs" / run_id


def checkpoint_path(run_id: str) -> Path:
    """Where a run's checkpoint is, if it has one."""
    return folder(run_id) / "checkpoint.pt"


def configuration(
    recipe: str, epochs: int, seed: int, *, corrections: bool, champion: str | None
) -> dict[str, Any]:
    """The configuration of a new run; `champion` is the tag that it starts from, if it does."""
    return {
        "recipe": recipe,
        "epochs": epochs,
        "seed": seed,
        "corrections": corrections,
        "champion": champion,
    }


def resumption(run_id: str) -> dict[str, Any]:
    """The configuration of a run that continues `run_id`. Raises ResumeError."""
    run = read(run_id)
    if run is None:
        raise ResumeError(f"There is no run {run_id}.")
    if run.is_active and is_alive(run_id):
        raise ResumeError(f"Run {run_id} is active still.")
    if run.state == "succeeded":
        raise ResumeError(f"Run {run_id} has succeeded: there is nothing left to do.")
    if not checkpoint_path(run_id).is_file():
        raise ResumeError(f"Run {run_id} stopped before its first epoch ended. Start a new run.")
    return {**run.config, "resume": run_id}


def create(
    config: dict[str, Any],
    actor: str | None = None,
    estimated_seconds: float | None = None,
    *,
    background: bool = False,
) -> tuple[Run, int]:
    """Record a new run, queued. Returns it with a descriptor that holds its lock.

    The lock passes to the run's process with the descriptor, so that there is no moment at which
    the run looks dead. Raises BusyError while another run is active.
    """
    # One process at a time looks for an active run and creates one.
    with locks.locked(settings.home() / "runs" / ".lock"):
        for other in unsettled():
            if other.is_active and is_alive(other.run_id):
                raise BusyError(other.run_id)
        # The time first, so that names sort by age.
        stamp = datetime.now(UTC).strftime(_STAMP)[:-3]
        run_id = f"{stamp}-{secrets.token_hex(2)}"
        run = Run(
            run_id,
            "queued",
            config,
            created_at=now(),
            estimated_seconds=estimated_seconds,
            actor=actor,
            background=background,
        )
        folder(run.run_id).mkdir(parents=True)
        descriptor = locks.hold(folder(run.run_id) / "lock")
        write(run)
        return run, descriptor


def write(run: Run, *, durable: bool = True) -> None:
    """Replace run.json; `durable` as in files.replace."""
    files.replace(_record_path(run.run_id), json.dumps(asdict(run)), durable=durable)


def read(run_id: str) -> Run | None:
    """A run's record, or None when there is none by that name.

    A run whose record is damaged is a failed one, or an active one while its process lives; `error`
    says so. Its process writes the record anew.
    """
    if not _NAME.fullmatch(run_id):
        return None
    try:
        return _parse(run_id, files.read_object(_record_path(run_id)))
    except FileNotFoundError:
        # A run that is being created has a folder, a lock in it, and then its record.
        if not _has_files(folder(run_id)) or is_alive(run_id):
            return None
        reason = "it is missing"
    except files.DamagedFile as error:
        reason = str(error)
    return _damaged(run_id, reason)


def _parse(run_id: str, found: dict[str, Any]) -> Run:
    try:
        _RUN.validate_python(found)  # its result has a float for each whole number of an epoch
        run = Run(**found)
        datetime.fromisoformat(run.created_at)
    except (ValueError, TypeError) as error:
        raise files.DamagedFile("it is not the record of a run") from error
    if run.run_id != run_id or run.state not in STATES or not 0 <= run.progress <= 1:
        raise files.DamagedFile("it is not the record of this run")
    return run


def _damaged(run_id: str, reason: str) -> Run:
    error = (
        f"The record of this run, {_record_path(run_id)}, is damaged: {reason}. If the run made a "
        "version, it is on the Models page. Restore the record from a copy, or delete its folder."
    )
    files.log_once(error)
    try:
        created_at = datetime.fromisoformat(f"{run_id[:8]}T{run_id[9:15]}").replace(tzinfo=UTC)
    except ValueError:
        created_at = datetime.fromtimestamp(folder(run_id).stat().st_mtime, UTC)
    state = "running" if is_alive(run_id) else "failed"
    time = created_at.isoformat(timespec="milliseconds")
    return Run(run_id, state, {}, created_at=time, phase=UNKNOWN, error=error)


def _has_files(path: Path) -> bool:
    try:
        return any(path.iterdir())
    except OSError:
        return False


def _record_path(run_id: str) -> Path:
    return folder(run_id) / "run.json"


def read_all(limit: int | None = None) -> list[Run]:
    """The newest runs, or every one without a limit, newest first."""
    return [run for run in map(read, ids()[:limit]) if run is not None]


def unsettled() -> list[Run]:
    """Every run that has not ended and every damaged record, newest first.

    The records of all others are read once, and again only if their files have changed: with
    thousands of runs it would take seconds each time.
    """
    found = []
    for run_id in ids():
        path = _record_path(run_id)
        try:
            stat = path.stat()
        except OSError:
            key = None
        else:
            key = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if key is not None and _settled.get(path) == key:
            continue
        run = read(run_id)
        if run is not None and (run.is_active or run.phase == UNKNOWN):
            found.append(run)
        elif run is not None and key is not None:
            _settled[path] = key
    return found


def ids() -> list[str]:
    """The name of every run's folder, newest first."""
    parent = settings.home() / "runs"
    try:
        return sorted((entry.name for entry in parent.iterdir() if entry.is_dir()), reverse=True)
    except OSError:  # there is no such folder, or it cannot be read
        return []


def is_alive(run_id: str) -> bool:
    """Whether the run's process, or the one about to start it, holds its lock."""
    try:
        return locks.is_locked(folder(run_id) / "lock")
    except OSError:  # none is there, or nobody may read it
        return False


def end(run_id: str, state: str, error: str | None) -> Run | None:
    """Close the record of a run whose process is gone without having done so itself.

    A run that recorded its own end keeps it. Returns the record as it is now.
    """
    run = read(run_id)
    if run is None or not run.is_active:
        return run
    run = replace(run, state=state, ended_at=now(), eta_seconds=None, error=error)
    write(run)
    return run
