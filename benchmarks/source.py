"""The venue of the chain: one connection, one line a frame, `<due time in ns> <frame>`, each at its due time.

`python -m benchmarks.source --count N --rate PER_SECOND` prints its port and begins when somebody connects. Every
`SIGNAL_EVERY`th book leans, to the bid and to the ask in turn; all others are balanced, so that each leaning one is a
crossing of the skew's threshold and makes one signal.
"""

import argparse
import ctypes
import socket
import sys
import time

from benchmarks.frames import START_MS
from benchmarks.load import PR_SET_TIMERSLACK

SIGNAL_EVERY = 50
SETTLE_NS = 300_000_000


def book(number: int, bid: float, ask: float) -> bytes:
    """A spot depth20 frame whose first levels hold `bid` and `ask` each."""
    mid = 64_000.0
    bids = ",".join(f'["{mid - 0.01 * (i + 1):.8f}","{bid if i < 5 else 1.0:.8f}"]' for i in range(20))
    asks = ",".join(f'["{mid + 0.01 * (i + 1):.8f}","{ask if i < 5 else 1.0:.8f}"]' for i in range(20))
    update = START_MS + number
    data = f'{{"lastUpdateId":{update},"bids":[{bids}],"asks":[{asks}]}}'
    return f'{{"stream":"btcusdt@depth20@100ms","data":{data}}}\n'.encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    options = parser.parse_args()
    balanced, bought, sold = book(0, 1.0, 1.0), book(1, 2.0, 1.0), book(2, 1.0, 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        sys.stdout.write(f"{server.getsockname()[1]}\n")
        sys.stdout.flush()
        client, _ = server.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    start, step = time.time_ns() + SETTLE_NS, 1e9 / options.rate
    for number in range(1, options.count + 1):
        leaning = number % SIGNAL_EVERY == 0
        frame = balanced if not leaning else (bought if number // SIGNAL_EVERY % 2 else sold)
        due = start + int(number * step)
        wait = due - time.time_ns()
        if wait > 0:
            time.sleep(wait / 1e9)
        client.sendall(b"%d %b" % (due, frame))
    client.recv(1)  # until the reader has heard everything and hangs up


if __name__ == "__main__":
    main()
