"""What a run needs to go on after its last finished epoch, in a file of its folder.

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

    `epochs` are the figures so far, `order` the state of the generator of chance, `losses` those
    of each picture when it was last seen, `states` the state_dicts of the network and its
    optimizers, in the order of `train.fit`, and `lessons` the corrections that it learns from.
    """

    epochs: list[dict[str, float]]
    order: torch.Tensor
    losses: torch.Tensor
    states: list[dict[str, Any]]
    lessons: dict[str, Any]


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
