"""Cost of live accuracy estimates and shadow tests, on one machine, round by round.

    python -m tests.benchmarks.knowing half      a shadow of every picture, at half of capacity
    python -m tests.benchmarks.knowing full      the same, with full load
    python -m tests.benchmarks.knowing counting  processor time of what is done in each forward pass
    OTHER=<worktree> python -m tests.benchmarks.knowing cost
                                                 this tree beside another one, without a shadow

Each round loads the one and then the other for SECONDS=4, and the next round the other way
around; ROUNDS=5 rounds. Prints each pair and the median of their ratios. WORKERS=1 is steadier than
two, which the connections are spread over unevenly.

The version is the champion of WARDROBE_HOME, as it was trained: the work of counting depends
on the answers.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import pytest
import requests
import torch

import settings
from service.inference import workers
from service.metrics.live_traffic import LiveTraffic
from service.shadow import assignment
from service.shadow.protocol import pack
from tests.benchmarks import servers
from tests.support.processes import wait_for
from training.data import fashion_mnist
from training.model import networks
from training.store import versions

CLIENTS = 32
CLIENTS_AT_HALF = 64
CALLS = 200

[CLASSIFY, *_] = servers.WARDROBE.loads
Round = Callable[[], dict[str, Any]]


def measured(url: str, server: psutil.Process, half_of: float | None = None) -> dict[str, Any]:
    """One load's figures. `half_of` is what the server can carry; None is as much as possible.

    `cpu_us` is the time of its workers that a request takes, in 1e-6 s.
    """
    seconds, before = float(os.environ.get("SECONDS", "4")), cpu_seconds(server)
    if half_of is None:
        figures = servers.drive(url, CLASSIFY, CLIENTS, seconds)
    else:
        pause_ms = 1_000 * CLIENTS_AT_HALF / (half_of / 2)
        figures = servers.drive(url, CLASSIFY, CLIENTS_AT_HALF, seconds, pause_ms)
    figures["cpu_us"] = 1e6 * (cpu_seconds(server) - before) / figures["requests"]
    return figures


def cpu_seconds(server: psutil.Process) -> float:
    """What a server's workers have used until now. A shadow is no worker."""
    used = 0.0
    for process in server.children(recursive=True):
        if "service.shadow.worker" not in process.cmdline():
            times = process.cpu_times()
            used += times.user + times.system
    return used


def compare(names: tuple[str, str], first: Round, second: Round) -> None:
    """Round by turn, and the medians of the ratios of the second to the first."""
    ratios: dict[str, list[float]] = {"rps": [], "p50_ms": [], "p99_ms": [], "cpu_us": []}
    for turn in range(int(os.environ.get("ROUNDS", "5"))):
        if turn % 2:
            two, one = second(), first()
        else:
            one, two = first(), second()
        for name, figures in zip(names, (one, two), strict=True):
            figures["rps"] = figures["requests"] / figures["seconds"]
            print(
                f"turn {turn + 1} {name:<10}{figures['rps']:>8,.0f}/s   p50 {figures['p50_ms']:.2f}"
                f" ms   p99 {figures['p99_ms']:.2f} ms   {figures['refused']} refused"
                f"   {figures['cpu_us']:.0f} us of processor",
                flush=True,
            )
        for figure, values in ratios.items():
            values.append(two[figure] / one[figure])
    for figure, values in ratios.items():
        text = ", ".join(f"{value:.3f}" for value in values)
        print(f"{names[1]} / {names[0]}, {figure}: {median(values):.3f} ({text})")


def store_candidate(network: str) -> str:
    """Another version of the same network; the champion stays. Returns its tag."""
    dataset = fashion_mnist.load()
    torch.manual_seed(1)
    candidate = networks.build(network, len(dataset.class_names))
    metadata = {"network": network, "class_names": list(dataset.class_names)}
    return versions.save(candidate, labels={}, metadata=metadata)


