"""Asks for market metrics from a process of its own: `python -m benchmarks.metrics_load URL --requests N --rate R`.

One connection, all four routes in turn, each request at its due time; what is measured is from due to the last byte.
Prints p50 and p99 of each route as one line of JSON.
"""

import argparse
import ctypes
import json
import socket
import sys
import time
from urllib.parse import urlsplit

from benchmarks.load import PR_SET_TIMERSLACK
from benchmarks.measure import latency

ROUTES = {
    "depth": "/api/v1/metrics/depth/C{:03}USDT",
    "pressure": "/api/v1/metrics/pressure/C{:03}USDT?timeframe=15m",
    "summary": "/api/v1/metrics/summary",
    "all": "/api/v1/metrics/all?limit=200&sort_by=pressure&sort_order=desc",
}


class Client:
    """The least of an HTTP client: one connection that stays, and answers of known length."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname or "127.0.0.1", address.port or 0))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._receive()
        head = data[:end].lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = data[end + 4 :]
        while len(body) < length:
            body += self._receive()
        return int(head.split(b" ", 2)[1]), body

    def _receive(self) -> bytes:
        data = self._socket.recv(262_144)
        if not data:
            raise ConnectionError("the server hung up")
        return data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--requests", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--symbols", type=int, required=True)
    options = parser.parse_args()
    client = Client(options.url)
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    taken: dict[str, list[int]] = {name: [] for name in ROUTES}
    names = list(ROUTES)
    start, step = time.monotonic_ns() + 100_000_000, 1e9 / options.rate
    for number in range(options.requests):
        due = start + int(number * step)
        wait = due - time.monotonic_ns()
        if wait > 0:
            time.sleep(wait / 1e9)
        name = names[number % len(names)]
        status, _ = client.get(ROUTES[name].format(number // len(names) % options.symbols))
        if status != 200:
            raise SystemExit(f"{name} answered {status}")
        taken[name].append(time.monotonic_ns() - due)
    sys.stdout.write(json.dumps({name: latency(values) for name, values in taken.items()}) + "\n")


if __name__ == "__main__":
    main()
