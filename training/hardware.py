"""The machine that a run uses: its device, its number formats, its scheduling priority."""

import os
import time
from functools import cache
from pathlib import Path

import torch

_NICENESS = 2
"""Of a run that the trainer starts: serving on the same cores has priority, and the run has a
floor. Beside a busy classifier and its busy clients, two sessions that would take both cores, it
gets about half a core; with 10 it got a tenth. What serving pays for it is in docs/serving.md."""

_BACKGROUND_NICENESS = 19
"""Of a run that nobody waits for: it takes what is left over."""

_AUTOGROUP = Path("/proc/self/autogroup")
"""Linux shares the cores among sessions first, and niceness counts only within a session; the
session's own niceness is set here. Not every kernel has this file."""

_AUTOGROUP_ATTEMPTS = 5

_BFLOAT16_CAPABILITY = (8, 0)
"""Compute capability of the first NVIDIA GPUs with bfloat16."""


def choose_device() -> torch.device:
    """Return the fastest device: an NVIDIA GPU, an Apple GPU, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


@cache
def has_bfloat16(device: str) -> bool:
    """Whether a device type ("cpu", "cuda", "mps") multiplies bfloat16 faster than float32."""
    if device == "cuda":
        return torch.cuda.get_device_capability() >= _BFLOAT16_CAPABILITY
    capabilities = torch.cpu.get_capabilities() if device == "cpu" else {}
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))


def lower_priority(*, background: bool = False) -> None:
    """Lower the scheduling priority of this process and its session; to the lowest in the
    background.
    """
    niceness = _BACKGROUND_NICENESS if background else _NICENESS
    os.nice(niceness)
    if not _AUTOGROUP.exists():
        return
    for _ in range(_AUTOGROUP_ATTEMPTS):
        try:
            _AUTOGROUP.write_text(str(niceness), encoding="utf-8")
        except BlockingIOError:  # the kernel takes one such change in 0.1 s from all of a machine
            time.sleep(0.1)
        except OSError:  # a file system that is read-only, as in some containers
            return
        else:
            return
