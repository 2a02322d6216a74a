"""Checkpoints: the state of training after an epoch, in a file of the run's folder.

It is replaced whole at each epoch, read without unpickling, and deleted when the run succeeds.
"""

import io
import shutil
from dataclasses import dataclass
from typing import Any

import torch

from training.store import files, runs


@dataclass(frozen=True)
class Checkpoint:
    """The state after an epoch.

    `epochs` are the metrics of each finished epoch, `generator_state` that of the random number
    generator, `losses`, float (N,), those of each picture when it was last trained on, `states`
    the state_dicts of the network and then its optimizers, and `corrections` that of the
    CorrectionSplit.
    """

    epochs: list[dict[str, float]]
    generator_state: torch.Tensor
    losses: torch.Tensor
    states: list[dict[str, Any]]
    corrections: dict[str, Any]


def save(run_id: str, checkpoint: Checkpoint) -> None:
    """Replace the run's checkpoint."""
    buffer = io.BytesIO()
    torch.save(vars(checkpoint), buffer)
    files.replace(runs.checkpoint_path(run_id), buffer.getvalue())


def take_over(from_run: str, run_id: str) -> Checkpoint:
    """Copy another run's checkpoint into this run's folder, and read it.

    A copy, so that this run can be resumed in turn before its first epoch ends. Raises
    runs.ResumeError when there is none that can be read.
    """
    path = runs.checkpoint_path(run_id)
    try:
        shutil.copyfile(runs.checkpoint_path(from_run), path)
        return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    # A damaged file makes torch.load raise nearly anything: EOFError, UnpicklingError, KeyError …
    except Exception as error:
        path.unlink(missing_ok=True)
        raise runs.ResumeError(
            f"The checkpoint of run {from_run} cannot be read ({type(error).__name__}). "
            "Start a new run."
        ) from error


def discard(run_id: str) -> None:
    """Delete the run's checkpoint."""
    runs.checkpoint_path(run_id).unlink(missing_ok=True)
