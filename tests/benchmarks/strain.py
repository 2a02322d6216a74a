"""The classifier under strain, alone: make bench-strain. NETWORK=cnn and MINUTES=10 change it.

Prints, one after the other: how long it takes to start; what happens with more load than it can
carry; p99 while a model is trained beside it; memory and p99 over minutes of steady load.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import requests

from tests.benchmarks.serving import WARDROBE, drive, prepared, serving
from tests.processes import Home, wait_for

SECONDS = 10
CLIENTS = 32
CROWD = 256
MANY = 2_000
STEADY_SHARE = 0.7
STEADY_CLIENTS = 64
BESIDE_TRAINING = 8

[CLASSIFY, *_] = WARDROBE.loads


def told(what: str, figures: dict[str, Any]) -> float:
    """Print a load's figures; returns its answers (those that were not refused) a second."""
    answered: float = (figures["requests"] - figures["refused"]) / figures["seconds"]
    print(
        f"{what:<44}{answered:>8,.0f} answered/s{figures['refused'] / figures['seconds']:>8,.0f} "
        f"refused/s{figures['broken']:>5} broken   p50 {figures['p50_ms']:.1f} ms, "
        f"p99 {figures['p99_ms']:.1f} ms, longest {figures['longest_ms']:.0f} ms",
        flush=True,
    )
    return answered


def workers_mb(process: psutil.Process) -> list[float]:
    """Memory of each worker, in 10^6 bytes."""
    sizes = [child.memory_info().rss / 1e6 for child in process.children(recursive=True)]
    return [size for size in sizes if size > 100]  # not of what watches them


def start(weights: Path) -> None:
    """From the command to the first answer, beside what nothing can do without."""
    code = f"import torch, bentoml; torch.load({str(weights)!r}, weights_only=True)"
    bare, whole = [], []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", code], check=True)
        bare.append(time.monotonic() - began)
        began = time.monotonic()
        with serving(WARDROBE, weights):
            whole.append(time.monotonic() - began)
    print(
        f"first answer after {min(whole):.1f} s; importing torch and bentoml and loading the "
        f"weights takes {min(bare):.1f} s; ratio {min(whole) / min(bare):.2f}"
    )


def overload(url: str, process: psutil.Process) -> float:
    """More than it can carry. Returns what it can."""
    before = sum(workers_mb(process))
    peak = told(f"{CLIENTS} clients", drive(url, CLASSIFY, CLIENTS, SECONDS))
    told(f"{CROWD} clients", drive(url, CLASSIFY, CROWD, SECONDS))
    pause_ms = 1_000 * MANY / (2 * peak)
    told(
        f"{MANY:,} clients that ask for {2 * peak:,.0f}/s",
        drive(url, CLASSIFY, MANY, SECONDS, pause_ms),
    )
    told("right afterwards, 1 client", drive(url, CLASSIFY, 1, 2))
    told(f"and {CLIENTS} clients", drive(url, CLASSIFY, CLIENTS, 3))
    print(f"the workers' memory: {before:,.0f} MB before, {sum(workers_mb(process)):,.0f} after")
    return peak


def beside_training(url: str) -> None:
    """The same load without and with a run of training on the same cores, in turn."""
    home = Home(Path(os.environ["WARDROBE_HOME"]))
    trainer = home.serve("trainer", OMP_NUM_THREADS=str(os.cpu_count()))
    try:
        for turn in (1, 2):
            drive(url, CLASSIFY, BESIDE_TRAINING, 1)
            alone = drive(url, CLASSIFY, BESIDE_TRAINING, SECONDS)
            told(f"{BESIDE_TRAINING} clients, alone ({turn})", alone)
            run = requests.post(f"{trainer.url}/runs", json={"recipe": "standard"}, timeout=30)
            run_id = run.json()["run_id"]
            wait_for(lambda: trainer.get(f"/runs/{run_id}")["progress"] > 0, 120)  # noqa: B023
            with_run = drive(url, CLASSIFY, BESIDE_TRAINING, SECONDS)
            told(f"{BESIDE_TRAINING} clients, with a run beside ({turn})", with_run)
            print(f"ratio of p99: {with_run['p99_ms'] / alone['p99_ms']:.2f}", flush=True)
            trainer.post(f"/runs/{run_id}/cancel")
    finally:
        trainer.stop()


def steady(url: str, process: psutil.Process, rate: float, minutes: int) -> None:
    """The same rate for minutes: does memory grow, do answers become slower?"""
    pause_ms = 1_000 * STEADY_CLIENTS / rate
    for minute in range(1, minutes + 1):
        figures = drive(url, CLASSIFY, STEADY_CLIENTS, 60, pause_ms)
        sizes = ", ".join(f"{size:.1f}" for size in workers_mb(process))
        told(f"minute {minute} at {rate:,.0f}/s (workers {sizes} MB)", figures)


def main() -> None:
    """All of it, on one server."""
    with prepared(os.environ.get("NETWORK", "mlp")):
        weights = Path(os.environ["WARDROBE_HOME"]) / "weights.pt"
        start(weights)
        with serving(WARDROBE, weights) as (url, process):
            drive(url, CLASSIFY, CLIENTS, 2)
            peak = overload(url, process)
            beside_training(url)
            minutes = int(os.environ.get("MINUTES", "10"))
            if minutes:
                steady(url, process, STEADY_SHARE * peak, minutes)


if __name__ == "__main__":
    main()