def shadow_pictures(url: str) -> dict[str, float]:
    """What came of the shadow's pictures so far, by result."""
    lines = requests.get(f"{url}/metrics", timeout=10).text.splitlines()
    found = [line for line in lines if line.startswith("wardrobe_shadow_pictures_total{")]
    return {line.split('result="')[1].split('"')[0]: float(line.split()[-1]) for line in found}


def with_shadow(url: str, server: psutil.Process, network: str, half_of: float | None) -> None:
    """A shadow of every picture, off and on."""
    candidate = store_candidate(network)

    def off() -> dict[str, Any]:
        assignment.clear()
        wait_for(lambda: not workers.shadows(), what="the shadow's end")
        time.sleep(1)
        return measured(url, server, half_of)

    def on() -> dict[str, Any]:
        assignment.assign(candidate, 1)
        wait_for(lambda: len(workers.shadows()) == servers.WORKERS, 60, "the shadow")
        time.sleep(1)
        return measured(url, server, half_of)

    compare(("off", "on"), off, on)
    time.sleep(1)
    print(f"pictures of the shadow: {shadow_pictures(url)}")


@contextmanager
def of_tree(root: Path) -> Iterator[None]:
    """Servers that start meanwhile run the code of another worktree."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(servers, "ROOT", root)
        yield


def cost(weights: Path, other: Path) -> None:
    """Both trees at 32 clients."""
    with of_tree(other):
        context = servers.serving(servers.WARDROBE, weights)
        before = context.__enter__()
    try:
        with servers.serving(servers.WARDROBE, weights) as now:
            measured(*before)
            measured(*now)
            compare(("before", "now"), lambda: measured(*before), lambda: measured(*now))
    finally:
        context.__exit__(None, None, None)


def counting() -> None:
    """Time a batch: forward pass, counting, accuracy estimate, packing for a shadow."""
    torch.set_num_threads(1)
    model = versions.load(str(versions.champion()))
    assert model.accuracy_estimator is not None
    traffic, estimator = LiveTraffic(model), model.accuracy_estimator
    for size in (1, 8, 32, 64):
        pictures = fashion_mnist.load_test().images[:size]
        images = pictures.numpy().copy()
        predictions = model.predict(images)
        scores = predictions.probabilities
        times = (
            spent(partial(model.probabilities, images)),
            spent(partial(model.predict, images)),
            spent(partial(traffic.count, [(images, predictions)])),
            spent(partial(estimator.expected_accuracy, pictures, torch.from_numpy(scores))),
            spent(partial(pack, images, model.tag, scores.argmax(axis=1))),
        )
        text = "forward pass {:.0f} us, with familiarity {:.0f}, counted {:.1f}, estimated {:.0f}"
        print(f"batch of {size:>2}: {text.format(*times)}, packed {times[-1]:.1f}")


def spent(function: Callable[[], object]) -> float:
    """Processor time of a call, in 1e-6 s."""
    function()
    began = time.thread_time()
    for _ in range(CALLS):
        function()
    return 1e6 * (time.thread_time() - began) / CALLS


def main() -> None:
    """Run the measurement that the first argument names."""
    if sys.argv[1] == "counting":
        counting()
        return
    what, trained = sys.argv[1], settings.home()
    servers.WORKERS = int(os.environ.get("WORKERS", "2"))
    network = versions.describe(str(versions.champion())).metadata["network"]
    with servers.prepared(network):
        shutil.copytree(trained / "models", settings.home() / "models", dirs_exist_ok=True)
        shutil.copy(trained / "champion", settings.home() / "champion")
        weights = Path(os.environ["WARDROBE_HOME"]) / "weights.pt"
        if what == "cost":
            cost(weights, Path(os.environ["OTHER"]))
            return
        with servers.serving(servers.WARDROBE, weights) as (url, server):
            servers.drive(url, CLASSIFY, CLIENTS, 2)
            figures = servers.drive(url, CLASSIFY, CLIENTS, 4)
            peak = figures["requests"] / figures["seconds"]
            print(f"carries {peak:,.0f}/s at {CLIENTS} clients", flush=True)
            with_shadow(url, server, network, peak if what == "half" else None)


if __name__ == "__main__":
    main()
