"""Load burst: many concurrent requests from one click, so that batching can be watched."""

import io
import statistics
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle, islice

import requests
from PIL import Image, ImageDraw

from app.components.pad.samples import SAMPLES

MAX_REQUESTS = 5000
MAX_SECONDS = 60
MAX_CONCURRENCY = 64
TIMEOUT_SECONDS = (2.0, 15.0)
PAD_SIZE = 448
IMAGE_SIZE = 28

LOAD_TEST = {"Wardrobe-Load-Test": "1"}
"""Tells the classifier to leave the pictures out of the metrics of the model's health."""


@dataclass(frozen=True)
class Report:
    """The outcomes of a burst so far.

    `progress` is 0..1. `p50` and `p95` are the latency in seconds as the client measures it, None
    before the first response.
    """

    progress: float
    done: int
    answered: int  # 200
    rejected: int  # 4xx
    failed: int  # 5xx, or no answer in time
    seconds: float
    p50: float | None
    p95: float | None
    first_error: str | None
    running: bool

    @property
    def per_second(self) -> float:
        """Throughput: finished requests per second, whatever their outcome."""
        return self.done / self.seconds if self.seconds else 0.0


@dataclass
class _Outcomes:
    """The outcomes so far; `lock` protects the other fields."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    codes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    first_error: str | None = None
    ended: float = 0.0


class Burst:
    """Sends requests to /classify, `concurrency` of them in flight, in its own threads.

    It ends after `total` requests or after `seconds`; one of the two is given. `headers` are sent
    with each: the threads have no visitor of their own.

    Raises ValueError unless these are 1 to MAX_REQUESTS or MAX_SECONDS, and 1 to MAX_CONCURRENCY.
    """

    def __init__(
        self,
        classifier_url: str,
        *,
        total: int | None = None,
        seconds: int | None = None,
        concurrency: int,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        length, most = (total, MAX_REQUESTS) if seconds is None else (seconds, MAX_SECONDS)
        has_one_end = length is not None and (total is None or seconds is None)
        if not (has_one_end and 1 <= (length or 0) <= most and 1 <= concurrency <= MAX_CONCURRENCY):
            raise ValueError(
                f"A burst has 1 to {MAX_REQUESTS} requests or takes 1 to {MAX_SECONDS} seconds, "
                f"with 1 to {MAX_CONCURRENCY} requests at once."
            )
        self._url = f"{classifier_url.rstrip('/')}/classify"
        self._headers = {**(headers or {}), **LOAD_TEST, "Content-Type": "image/png"}
        self._total, self._seconds = total, seconds
        self._todo: Iterator[bytes] = islice(cycle(drawings()), total)
        self._outcomes = _Outcomes()
        self._began = time.perf_counter()
        self._threads = [
            threading.Thread(target=self._work, daemon=True)
            for _ in range(min(concurrency, total or concurrency))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no more requests; those in flight still end."""
        with self._outcomes.lock:
            self._todo = iter(())

    def wait(self) -> None:
        """Block until every request has ended."""
        for thread in self._threads:
            thread.join()

    def report(self) -> Report:
        """The progress at this moment."""
        running = any(thread.is_alive() for thread in self._threads)
        with self._outcomes.lock:
            codes = list(self._outcomes.codes)
            latencies = list(self._outcomes.seconds)
            first_error = self._outcomes.first_error
            until = time.perf_counter() if running else self._outcomes.ended
        several = len(latencies) > 1
        percentiles = statistics.quantiles(latencies, n=20) if several else latencies * 19
        answered = codes.count(200)
        rejected = sum(400 <= code < 500 for code in codes)
        seconds = max(until - self._began, 0.0)
        parts, whole = (
            (len(codes), self._total) if self._total else (seconds, float(self._seconds or 1))
        )
        return Report(
            progress=min(parts / whole, 1.0),
            done=len(codes),
            answered=answered,
            rejected=rejected,
            failed=len(codes) - answered - rejected,
            seconds=seconds,
            p50=percentiles[9] if percentiles else None,
            p95=percentiles[18] if percentiles else None,
            first_error=first_error,
            running=running,
        )

    def _work(self) -> None:
        with requests.Session() as session:
            session.trust_env = False  # as in app.clients.http
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
        if self._seconds and time.perf_counter() - self._began >= self._seconds:
            return None
        with self._outcomes.lock:
            return next(self._todo, None)

    def _send(self, session: requests.Session, picture: bytes) -> tuple[int, str | None]:
        """Send one request: its code (0: no response), and a message unless it succeeded."""
        try:
            response = session.post(
                self._url, data=picture, headers=self._headers, timeout=TIMEOUT_SECONDS
            )
        except requests.Timeout:
            return 0, "The classifier did not answer in time."
        except requests.RequestException:
            return 0, f"The classifier does not answer at {self._url}."
        return response.status_code, None if response.ok else _error_message(response)


def _error_message(response: requests.Response) -> str:
    """The service's own message for a request that failed."""
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"The classifier answered with code {response.status_code}."


def drawings() -> list[bytes]:
    """The pad's sample drawings as 28x28 grey PNG files, the model's own input format."""
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
