"""Hostile clients, and what a good one notices of them.

    python -m tests.benchmarks.hostile [http://127.0.0.1:3000]

500 clients send a byte a second for 60 s, half of them headers, half of them bodies; they connect
again when they are cut off. Then 50 clients send pictures of 10 MB at the same time. Prints for
each part, and for the time before and after: the answers and the p99 (ms) of a good client, and the
most memory (MB) that a worker had. The classifier has to run on this machine.
"""

import asyncio
import contextlib
import io
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Iterator
from urllib.parse import SplitResult, urlsplit

import numpy as np
import psutil
import requests
from PIL import Image

from tests.support.pictures import encoded, shoe

SLOW_CLIENTS, SLOW_SECONDS = 500, 60
LARGE_CLIENTS, LARGE_BYTES = 50, 10_000_000
GOOD_SECONDS = 0.05
"""Time between two requests of the good client."""


class Good:
    """A good client in a thread, and a look at the workers' memory after each of its requests."""

    def __init__(self, url: str) -> None:
        self.codes: Counter[int | str] = Counter()
        self.seconds: list[float] = []
        self.memory = 0
        self._url = url
        self._workers = workers(url)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Good":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        with requests.Session() as session:
            while not self._stop.wait(GOOD_SECONDS):
                began = time.monotonic()
                try:
                    files = {"image": encoded(shoe())}
                    url = f"{self._url}/classify"
                    self.codes[session.post(url, files=files, timeout=30).status_code] += 1
                except requests.RequestException as error:
                    self.codes[type(error).__name__] += 1
                self.seconds.append(time.monotonic() - began)
                self.memory = max(self.memory, *(it.memory_info().rss for it in self._workers))

    def __str__(self) -> str:
        p99 = sorted(self.seconds)[int(len(self.seconds) * 0.99)]
        answers = dict(self.codes)
        return f"{answers}, p99 {p99 * 1000:.0f} ms, {self.memory / 1e6:.0f} MB a worker"


def workers(url: str) -> list[psutil.Process]:
    """The workers of the service at an address."""
    here = [
        worker["worker"] for worker in requests.get(f"{url}/model", timeout=30).json()["workers"]
    ]
    return [psutil.Process(int(name.rpartition("-")[2])) for name in here]


async def trickle(address: SplitResult, number: int, end: float, cut: Counter[str]) -> None:
    """Send a byte a second, headers or a body, and again when cut off."""
    start = b"POST /classify HTTP/1.1\r\nHost: localhost\r\nX-Padding: "
    if number % 2:
        start = start[:-11] + b"Content-Type: image/png\r\nContent-Length: 100000\r\n\r\n"
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(start)
            while time.monotonic() < end and not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    answer = await asyncio.wait_for(reader.read(1000), 1)
                    cut[answer[9:12].decode() or "closed"] += 1
                    break
            writer.close()


async def send_large(address: SplitResult, picture: bytes, codes: Counter[str]) -> None:
    """Send one large picture."""
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"POST /classify HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: image/png\r\n"
    writer.write(f"{head}Content-Length: {len(picture)}\r\n\r\n".encode())
    with contextlib.suppress(OSError):
        writer.write(picture)
        await writer.drain()
    codes[(await reader.read(1000))[9:12].decode() or "closed"] += 1
    writer.close()


async def all_of(tasks: Iterator[Awaitable[None]]) -> None:
    """Run tasks at the same time."""
    await asyncio.gather(*tasks)


def large_picture() -> bytes:
    """Build a PNG of nearly LARGE_BYTES: noise, which does not shrink."""
    side = int((LARGE_BYTES / 3.02) ** 0.5)
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG", compress_level=1)
    return file.getvalue()


def main() -> None:
    """Attack the classifier at the address of the command line."""
    url = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000").rstrip("/")
    address, before = urlsplit(url), workers(url)
    with Good(url) as good:
        time.sleep(10)
    print("before:        ", good)
    cut: Counter[str] = Counter()
    with Good(url) as good:
        end = time.monotonic() + SLOW_SECONDS
        asyncio.run(all_of(trickle(address, it, end, cut) for it in range(SLOW_CLIENTS)))
    print(f"{SLOW_CLIENTS} slow clients:", good, "| they:", dict(cut))
    codes: Counter[str] = Counter()
    picture = large_picture()
    with Good(url) as good:
        asyncio.run(all_of(send_large(address, picture, codes) for _ in range(LARGE_CLIENTS)))
    print(f"{LARGE_CLIENTS} x {len(picture) / 1e6:.1f} MB:  ", good, "| they:", dict(codes))
    with Good(url) as good:
        time.sleep(10)
    print("after:         ", good)
    print("the same workers:", workers(url) == before)


if __name__ == "__main__":
    main()
