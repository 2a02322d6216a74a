"""Kill and stop each process of a real stack under light load: make bench-chaos.

Starts everything in a temporary WARDROBE_HOME, on a tmpfs of 100 MB if it may mount one, and
prints a table in Markdown: what clients saw, how long until all was back, and whether a correction
was lost that had been acknowledged. PARTS="kill stop disk" chooses some of it, and SECONDS how long
a process is stopped.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

import psutil
import requests
from PIL import Image

from tests.support.processes import ROOT, Home, answers, free_port, living, wait_for
from tests.support.services.probes import TIMEOUT_SECONDS, Probe

STOP_SECONDS = float(os.environ.get("SECONDS") or 20)
SETTLE_SECONDS = 10
DISK_MB = 100
NAMES = ("classifier", "trainer", "prometheus", "app")
SHADOW, RUN = "service.shadow.worker", "training.train"


class Stack:
    """The launcher with all processes on a state folder, and clients that use them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ports = {name: free_port() for name in NAMES}
        self.acknowledged: dict[int, int] = {}
        self.log = home.parent / "output"
        self._random = random.Random(0)
        self._process: subprocess.Popen[bytes] | None = None
        self.probes: list[Probe] = []

    @property
    def environment(self) -> dict[str, str]:
        ports = {f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        return os.environ | ports | {"WARDROBE_HOME": str(self.home), "TRAIN_FIRST_MODEL": "0"}

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "launcher"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
            )
        wait_for(lambda: b"Wardrobe is ready" in self.log.read_bytes(), 120, "the stack")

    def stop(self) -> float:
        """Stop everything; return the seconds it took."""
        began = time.monotonic()
        command = [sys.executable, "-m", "launcher", "stop"]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True)
        if self._process:
            self._process.wait()
        return time.monotonic() - began

    def call(self, method: str, name: str, path: str, **request: object) -> requests.Response:
        url = f"http://127.0.0.1:{self.ports[name]}{path}"
        return requests.request(
            method,
            url,
            timeout=TIMEOUT_SECONDS,
            headers=self._headers(),
            **request,  # type: ignore[arg-type]
        )

    def _headers(self) -> dict[str, str]:
        with suppress(OSError, ValueError):
            token = json.loads((self.home / "tokens.json").read_text())["operator"]
            return {"Authorization": f"Bearer {token}"}
        return {}

    def picture(self) -> bytes:
        file = BytesIO()
        pixels = self._random.randbytes(784)
        Image.frombytes("L", (28, 28), pixels).save(file, "PNG")
        return file.getvalue()

    def classify(self) -> requests.Response:
        return self.call("POST", "classifier", "/classify", files={"image": self.picture()})

    def correct(self) -> requests.Response:
        form = {"label": self._random.choice(("Bag", "Coat", "Shirt"))}
        files = {"image": ("a.png", self.picture(), "image/png")}
        answer = self.call("POST", "trainer", "/corrections", files=files, data=form)
        if answer.ok:
            self.acknowledged[int(answer.json()["id"])] = 1
        return answer

    def load(self) -> None:
        self.probes = [
            Probe("classify", self.classify, 0.05),
            Probe("classify, 2nd client", self.classify, 0.05),
            Probe("correct", self.correct, 0.1),
            Probe("trainer", lambda: self.call("GET", "trainer", "/runs"), 0.2),
            Probe("page", lambda: self.call("GET", "app", "/_stcore/health"), 0.2),
            Probe("Prometheus", lambda: self.call("GET", "prometheus", "/-/ready"), 0.2),
        ]
        for probe in self.probes:
            probe.start()

    def lost(self) -> int:
        """Acknowledged corrections that the trainer does not have."""
        expected, found, after = set(self.acknowledged), set[int](), 0
        while True:
            path = f"/corrections?limit=500&after={after}"
            page = self.call("GET", "trainer", path).json()
            found |= {it["id"] for it in page["corrections"]}
            if page["next"] is None:
                return len(expected - found)
            after = page["next"]

    def parent(self, name: str) -> psutil.Process:
        assert self._process is not None
        ours = {it.pid for it in living(self.home, name)}
        return next(it for it in psutil.Process(self._process.pid).children() if it.pid in ours)

    def workers(self, name: str) -> list[psutil.Process]:
        found = [it for it in self.parent(name).children() if "worker" in " ".join(it.cmdline())]
        return sorted(found, key=lambda it: it.pid)

    def running(self, module: str) -> psutil.Process:
        """A process that runs this module; it is started if there is none."""
        if module == SHADOW:
            models = self.call("GET", "trainer", "/models").json()["models"]
            version = next(it["version"] for it in models if not it["champion"])
            self.call("PUT", "trainer", "/shadow", json={"version": version})
        elif not self.find(module):
            self.call("POST", "trainer", "/runs", json={"recipe": "standard", "epochs": 30})
        wait_for(lambda: self.find(module), 30, module)
        time.sleep(3)
        return self.find(module)[0]

    def find(self, module: str) -> list[psutil.Process]:
        return [it for it in living(self.home) if module in it.cmdline()]


def targets(stack: Stack) -> dict[str, Callable[[], psutil.Process]]:
    """What is killed and stopped, by its name in the table."""
    return {
        "classifier, one worker": lambda: stack.workers("classifier")[0],
        "classifier, the other worker": lambda: stack.workers("classifier")[1],
        "classifier, parent": lambda: stack.parent("classifier"),
        "trainer, worker": lambda: stack.workers("trainer")[0],
        "trainer, parent": lambda: stack.parent("trainer"),
        "Prometheus": lambda: stack.parent("prometheus"),
        "page": lambda: stack.parent("app"),
        "shadow": lambda: stack.running(SHADOW),
        "training run": lambda: stack.running(RUN),
    }


