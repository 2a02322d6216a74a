"""A scan with distinct paths, methods and content types: what it leaves in the memory of a service.

    python -m tests.benchmarks.scan http://127.0.0.1:3000 [REQUESTS]

Sends 100,000 requests on 16 connections, and prints before, right after and 70 s after them: the
resident memory of the service's largest worker (MB), the lines of `/metrics`, and the duration of a
scrape (ms, median of five). The service has to run on this machine.
"""

import asyncio
import statistics
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

import psutil
import requests

CONNECTIONS = 16
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE")
PATHS = ("/{0}", "/wp-admin/{0}.php", "/runs/{0}", "/corrections/{0}", "/models/{0}/report")
COOL_DOWN_SECONDS = 70
"""BentoML keeps a timer of each request for the service's time limit: 60 s, for the trainer."""


def state(url: str) -> str:
    """Measure a service now."""
    seconds = []
    for _ in range(5):
        began = time.monotonic()
        text = requests.get(f"{url}/metrics", timeout=60).text
        seconds.append(time.monotonic() - began)
    return (
        f"{_memory(urlsplit(url).port or 80) / 1e6:7.1f} MB  {len(text.splitlines()):6} lines  "
        f"{statistics.median(seconds) * 1000:6.1f} ms"
    )


def _memory(port: int) -> int:
    listening = {
        it.pid
        for it in psutil.net_connections("tcp")
        if it.status == psutil.CONN_LISTEN and it.pid and it.laddr and it.laddr.port == port
    }
    return max(psutil.Process(pid).memory_info().rss for pid in listening)


async def scan(url: str, first: int, count: int) -> Counter[str]:
    """Send requests with numbers in them. Returns their status codes."""
    address = urlsplit(url)
    numbers = iter(range(first, first + count))
    codes: Counter[str] = Counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for number in numbers:
            method = METHODS[number % len(METHODS)]
            path = PATHS[number // len(METHODS) % len(PATHS)].format(number)
            writer.write(
                f"{method} {path}?x={number} HTTP/1.1\r\nHost: {address.netloc}\r\n"
                f"Content-Type: x/{number}\r\nContent-Length: 0\r\n\r\n".encode()
            )
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            codes[head[9:12].decode()] += 1
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            if method != "HEAD" and length:
                await reader.readexactly(int(length))
            if b"connection: close" in head:
                writer.close()
                reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.close()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return codes


def main() -> None:
    """Scan the service at the address of the command line."""
    url = sys.argv[1].rstrip("/")
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    asyncio.run(scan(url, 0, 1000))
    print("after 1,000 requests   ", state(url))
    began = time.monotonic()
    codes = asyncio.run(scan(url, 1000, count))
    seconds = time.monotonic() - began
    print(f"after {count:,} more      ", state(url), f" ({count / seconds:,.0f} a second)")
    time.sleep(COOL_DOWN_SECONDS)
    print(f"{COOL_DOWN_SECONDS} s later             ", state(url))
    print("answers:", dict(codes))


if __name__ == "__main__":
    main()
