"""A venue of market streams that floods: `python -m benchmarks.market_source --kind mix --count N`, on a socket of C.

It prints its port, acknowledges the first request of whoever connects (a path that names streams needs none), and
writes `count` frames as fast as they are taken, many of them at once.
"""

import argparse
import base64
import hashlib
import json
import re
import socket
import struct
import sys
import time
from collections.abc import Iterator
from itertools import count, islice

from benchmarks.frames import frames

DISTINCT = 5_000
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CHUNK = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0.0, help="frames a second; 0 is as fast as they are taken")
    options = parser.parse_args()
    distinct = [cut(framed(payload)) for payload in frames(options.kind, min(options.count, DISTINCT))]
    with socket.create_server(("127.0.0.1", 0)) as server:
        sys.stdout.write(f"{server.getsockname()[1]}\n")
        sys.stdout.flush()
        client, _ = server.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if b"streams=" not in greet(client):
        asked = json.loads(heard(client))
        client.sendall(framed(json.dumps({"result": None, "id": asked["id"]}).encode()))
    ids = count(3_700_000_000)
    messages = (numbered(*distinct[number % len(distinct)], ids) for number in range(options.count))
    due = time.monotonic()
    while chunk := b"".join(islice(messages, CHUNK)):
        client.sendall(chunk)
        if options.rate:
            due += CHUNK / options.rate
            time.sleep(max(0.0, due - time.monotonic()))
    while client.recv(4_096):  # until the reader has heard everything and hangs up
        pass


def framed(payload: bytes) -> bytes:
    """One text frame, unmasked as a server sends it."""
    size = len(payload)
    head = struct.pack("!BB", 0x81, size) if size < 126 else struct.pack("!BBH", 0x81, 126, size)
    return head + payload


def cut(message: bytes) -> tuple[bytes, bytes]:
    """What stands before and after the id of a trade, which goes on by one from trade to trade; of other frames all."""
    found = re.search(rb'"t":\d{10},', message)
    return (message[: found.start() + 4], message[found.end() - 1 :]) if found else (message, b"")


def numbered(before: bytes, after: bytes, ids: Iterator[int]) -> bytes:
    return b"%b%d%b" % (before, next(ids), after) if after else before


def greet(client: socket.socket) -> bytes:
    """Answer the upgrade; the line that was asked."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += client.recv(4_096)
    lines = request.split(b"\r\n")
    key = next(line.partition(b": ")[2] for line in lines if line.lower().startswith(b"sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
    )
    return lines[0]


def heard(client: socket.socket) -> bytes:
    """The text of the next data frame of a client; control frames are passed over."""
    while True:
        first, second = exactly(client, 2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", exactly(client, 2))
        mask, masked = exactly(client, 4), exactly(client, size)
        if first & 0x0F == 1:
            return bytes(byte ^ mask[at & 3] for at, byte in enumerate(masked))


def exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += client.recv(size - len(data))
    return data


if __name__ == "__main__":
    main()
