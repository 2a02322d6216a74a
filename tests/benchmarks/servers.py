"""The servers that the benchmarks compare, how each is started, and the load that wrk sends."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import requests
import torch

from tests.benchmarks.request_bodies import MULTIPART, NPY, PICTURES_A_CALL, PNG, write_bodies
from tests.support.processes import ROOT, free_port
from training.data import fashion_mnist
from training.model import networks
from training.store import versions

BENCH = ROOT / ".bench"
LOAD_SCRIPT = Path(__file__).with_name("load.lua")

WORKERS = 2
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
    """A server: how it is started, on {port} and in `folder`, and what it is asked."""

    name: str
    command: tuple[str, ...]
    loads: tuple[Load, ...]
    environment: str = "peers"
    folder: Path = ROOT


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


def with_baseline(checkout: str | None) -> tuple[Peer, ...]:
    """Return all servers, and the classifier of another checkout beside ours if there is one."""
    if checkout is None:
        return SERVERS
    before = replace(WARDROBE, name="wardrobe-before", folder=Path(checkout).resolve())
    return (WARDROBE, before, *SERVERS[1:])


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
        "PYTHONPATH": str(peer.folder),
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
            command, cwd=peer.folder, env=environment, stdout=output, stderr=subprocess.STDOUT
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
    command += ["--duration", f"{seconds:g}s", "--script", str(LOAD_SCRIPT), url + load.path, "--"]
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
