"""Frames as a combined stream sends them, made from a seed: the same bytes in every run and on every machine."""

from collections.abc import Iterator
from random import Random

MIX = (("depth20", 0.4), ("trade", 0.5), ("ticker", 0.1))
"""What a feed of these three streams carries, by share of messages."""

START_MS = 1_721_260_800_000


def depth20(number: int, random: Random, symbol: str = "BTCUSDT", mid: float = 64_000.0) -> bytes:
    """A spot partial-depth frame of about 1,300 bytes."""
    bids = ",".join(f'["{mid - 0.01 * (i + 1):.8f}","{random.uniform(0.001, 4):.8f}"]' for i in range(20))
    asks = ",".join(f'["{mid + 0.01 * (i + 1):.8f}","{random.uniform(0.001, 4):.8f}"]' for i in range(20))
    return (
        f'{{"stream":"{symbol.lower()}@depth20@100ms","data":'
        f'{{"lastUpdateId":{50_000_000_000 + number},"bids":[{bids}],"asks":[{asks}]}}}}'
    ).encode()


def trade(number: int, random: Random, symbol: str = "BTCUSDT", mid: float = 64_000.0) -> bytes:
    """A spot trade frame of about 170 bytes."""
    at = START_MS + number
    return (
        f'{{"stream":"{symbol.lower()}@trade","data":{{"e":"trade","E":{at + 1},"s":"{symbol}",'
        f'"t":{3_700_000_000 + number},"p":"{mid + random.gauss(0, 0.5):.8f}",'
        f'"q":"{random.uniform(0.0001, 0.5):.8f}","T":{at},'
        f'"m":{"true" if random.random() < 0.5 else "false"},"M":true}}}}'
    ).encode()


def ticker(number: int, random: Random, symbol: str = "BTCUSDT", mid: float = 64_000.0) -> bytes:
    """A spot 24 h ticker frame of about 440 bytes."""
    at, last = START_MS + number, mid + random.gauss(0, 2)
    return (
        f'{{"stream":"{symbol.lower()}@ticker","data":{{"e":"24hrTicker","E":{at},"s":"{symbol}",'
        f'"p":"{last - 63_000:.8f}","P":"{(last / 63_000 - 1) * 100:.3f}",'
        f'"w":"63512.34000000","x":"63000.00000000","c":"{last:.8f}",'
        f'"Q":"0.00120000","b":"{last - 0.01:.8f}","B":"3.10000000","a":"{last:.8f}","A":"2.70000000",'
        f'"o":"63000.00000000","h":"65120.00000000","l":"62800.10000000","v":"24612.41230000",'
        f'"q":"1563101234.12000000","O":{at - 86_400_000},"C":{at},"F":3699000000,"L":3700900000,"n":1900001}}}}'
    ).encode()


MAKERS = {"depth20": depth20, "trade": trade, "ticker": ticker}


def frames(kind: str, count: int, seed: int = 7, symbol: str = "BTCUSDT") -> list[bytes]:
    """`count` frames of one kind, or of the mix, of a market that wanders a little."""
    return list(_wandering(kind, count, Random(seed), symbol))


def _wandering(kind: str, count: int, random: Random, symbol: str) -> Iterator[bytes]:
    mid = 64_000.0
    names, shares = zip(*MIX, strict=True)
    for number in range(count):
        mid *= 1.0 + random.gauss(0, 2e-6)
        name = kind if kind != "mix" else random.choices(names, shares)[0]
        yield MAKERS[name](number, random, symbol, round(mid, 2))
