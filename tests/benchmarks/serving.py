"""The classifier beside its peers, on the same machine in one run: make bench-serving.

Each server is started in turn, with the same network, weights, preprocessing and pictures and two
workers, and is driven by wrk from a process of its own: rounds A B C … A B C …, each after a
warm-up. Prints a table of the medians over the rounds, and writes .bench/serving.json.

SERVERS="wardrobe bare", CLIENTS="1 32", ROUNDS=1, SECONDS=2 and NETWORK=cnn-small narrow or change
it; NETWORK="mlp cnn-small" measures both in turn. BASELINE=/path/of/another/checkout adds its
classifier as `wardrobe-before`.
"""

import json
import os
import subprocess
import sys
from itertools import product
from statistics import median
from typing import Any

from tests.benchmarks.request_bodies import PICTURES_A_CALL
from tests.benchmarks.servers import (
    BENCH,
    WORKERS,
    Peer,
    drive,
    prepared,
    rss_mb,
    serving,
    store_model,
    with_baseline,
)
from tests.support.processes import ROOT

RESULT = BENCH / "serving.json"
CLIENTS_OF_MANY = 32
WARM_UP_SECONDS = 1


def measure(
    rounds: int, seconds: float, clients: list[int], servers: list[Peer], kinds: list[str]
) -> list[dict[str, Any]]:
    """Every server with every kind of network at every load, as often as there are rounds."""
    found: dict[tuple[str, str, str, int], list[dict[str, Any]]] = {}
    for number in range(rounds):
        for kind, peer in product(kinds, servers):
            print(f"round {number + 1}: {peer.name}, {kind}", file=sys.stderr, flush=True)
            weights = store_model(kind)
            with serving(peer, weights) as (url, process):
                for load in peer.loads:
                    for count in clients if load.images == 1 else [CLIENTS_OF_MANY]:
                        drive(url, load, count, WARM_UP_SECONDS)
                        figures = drive(url, load, count, seconds)
                        figures["rss_mb"] = rss_mb(process)
                        figures["images"] = load.images
                        key = peer.name, kind, load.call, count
                        found.setdefault(key, []).append(figures)
    return [row(*key, figures) for key, figures in found.items()]


def row(
    server: str, network: str, call: str, clients: int, figures: list[dict[str, Any]]
) -> dict[str, Any]:
    """The rounds of one load, as one row: medians, all errors and the most memory."""
    rates = [one["requests"] / one["seconds"] for one in figures]
    return {
        "server": server,
        "network": network,
        "call": call,
        "clients": clients,
        "rps": median(rates),
        "images_per_second": median(rates) * figures[0]["images"],
        "p50_ms": median(one["p50_ms"] for one in figures),
        "p99_ms": median(one["p99_ms"] for one in figures),
        "errors": sum(one["refused"] + one["broken"] for one in figures),
        "rss_mb": max(one["rss_mb"] for one in figures),
        "rounds": [round(rate, 1) for rate in rates],
        "generator_cpu": max(one["generator_cpu"] for one in figures),
    }


def forward_pass(network: str) -> float:
    """Pictures a second of the network alone: batches of 256, a thread in each of two processes."""
    code = (
        "import sys, time, torch; from training.model import networks;"
        "torch.set_num_threads(1); torch.manual_seed(0);"
        f"network = networks.build({network!r}, 10).eval();"
        f"batch = torch.randn({PICTURES_A_CALL}, 28, 28)\n"
        "with torch.inference_mode():\n"
        "    [network(batch) for _ in range(10)]\n"
        "    began, passes = time.perf_counter(), 0\n"
        "    while time.perf_counter() < began + 3: network(batch); passes += 1\n"
        f"print({PICTURES_A_CALL} * passes / (time.perf_counter() - began))"
    )
    command = [sys.executable, "-c", code]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(WORKERS)
    ]
    return sum(float(process.communicate()[0]) for process in running)


def report(rows: list[dict[str, Any]]) -> None:
    """The table. The ratio is that of the project's requests a second to the row's."""

    def load(one: dict[str, Any]) -> tuple[str, str, int]:
        return one["network"], one["call"], one["clients"]

    own = {load(one): one["rps"] for one in rows if one["server"] == "wardrobe"}
    columns = "{:<19}{:<9}{:<26}{:>8}{:>10}{:>10}{:>10}{:>8}{:>9}{:>8}{:>6}"
    print(columns.format(
        "server", "network", "call", "clients", "req/s", "p50 ms", "p99 ms", "errors", "RSS MB",
        "ratio", "wrk",
    ))  # fmt: skip
    for one in sorted(rows, key=lambda it: (*load(it), -it["rps"])):
        base = own.get(load(one))
        ratio = "" if base is None else f"{base / one['rps']:.2f}"
        print(columns.format(
            one["server"], one["network"], one["call"], one["clients"], f"{one['rps']:,.0f}",
            f"{one['p50_ms']:.2f}", f"{one['p99_ms']:.1f}", one["errors"],
            f"{one['rss_mb']:,.0f}", ratio, f"{one['generator_cpu']:.0%}",
        ))  # fmt: skip


def main() -> None:
    """Measure, print, write."""
    all_servers = with_baseline(os.environ.get("BASELINE"))
    names = os.environ.get("SERVERS", " ".join(peer.name for peer in all_servers)).split()
    clients = [int(word) for word in os.environ.get("CLIENTS", "1 8 32 128").split()]
    kinds = os.environ.get("NETWORK", "mlp").split()
    with prepared(kinds[0]):
        rows = measure(
            int(os.environ.get("ROUNDS", "3")),
            float(os.environ.get("SECONDS", "4")),
            clients,
            [peer for peer in all_servers if peer.name in names],
            kinds,
        )
    report(rows)
    for kind in kinds:
        alone = forward_pass(kind)
        print(f"{kind} alone, batches of {PICTURES_A_CALL}: {alone:,.0f} pictures/s")
        for one in rows:
            if one["network"] == kind and one["call"].startswith("classify_many"):
                rate = one["images_per_second"]
                print(f"{one['call']}: {rate:,.0f} pictures/s, {rate / alone:.2f} of that")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