def row(stack: Stack, what: str, began: float, ended: float, words: str = "") -> None:
    """Print a line: what failed since `began`, and until how long after `ended`."""
    seen = [it for probe in stack.probes if (it := probe.since(began)).words]
    back = max((it.last_at - ended for it in seen), default=0.0)
    parts = [
        f"{it.name}: " + ", ".join(f"{count} x {text}" for text, count in it.words.most_common(3))
        for it in seen
    ]
    told = "; ".join([*parts, words] if words else parts) or "nothing"
    lost = stack.lost()
    print(
        f"| {what} | {told} | {max(back, 0):.1f} | {len(stack.acknowledged)} | {lost} |", flush=True
    )


def kill_each(stack: Stack) -> None:
    for name, find in targets(stack).items():
        process = find()
        began = time.monotonic()
        process.kill()
        time.sleep(SETTLE_SECONDS)
        row(stack, f"kill -9: {name}", began, began, run_words(stack, name))


def stop_each(stack: Stack) -> None:
    for name, find in targets(stack).items():
        if "other" in name:
            continue
        process = find()
        began = time.monotonic()
        process.suspend()
        time.sleep(STOP_SECONDS)
        with suppress(psutil.NoSuchProcess):
            process.resume()
        ended = time.monotonic()
        time.sleep(SETTLE_SECONDS)
        row(stack, f"SIGSTOP {STOP_SECONDS:.0f} s: {name}", began, ended, run_words(stack, name))


def run_words(stack: Stack, name: str) -> str:
    if name != "training run":
        return ""
    run = stack.call("GET", "trainer", "/runs").json()["runs"][0]
    return f"the run is {run['state']}: {run['error'] or run['phase']}"


def fill_disk(stack: Stack) -> None:
    filler = stack.home / "filler"
    began = time.monotonic()
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    time.sleep(SETTLE_SECONDS)
    run = stack.call("POST", "trainer", "/runs", json={"recipe": "quick"})
    stack.workers("trainer")[0].kill()
    stack.workers("classifier")[0].kill()
    time.sleep(SETTLE_SECONDS)
    problems = stack.call("GET", "trainer", "/problems").json()["problems"]
    filler.unlink()
    ended = time.monotonic()
    time.sleep(SETTLE_SECONDS)
    words = [f"POST /runs: {run.status_code} {run.text[:120]}", *(it["error"] for it in problems)]
    row(stack, f"full disk ({DISK_MB} MB), workers killed on it", began, ended, "; ".join(words))


def read_only(stack: Stack) -> None:
    """Start on a read-only folder: the launcher refuses, the classifier alone serves."""
    subprocess.run(["mount", "-o", "remount,ro", str(stack.home)], check=True)
    refused = subprocess.run(
        [sys.executable, "-m", "launcher"],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    print(f"| read-only folder: make run | {refused.stderr.strip()[-300:]} | | | |", flush=True)
    port = str(stack.ports["classifier"])
    with (
        tempfile.TemporaryDirectory() as own,
        (stack.home.parent / "read-only.log").open("wb") as log,
    ):
        serve = ("-m", "bentoml", "serve", "service.classifier:Classifier", "--port", port)
        environment = stack.environment | {"BENTOML_HOME": own}
        process = subprocess.Popen(
            [sys.executable, *serve], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/livez"), 60, "the classifier")
        time.sleep(3)
        answer = stack.classify()
        process.terminate()
        process.wait()
    print(f"| read-only folder: the classifier | {answer.status_code} {answer.text[:60]} | | | |")
    subprocess.run(["mount", "-o", "remount,rw", str(stack.home)], check=True)


@contextmanager
def state_folder() -> Iterator[tuple[Path, bool]]:
    """A folder with two versions and WARDROBE_HOME's data, and whether it is a small disk."""
    source = Path(os.environ.get("WARDROBE_HOME") or ROOT / ".wardrobe")
    with tempfile.TemporaryDirectory(prefix="wardrobe-chaos-") as scratch:
        home = Path(scratch) / "state"
        home.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(home)]
        mounted = os.getuid() == 0 and subprocess.run(mount, check=False).returncode == 0
        try:
            (home / "data").symlink_to((source / "data").resolve())
            for seed in ("0", "1"):
                trained = Home(home).train("--recipe", "quick", "--epochs", "1", "--seed", seed)
                assert trained.returncode == 0, trained.stderr
            yield home, mounted
        finally:
            if mounted:
                subprocess.run(["umount", "--lazy", str(home)], check=False)


def main() -> None:
    """Run the parts, one after the other."""
    parts = (os.environ.get("PARTS") or "kill stop disk").split()
    with state_folder() as (home, is_small_disk):
        stack = Stack(home)
        try:
            stack.start()
            stack.load()
            time.sleep(5)
            print("| what | seen by clients | back after, s | corrections acknowledged | lost |")
            print("|---|---|---|---|---|")
            if "kill" in parts:
                kill_each(stack)
            if "stop" in parts:
                stop_each(stack)
            if "disk" in parts and is_small_disk:
                fill_disk(stack)
            for probe in stack.probes:
                probe.stop()
            print(f"| stop everything | {stack.stop():.1f} s | | | |")
            if "disk" in parts and is_small_disk:
                read_only(stack)
        finally:
            with suppress(subprocess.CalledProcessError):
                stack.stop()
            sys.stderr.write(stack.log.read_text(errors="replace")[-4000:])


if __name__ == "__main__":
    main()
