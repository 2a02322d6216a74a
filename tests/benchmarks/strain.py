"""The classifier under strain, alone: make bench-strain. MINUTES=10 and NETWORK change it.

Prints, one after the other: how long it takes to start; whether anything fails within a minute, by
the number of clients, and how large the batches are; what happens with more load than it can
carry; p99 while a model is trained beside it; memory and p99 over minutes of steady load.
PARTS="start errors overload training steady" chooses some of them.
"""

import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import requests

from tests.benchmarks.request_bodies import PNG
from tests.benchmarks.servers import BARE, WARDROBE, Load, drive, prepared, serving
from tests.support.processes import Home, wait_for

SECONDS = 10
ERRORS_SECONDS = 60
WARM_UP_SECONDS = 20
"""Longer than BentoML keeps a request's timer: only then do as many end as begin."""
STARTS = 5
CLIENTS = 32
MANY_CLIENTS = 256
MANY = 2_000
STEADY_SHARE = 0.7
STEADY_CLIENTS = 64
BARE_SECONDS = 10
BESIDE_TRAINING = 8
TURNS = 3
TURN_SECONDS = 6
CORES = os.cpu_count() or 1

RECOVERY_SECONDS = 5

[CLASSIFY, CLASSIFY_FORM, *_] = WARDROBE.loads


def print_figures(what: str, figures: dict[str, Any]) -> float:
    """Print a load's figures; returns its answers (those that were not refused) a second."""
    answered: float = (figures["requests"] - figures["refused"]) / figures["seconds"]
    print(
        f"{what:<44}{answered:>8,.0f} answered/s{figures['refused'] / figures['seconds']:>8,.0f} "
        f"refused/s{figures['broken']:>5} broken   p50 {figures['p50_ms']:.1f} ms, "
        f"p99 {figures['p99_ms']:.1f} ms, longest {figures['longest_ms']:.0f} ms; "
        f"wrk took {figures['generator_cpu']:.0%} of a core",
        flush=True,
    )
    return answered


def workers_mb(process: psutil.Process) -> list[float]:
    """Memory of each worker, in 10^6 bytes."""
    sizes = [child.memory_info().rss / 1e6 for child in process.children(recursive=True)]
    return [size for size in sizes if size > 100]  # not of what watches them


def start(weights: Path) -> None:
    """From the command to the first answer, beside what nothing can do without. In turn."""
    code = f"import torch, bentoml; torch.load({str(weights)!r}, weights_only=True)"
    bare, whole, supervisor = [], [], []
    for _ in range(STARTS):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", code], check=True)
        bare.append(time.monotonic() - began)
        began = time.monotonic()
        with serving(WARDROBE, weights) as (_, process):
            whole.append(time.monotonic() - began)
            first = min(child.create_time() for child in process.children())
            supervisor.append(first - process.create_time())
    print(
        f"first answer after {median(whole):.2f} s, {median(supervisor):.2f} s of it until there "
        "are workers; importing torch and bentoml and loading the weights takes "
        f"{median(bare):.2f} s; ratio {median(whole) / median(bare):.2f}",
        flush=True,
    )


def errors(url: str) -> None:
    """A minute at each number of clients: nothing is refused or breaks, and batches are real."""
    loads: list[tuple[Load, int]] = [(CLASSIFY, clients) for clients in (1, 8, 32, 128)]
    for load, clients in [*loads, (CLASSIFY_FORM, 128)]:
        before = passes(url)
        figures = drive(url, load, clients, ERRORS_SECONDS)
        count, pictures, waited = (
            now - then for now, then in zip(passes(url), before, strict=True)
        )
        print_figures(f"{load.call}, {clients} clients, {ERRORS_SECONDS} s", figures)
        print(
            f"  {figures['refused'] + figures['broken']} errors in {figures['requests']:,}; "
            f"{pictures / count:.1f} pictures a pass, each waited {1e3 * waited / pictures:.2f} ms "
            "for it",
            flush=True,
        )


def passes(url: str) -> tuple[float, float, float]:
    """Forward passes so far, the pictures in them, and the seconds that those had waited."""
    samples = dict(
        line.rsplit(" ", 1)
        for line in requests.get(f"{url}/metrics", timeout=10).text.splitlines()
        if line.startswith("wardrobe_")
    )
    names = ("batch_images_count", "batch_images_sum", "queue_seconds_sum")
    count, pictures, waited = (float(samples[f"wardrobe_{name}"]) for name in names)
    return count, pictures, waited


class Probe(threading.Thread):
    """Asks ten times a second, each time on a connection of its own, until it is told to stop."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.answers: list[tuple[int, float, bool]] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        """Note each answer's status, its seconds and whether it says when to come again."""
        body = next((Path(os.environ["WARDROBE_HOME"]) / "bodies" / "png").glob("[0-9]*"))
        picture = body.read_bytes()
        while not self.stopping.wait(0.1):
            began = time.monotonic()
            answer = requests.post(
                f"{self.url}/classify", data=picture, headers={"Content-Type": PNG}, timeout=30
            )
            seconds = time.monotonic() - began
            self.answers.append((answer.status_code, seconds, "Retry-After" in answer.headers))

    def __enter__(self) -> "Probe":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.join()
        good = [seconds for status, seconds, _ in self.answers if status == 200]
        refused = [it for it in self.answers if it[0] in (429, 503)]
        others = len(self.answers) - len(good) - len(refused)
        print(
            f"  one more client: {len(good)} answered, after {max(good, default=0):.2f} s at most;"
        )
        print(
            f"  {len(refused)} refused, after {max((it[1] for it in refused), default=0):.2f} s at "
            f"most, {sum(it[2] for it in refused)} of them with Retry-After; {others} others",
            flush=True,
        )


