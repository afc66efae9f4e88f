"""Sends market messages to NATS from a process of its own, as fast as they are taken or each at its due time.

`python -m benchmarks.load URL --kind mix --count N [--rate PER_SECOND]`. A message carries the time at which it was
due, not the time at which it left, so that a sender or reader that falls behind shows in the latency and hides
nothing. It speaks the NATS protocol over a plain socket: the load must cost less than what it loads.
"""

import argparse
import ctypes
import json
import socket
import sys
import time
from urllib.parse import urlsplit

from benchmarks.frames import frames
from benchmarks.measure import latency
from petrosa.adapters.wire.envelope import Wrapper
from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.subjects import MARKET

ACKS = "bench.acks"
ACK_EVERY = 5_000
AHEAD = 4 * ACK_EVERY
"""A flood stays at most so many messages ahead of the reader's acknowledgements: nothing is dropped on the way."""

STAMP = b'"ts_seen_ns":'
STAMP_DIGITS = 19
DISTINCT = 5_000
PR_SET_TIMERSLACK = 29


class Connection:
    """The least of a NATS client: publish, and hear one subject."""

    def __init__(self, url: str, hear: str = "") -> None:
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname or "127.0.0.1", address.port or 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        hello = b'CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"1"}\r\n'
        self.socket.sendall(hello + (f"SUB {hear} 1\r\n".encode() if hear else b"") + b"PING\r\n")
        while b"PONG\r\n" not in self._rest:
            self._rest += self.socket.recv(65_536)
        self._rest = self._rest.partition(b"PONG\r\n")[2]

    def messages(self) -> list[bytes]:
        """Wait for bytes and return the payloads that are whole."""
        data = self._rest + self.socket.recv(262_144)
        found, at = [], 0
        while (end := data.find(b"\r\n", at)) >= 0:
            line = data[at:end]
            if line.startswith(b"MSG"):
                stop = end + 2 + int(line.rpartition(b" ")[2])
                if stop + 2 > len(data):
                    break
                found.append(data[end + 2 : stop])
                at = stop + 2
            else:
                if line.startswith(b"PING"):
                    self.socket.sendall(b"PONG\r\n")
                at = end + 2
        self._rest = data[at:]
        return found


def commands(kind: str) -> list[tuple[bytes, bytes]]:
    """PUB commands cut in two where the due time goes in."""
    wrapper = Wrapper("binance", "spot")
    found = []
    for payload in frames(kind, DISTINCT):
        message = wrapper.wrap(RawFrame(time.time_ns(), payload))
        head, _, tail = message.partition(STAMP)
        command = f"PUB {MARKET} {len(message)}\r\n".encode() + head + STAMP
        found.append((command, tail[STAMP_DIGITS:] + b"\r\n"))
    return found


def flood(connection: Connection, kind: str, count: int) -> None:
    """As fast as the reader acknowledges."""
    ready = commands(kind)
    acknowledged = 0
    for first in range(0, count, 500):
        stamp = str(time.time_ns()).encode()
        last = min(first + 500, count)
        batch = [ready[number % DISTINCT] for number in range(first, last)]
        connection.socket.sendall(b"".join(head + stamp + tail for head, tail in batch))
        while last - acknowledged >= AHEAD:
            acknowledged += ACK_EVERY * len(connection.messages())


def pace(connection: Connection, kind: str, count: int, rate: float) -> list[int]:
    """One write a message, at due times that do not wait for anybody; how late each of them left, in nanoseconds."""
    ready = commands(kind)
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    start, step = time.time_ns() + 200_000_000, 1e9 / rate
    late = []
    for number in range(count):
        due = start + int(number * step)
        wait = due - time.time_ns()
        if wait > 0:
            time.sleep(wait / 1e9)
        head, tail = ready[number % DISTINCT]
        connection.socket.sendall(head + str(due).encode() + tail)
        late.append(time.time_ns() - due)
    return late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--kind", default="mix")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0.0)
    options = parser.parse_args()
    connection = Connection(options.url, ACKS)
    late = [0]
    if options.rate:
        late = pace(connection, options.kind, options.count, options.rate)
    else:
        flood(connection, options.kind, options.count)
    connection.socket.sendall(b"PING\r\n")
    connection.messages()
    sys.stdout.write(json.dumps({"sender_" + name: value for name, value in latency(late).items()}) + "\n")


if __name__ == "__main__":
    main()
