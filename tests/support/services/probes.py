"""Clients that ask services without a break, and what they got."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

TIMEOUT_SECONDS = 5.0


@dataclass
class Probe:
    """Asks one thing every `pause` seconds; `ask` returns the answer or raises."""

    name: str
    ask: Callable[[], requests.Response]
    pause: float = 0.1
    failures: list[tuple[float, float, str]] = field(default_factory=list)
    """Of each failed call: when it began and ended (time.monotonic), and what came back."""
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Ask from now on."""
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()

    def since(self, began: float) -> "Seen":
        """What failed after a moment."""
        failed = [it for it in self.failures if it[1] >= began]
        return Seen(
            self.name, Counter(it[2] for it in failed), max((it[1] for it in failed), default=began)
        )

    def _run(self) -> None:
        while not self._stop.wait(self.pause):
            began = time.monotonic()
            try:
                answer = self.ask()
                words = "" if answer.ok else f"{answer.status_code} {_sentence(answer)}"
            except requests.Timeout:
                words = f"no answer in {TIMEOUT_SECONDS:.0f} s"
            except requests.RequestException:
                words = "no connection"
            if words:
                self.failures.append((began, time.monotonic(), words))


@dataclass(frozen=True)
class Seen:
    """What a probe saw fail: how often what came back, and when that ended."""

    name: str
    words: Counter[str]
    last_at: float


def _sentence(answer: requests.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:80]
