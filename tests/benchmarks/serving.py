"""The classifier beside its peers, on the same machine in one run: make bench-serving.

Each server is started in turn, with the same network, weights, preprocessing and pictures and two
workers, and is driven by wrk from a process of its own: rounds A B C … A B C …, each after a
warm-up. Prints a table of the medians over the rounds, and writes .bench/serving.json.

SERVERS="wardrobe bare", CLIENTS="1 32", ROUNDS=1, SECONDS=2 and NETWORK=cnn-small narrow or change
it; NETWORK="mlp cnn-small" measures both in turn.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
import requests
import torch
from PIL import Image

from tests.support.processes import ROOT, free_port
from training.data import fashion_mnist
from training.model import networks
from training.store import versions

BENCH = ROOT / ".bench"
RESULT = BENCH / "serving.json"
PEERS = Path(__file__).with_name("peers")
SCRIPT = Path(__file__).with_name("load.lua")

PNG, NPY = "image/png", "application/x-npy"
BOUNDARY = "wardrobe-benchmark"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"

PICTURES = 512
PICTURES_A_CALL = 256
CLIENTS_OF_MANY = 32
WORKERS = 2
WARM_UP_SECONDS = 1
START_SECONDS = 90


@dataclass(frozen=True)
class Load:
    """A call: its name in the table, the folder of bodies it sends and their content type."""

    call: str
    bodies: str
    content_type: str
    path: str
    images: int = 1


@dataclass(frozen=True)
class Peer:
    """A server: how it is started, on {port}, and what it is asked."""

    name: str
    command: tuple[str, ...]
    loads: tuple[Load, ...]
    environment: str = "peers"


def _raw(path: str) -> Load:
    return Load("classify, raw", "png", PNG, path)


def _multipart(path: str) -> Load:
    return Load("classify, multipart", "form", MULTIPART, path)


UVICORN = ("{bin}/uvicorn", "--port", "{port}", "--workers", str(WORKERS), "--no-access-log")
BENTOML = ("{bin}/bentoml", "serve", "--port", "{port}")
WARDROBE = Peer(
    "wardrobe",
    (*BENTOML, "service.classifier:Classifier"),
    (
        _raw("/classify"),
        _multipart("/classify"),
        Load("classify_many, npy", "array", NPY, "/classify_many", PICTURES_A_CALL),
        Load("classify_many, multipart", "forms", MULTIPART, "/classify_many", PICTURES_A_CALL),
    ),
    environment="",
)
BARE = Peer("bare", (*UVICORN, "tests.benchmarks.peers.bare:app"), (_raw("/classify"),))
SERVERS = (
    WARDROBE,
    BARE,
    Peer(
        "fastapi",
        (*UVICORN, "tests.benchmarks.peers.fastapi_app:app"),
        (_raw("/raw"), _multipart("/multipart")),
    ),
    Peer(
        "bentoml-batchable",
        (*BENTOML, "tests.benchmarks.peers.bentoml_batchable:Batchable"),
        (Load("classify, multipart", "list", MULTIPART, "/classify"),),
        environment="",
    ),
    Peer(
        "bentoml-two-tiers",
        (*BENTOML, "tests.benchmarks.peers.bentoml_two_tiers:TwoTiers"),
        (_multipart("/classify"),),
        environment="",
    ),
    Peer(
        "bentoml-runner",
        (*BENTOML, "--api-workers", str(WORKERS), "tests.benchmarks.peers.bentoml_runner:svc"),
        (_raw("/classify"),),
        environment="runner",
    ),
    Peer(
        "litserve",
        ("{bin}/python", "-m", "tests.benchmarks.peers.litserve_app", "{port}"),
        (_multipart("/classify"),),
    ),
    Peer(
        "ray",
        ("{bin}/python", "-m", "tests.benchmarks.peers.ray_app", "{port}"),
        (_raw("/"),),
    ),
)


def write_bodies(folder: Path, images: torch.Tensor) -> None:
    """The requests' bodies, one a file, a folder a kind."""
    pngs = [_png(image) for image in images[:PICTURES].numpy()]
    calls = [pngs[start : start + PICTURES_A_CALL] for start in range(0, PICTURES, PICTURES_A_CALL)]
    blocks = images[:PICTURES].numpy().reshape(-1, PICTURES_A_CALL, *images.shape[1:])
    kinds = {
        "png": pngs,
        "form": [_form("image", [png]) for png in pngs],
        "list": [_form("images", [png]) for png in pngs],
        "forms": [_form("images", call) for call in calls],
        "array": [_npy(block) for block in blocks],
    }
    for kind, bodies in kinds.items():
        (folder / kind).mkdir(parents=True)
        for number, body in enumerate(bodies):
            (folder / kind / str(number)).write_bytes(body)
        names = "".join(f"{number}\n" for number in range(len(bodies)))
        (folder / kind / "index").write_text(names, encoding="utf-8")


