"""Many requests at once, sent by one person's click, so that batches can be seen to grow."""

import io
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice

import requests
from PIL import Image, ImageDraw

from app.components.pad.samples import SAMPLES

MOST_REQUESTS = 5000
MOST_AT_ONCE = 64
TIMEOUT_SECONDS = (2.0, 15.0)
PAD_SIZE = 448
IMAGE_SIZE = 28


@dataclass(frozen=True)
class Report:
    """How a burst stands. The seconds are those that the client waited, None before any answer."""

    total: int
    done: int
    answered: int  # 200
    refused: int  # 4xx
    failed: int  # 5xx, or no answer in time
    seconds: float
    p50: float | None
    p95: float | None
    first_error: str | None
    running: bool

    @property
    def per_second(self) -> float:
        """Requests that ended, whatever way, per second."""
        return self.done / self.seconds if self.seconds else 0.0


@dataclass
class _Outcomes:
    """What came back so far; `lock` guards the rest."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    codes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    first_error: str | None = None
    ended: float = 0.0


class Burst:
    """`total` requests to /classify, `at_once` of them in flight, in threads of their own.

    Raises ValueError where a number is not 1 to MOST_REQUESTS, or 1 to MOST_AT_ONCE.
    """

    def __init__(self, classifier_url: str, *, total: int, at_once: int) -> None:
        if not (1 <= total <= MOST_REQUESTS and 1 <= at_once <= MOST_AT_ONCE):
            raise ValueError(
                f"A burst has 1 to {MOST_REQUESTS} requests, 1 to {MOST_AT_ONCE} at once."
            )
        self._url = f"{classifier_url.rstrip('/')}/classify"
        self._total = total
        self._todo: Iterator[bytes] = islice(cycle(drawings()), total)
        self._outcomes = _Outcomes()
        self._began = time.perf_counter()
        self._threads = [
            threading.Thread(target=self._work, daemon=True) for _ in range(min(at_once, total))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no more; what is in flight still ends."""
        with self._outcomes.lock:
            self._todo = iter(())

    def wait(self) -> None:
        """Return when every request has ended."""
        for thread in self._threads:
            thread.join()

    def report(self) -> Report:
        """How it stands now."""
        running = any(thread.is_alive() for thread in self._threads)
        with self._outcomes.lock:
            codes = list(self._outcomes.codes)
            waited = list(self._outcomes.seconds)
            first_error = self._outcomes.first_error
            until = time.perf_counter() if running else self._outcomes.ended
        percentiles = statistics.quantiles(waited, n=20) if len(waited) > 1 else waited * 19
        answered = codes.count(200)
        refused = sum(400 <= code < 500 for code in codes)
        return Report(
            total=self._total,
            done=len(codes),
            answered=answered,
            refused=refused,
            failed=len(codes) - answered - refused,
            seconds=max(until - self._began, 0.0),
            p50=percentiles[9] if percentiles else None,
            p95=percentiles[18] if percentiles else None,
            first_error=first_error,
            running=running,
        )

    def _work(self) -> None:
        with requests.Session() as session:
            while (picture := self._next()) is not None:
                began = time.perf_counter()
                code, error = self._send(session, picture)
                ended = time.perf_counter()
                with self._outcomes.lock:
                    self._outcomes.codes.append(code)
                    self._outcomes.seconds.append(ended - began)
                    self._outcomes.ended = ended
                    self._outcomes.first_error = self._outcomes.first_error or error

    def _next(self) -> bytes | None:
        with self._outcomes.lock:
            return next(self._todo, None)

    def _send(self, session: requests.Session, picture: bytes) -> tuple[int, str | None]:
        """One request: its code (0: no answer), and a sentence unless it went well."""
        headers = {"content-type": "image/png"}
        try:
            answer = session.post(self._url, data=picture, headers=headers, timeout=TIMEOUT_SECONDS)
        except requests.Timeout:
            return 0, "The classifier did not answer in time."
        except requests.RequestException:
            return 0, f"The classifier does not answer at {self._url}."
        return answer.status_code, None if answer.ok else _sentence(answer)


def _sentence(answer: requests.Response) -> str:
    """Why a request was turned down, in the service's own words."""
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"The classifier answered with code {answer.status_code}."


def drawings() -> list[bytes]:
    """The pad's drawings to try, as the 28x28 grey PNG files that the model is made for."""
    return [_drawing(sample["strokes"]) for sample in SAMPLES]


def _drawing(strokes: list[dict[str, object]]) -> bytes:
    image = Image.new("L", (PAD_SIZE, PAD_SIZE))
    pencil = ImageDraw.Draw(image)
    for stroke in strokes:
        if stroke["fill"]:
            pencil.polygon(stroke["points"], fill=stroke["shade"])  # type: ignore[arg-type]
        pencil.line(stroke["points"], fill=stroke["shade"], width=stroke["size"])  # type: ignore[arg-type]
    file = io.BytesIO()
    image.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.LANCZOS).save(file, "PNG")
    return file.getvalue()