def overload(url: str, process: psutil.Process) -> None:
    """More than it can carry, each time beside what it carries, since a shared machine drifts."""
    before = sum(workers_mb(process))
    peaks, shares = [], defaultdict(list)
    for turn in range(1, TURNS + 1):
        alone = drive(url, CLASSIFY, CLIENTS, TURN_SECONDS)
        peak = print_figures(f"{CLIENTS} clients ({turn})", alone)
        peaks.append(peak)
        for what, clients, pause_ms in (
            (f"{MANY_CLIENTS} clients", MANY_CLIENTS, None),
            (f"{MANY:,} clients", MANY, None),
            (f"{MANY:,} clients that ask for twice as much", MANY, 1_000 * MANY / (2 * peak)),
        ):
            with Probe(url):
                overloaded = drive(url, CLASSIFY, clients, TURN_SECONDS, pause_ms)
            answered = print_figures(f"{what} ({turn})", overloaded) / peak
            left = [CORES - it["generator_cpu"] for it in (alone, overloaded)]
            shares[what].append((answered, answered * left[0] / left[1]))
    for second in range(1, RECOVERY_SECONDS + 1):
        print_figures(
            f"{CLIENTS} clients, second {second} after that", drive(url, CLASSIFY, CLIENTS, 1)
        )
    for what, of_peak in shares.items():
        found, on_what_wrk_left = (
            f"{median(part):.2f} ({min(part):.2f} to {max(part):.2f})"
            for part in zip(*of_peak, strict=True)
        )
        print(
            f"{what}: {found} of the peak beside; of what wrk left of the cores {on_what_wrk_left}"
        )
    print(f"the peak: {median(peaks):,.0f} answered/s ({min(peaks):,.0f} to {max(peaks):,.0f})")
    print(f"the workers' memory: {before:,.0f} MB before, {sum(workers_mb(process)):,.0f} after")


def beside_training(url: str) -> None:
    """The same load without and with a run of training on the same cores, in turn."""
    home = Home(Path(os.environ["WARDROBE_HOME"]))
    trainer = home.serve("trainer", OMP_NUM_THREADS=str(os.cpu_count()))
    try:
        for turn in range(1, TURNS + 1):
            drive(url, CLASSIFY, BESIDE_TRAINING, 1)
            alone = drive(url, CLASSIFY, BESIDE_TRAINING, SECONDS)
            print_figures(f"{BESIDE_TRAINING} clients, alone ({turn})", alone)
            run = trainer.post("/runs", json={"recipe": "standard"})
            run_at = f"/runs/{run.json()['run_id']}"
            wait_for(lambda: trainer.get(run_at)["loss"], 120)  # noqa: B023
            with_run = drive(url, CLASSIFY, BESIDE_TRAINING, SECONDS)
            print_figures(f"{BESIDE_TRAINING} clients, with a run beside ({turn})", with_run)
            print(f"ratio of p99: {with_run['p99_ms'] / alone['p99_ms']:.2f}", flush=True)
            trainer.post(f"{run_at}/cancel")
            wait_for(lambda: trainer.get(run_at)["state"] != "running", 60)  # noqa: B023
    finally:
        trainer.stop()


def steady(url: str, process: psutil.Process, bare_url: str, rate: float, minutes: int) -> None:
    """The same rate for minutes: does memory grow, do answers become slower?

    In each minute the bare limit is asked as often for some seconds: what slows down both is the
    machine.
    """
    pause_ms = 1_000 * STEADY_CLIENTS / rate
    p99s = []
    for minute in range(1, minutes + 1):
        figures = drive(url, CLASSIFY, STEADY_CLIENTS, 60 - BARE_SECONDS, pause_ms)
        sizes = ", ".join(f"{size:.1f}" for size in workers_mb(process))
        print_figures(f"minute {minute} at {rate:,.0f}/s (workers {sizes} MB)", figures)
        bare = drive(bare_url, BARE.loads[0], STEADY_CLIENTS, BARE_SECONDS, pause_ms)
        print_figures("  the bare limit", bare)
        p99s.append((figures["p99_ms"], bare["p99_ms"]))
    if minutes > 1:
        ours, of_bare = (last / second for last, second in zip(p99s[-1], p99s[1], strict=True))
        print(f"p99, the last minute's by the second's: {ours:.2f}; the bare limit's {of_bare:.2f}")


def main() -> None:
    """All of it, on one server."""
    parts = os.environ.get("PARTS", "start errors overload training steady").split()
    with prepared(os.environ.get("NETWORK", "mlp")):
        weights = Path(os.environ["WARDROBE_HOME"]) / "weights.pt"
        if "start" in parts:
            start(weights)
        with serving(WARDROBE, weights) as (url, process):
            drive(url, CLASSIFY, CLIENTS, WARM_UP_SECONDS)
            peak = print_figures(f"{CLIENTS} clients", drive(url, CLASSIFY, CLIENTS, SECONDS))
            if "errors" in parts:
                errors(url)
            if "overload" in parts:
                overload(url, process)
            if "training" in parts:
                beside_training(url)
            if "steady" in parts:
                minutes = int(os.environ.get("MINUTES", "10"))
                with serving(BARE, weights) as (bare_url, _):
                    steady(url, process, bare_url, STEADY_SHARE * peak, minutes)


if __name__ == "__main__":
    main()