def _png(image: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def _npy(images: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, images)
    return file.getvalue()


def _form(field: str, files: list[bytes]) -> bytes:
    parts = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
        f'name="{field}"; filename="{number}.png"\r\nContent-Type: image/png\r\n\r\n'.encode()
        + file
        + b"\r\n"
        for number, file in enumerate(files)
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def store_model(name: str) -> Path:
    """A version with random weights in the store of WARDROBE_HOME, and the same as a file.

    Speed does not depend on what the weights are.
    """
    dataset = fashion_mnist.load()
    torch.manual_seed(0)
    network = networks.build(name, len(dataset.class_names))
    metadata = {"network": name, "class_names": list(dataset.class_names), "accuracy": 0.1}
    versions.promote(versions.save(network, labels={}, metadata=metadata))
    weights = Path(os.environ["WARDROBE_HOME"]) / "weights.pt"
    torch.save(
        {
            "network": name,
            "weights": network.state_dict(),
            "class_names": list(dataset.class_names),
        },
        weights,
    )
    return weights


@contextmanager
def serving(peer: Peer, weights: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Starts a server and gives its address and first process; stops all of it afterwards."""
    port = free_port()
    folder = BENCH / peer.environment / "bin" if peer.environment else Path(sys.executable).parent
    command = [word.format(bin=folder, port=port) for word in peer.command]
    home = Path(os.environ["WARDROBE_HOME"])
    environment = {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "BENCH_WEIGHTS": str(weights),
        "BENTOML_HOME": str(home / "bentoml" / peer.name),
        "BENTOML_DO_NOT_TRACK": "True",
        "CLASSIFIER_WORKERS": str(WORKERS),
        "OMP_NUM_THREADS": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    log = home / f"{peer.name}.log"
    with log.open("wb") as output:
        process = psutil.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(peer, url, process, log)
        yield url, process
    finally:
        family = [*process.children(recursive=True), process] if process.is_running() else []
        for one in family[-1:]:
            one.terminate()
        _, alive = psutil.wait_procs(family, timeout=10)
        for one in alive:
            one.kill()
        psutil.wait_procs(alive, timeout=10)


def wait_until_ready(peer: Peer, url: str, process: psutil.Popen, log: Path) -> None:
    """Returns once the server answers a real request with 200."""
    load = peer.loads[0]
    body = (Path(os.environ["WARDROBE_HOME"]) / "bodies" / load.bodies / "0").read_bytes()
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            headers = {"Content-Type": load.content_type}
            if requests.post(url + load.path, data=body, headers=headers, timeout=5).ok:
                return
        except requests.RequestException:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{peer.name} does not answer:\n{log.read_text()[-3000:]}")
        time.sleep(0.01)


def drive(
    url: str, load: Load, clients: int, seconds: float, pause_ms: float | None = None
) -> dict[str, Any]:
    """wrk's figures for one load, and wrk's own share of a core as `generator_cpu`.

    `pause_ms` is how long each client waits on average before it asks again.
    """
    bodies = Path(os.environ["WARDROBE_HOME"]) / "bodies" / load.bodies
    command = [
        os.environ.get("WRK", "wrk"),
        "--threads",
        "1",
        "--connections",
        str(clients),
        "--timeout",
        "10",
    ]
    command += ["--duration", f"{seconds:g}s", "--script", str(SCRIPT), url + load.path, "--"]
    pause = {} if pause_ms is None else {"PAUSE_MS": str(pause_ms)}
    began = os.times()
    done = subprocess.run(
        [*command, str(bodies), load.content_type],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **pause},
    )
    ended = os.times()
    spent = ended.children_user + ended.children_system
    spent -= began.children_user + began.children_system
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    figures["generator_cpu"] = spent / (ended.elapsed - began.elapsed)
    return figures


def rss_mb(process: psutil.Process) -> float:
    """Memory of a server's processes together, in 10^6 bytes; shared pages count in each."""
    family = [process, *process.children(recursive=True)]
    return sum(one.memory_info().rss for one in family) / 1e6


def measure(
    rounds: int, seconds: float, clients: list[int], names: list[str], kinds: list[str]
) -> list[dict[str, Any]]:
    """Every server with every kind of network at every load, as often as there are rounds."""
    found: dict[tuple[str, str, str, int], list[dict[str, Any]]] = {}
    for number in range(rounds):
        for kind, peer in product(kinds, SERVERS):
            if peer.name not in names:
                continue
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
        "import sys, time, torch; from training import networks;"
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


@contextmanager
def prepared(network: str) -> Iterator[None]:
    """A state folder of its own, with a stored version of the network and the requests' bodies."""
    root = fashion_mnist.prepare()
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "data").symlink_to(root)
        os.environ["WARDROBE_HOME"] = home
        store_model(network)
        write_bodies(Path(home) / "bodies", fashion_mnist.load_test().images)
        yield


def main() -> None:
    """Measure, print, write."""
    names = os.environ.get("SERVERS", " ".join(peer.name for peer in SERVERS)).split()
    clients = [int(word) for word in os.environ.get("CLIENTS", "1 8 32 128").split()]
    kinds = os.environ.get("NETWORK", "mlp").split()
    with prepared(kinds[0]):
        rows = measure(
            int(os.environ.get("ROUNDS", "3")),
            float(os.environ.get("SECONDS", "4")),
            clients,
            names,
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
