"""Sends cases to running services and keeps what is wrong with their answers and processes."""

import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import psutil

from tests.support.fuzz.cases import LIES, Case, Fuzzer, Known, Operation, operations
from tests.support.fuzz.client import Answer, send
from tests.support.processes import Server, page_token

SLOW_SECONDS = 5
_SAMPLE_SECONDS = 0.25
_NO_SENTENCE = (b"", b"Invalid HTTP request received.")
"""To HEAD, and uvicorn's answer to what is not HTTP: no route has seen the request."""
_KEPT = 200
"""Examples of one kind of finding."""


@dataclass
class Findings:
    """What a session found; each example says its case, so that it can be sent again."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    server_errors: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    without_sentence: list[str] = field(default_factory=list)
    stated_limits: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def add(self, case: Case, answer: Answer) -> None:
        """Count an answer, and keep it if something is wrong with it."""
        self.statuses[case.operation, answer.status] += 1
        self.seconds.append(answer.seconds)
        words = f"{case} -> {answer.status} after {answer.seconds:.1f} s: {answer.body[:120]!r}"
        if answer.status in (429, 503, 504) and answer.sentence:
            self.stated_limits[f"{answer.status} {answer.sentence}"] += 1
        elif answer.status >= 500:
            _keep(self.server_errors, words)
        elif answer.status == 0 and case.framing not in LIES:
            _keep(self.unanswered, words)
        elif answer.status >= 400 and not answer.sentence and answer.body not in _NO_SENTENCE:
            _keep(self.without_sentence, words)
        if answer.seconds > SLOW_SECONDS:
            _keep(self.slow, words)


def _keep(examples: list[str], words: str) -> None:
    if len(examples) < _KEPT:
        examples.append(words)


class Watch:
    """Follows the processes of servers: who they are, and the most memory of each worker."""

    def __init__(self, servers: dict[str, Server]) -> None:
        self._parents = {name: psutil.Process(it.process.pid) for name, it in servers.items()}
        self._logs = {name: it.log for name, it in servers.items()}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.before = self.pids()
        self.peak_mb: dict[tuple[str, int], float] = {}

    def pids(self) -> dict[str, list[int]]:
        """Process and workers of each server; not what a worker starts: runs and the shadow."""
        return {
            name: [parent.pid, *sorted(child.pid for child in parent.children())]
            for name, parent in self._parents.items()
        }

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            for name, pids in self.pids().items():
                for pid in pids:
                    try:
                        size = psutil.Process(pid).memory_info().rss / 1e6
                    except psutil.NoSuchProcess:
                        continue
                    self.peak_mb[name, pid] = max(size, self.peak_mb.get((name, pid), 0))

    def tracebacks(self) -> dict[str, list[str]]:
        """The last line of each traceback in the logs."""
        return {name: _tracebacks(log) for name, log in self._logs.items()}

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()


def _tracebacks(log: Path) -> list[str]:
    text = log.read_text(errors="replace")
    found = re.findall(r"Traceback \(most recent call last\):\n(?:[ |].*\n|\n)*(.*)", text)
    return found if found or "Traceback" not in text else ["Traceback"]


class Session:
    """Running services, the calls that they describe, and what valid requests can name."""

    def __init__(self, servers: dict[str, Server]) -> None:
        self.servers = servers
        token = page_token(servers["trainer"].url)
        self.headers = [("Authorization", f"Bearer {token}")]
        self.findings = Findings()

    def calls(self) -> list[Operation]:
        """The calls in the documents of all services."""
        return [
            call
            for name, server in self.servers.items()
            for call in operations(name, server.get("/docs.json"))
        ]

    def known(self) -> Known:
        """What is stored now."""
        trainer = self.servers["trainer"]
        tags = [it["tag"].partition(":")[2] for it in trainer.get("/models")["models"]]
        runs = [it["run_id"] for it in trainer.get("/runs")["runs"]]
        rows = [it["id"] for it in trainer.get("/corrections?limit=20")["corrections"]]
        return Known(tuple(tags) or ("none",), tuple(runs) or ("none",), tuple(rows) or (1,))

    async def run(self, fuzzer: Fuzzer, indices: Iterable[int], clients: int) -> None:
        """Send the cases with these numbers, `clients` at a time."""
        numbers = iter(indices)

        async def client() -> None:
            for index in numbers:
                case = fuzzer.case(index)
                answer = await send(case, self.servers[case.service].url, self.headers)
                self.findings.add(case, answer)
                if case.operation == "start_run" and answer.status == 201:
                    await asyncio.to_thread(self._cancel, answer)

        await asyncio.gather(*(client() for _ in range(clients)))

    def _cancel(self, answer: Answer) -> None:
        """End a run that a request started: this is no load test of training."""
        run_id = json.loads(answer.body)["run_id"]
        self.servers["trainer"].post(f"/runs/{run_id}/cancel")
