"""The process of a run: started with its lock, and signalled with all that it has started."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import settings
import training
from training.store import runs

_PATIENT_THREADS = {"OMP_WAIT_POLICY": "passive"}
"""torch's threads wait for one another at each step. By default they do so by spinning, and beside
anything else on the same cores each then waits for one that has no core: beside one busy process on
two cores a run made 1.4 steps a second, with this 13, and alone 31 either way."""


def spawn(run: runs.Run, lock: int) -> subprocess.Popen[bytes]:
    """Start the process of a run, which takes over the descriptor of its lock."""
    # Its own folder for metrics would be the trainer's: a run has none.
    environment = {k: v for k, v in os.environ.items() if k != "PROMETHEUS_MULTIPROC_DIR"}
    with (runs.folder(run.run_id) / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "training.train", "--run", run.run_id],
            cwd=os.path.dirname(os.path.dirname(training.__file__)),  # noqa: PTH120
            env=environment | {"WARDROBE_HOME": str(settings.home())} | _PATIENT_THREADS,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
            start_new_session=True,
        )
    # Linux: when memory is used up, the kernel ends the run and not the trainer.
    with contextlib.suppress(OSError):
        Path(f"/proc/{process.pid}/oom_score_adj").write_text("1000", encoding="utf-8")
    return process


def send_signal(pid: int | None, number: signal.Signals) -> None:
    """Send it to the whole group of a run's process, which leads its own session."""
    with contextlib.suppress(ProcessLookupError):
        if pid is not None:
            os.killpg(pid, number)
