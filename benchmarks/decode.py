"""G1 and G2: from the bytes of a depth20 frame to forty floats, and on to every twenty-level figure."""

from collections import deque
from collections.abc import Callable

import msgspec

from benchmarks import reference
from benchmarks.depth_metrics import DepthMetrics, depth_metrics
from benchmarks.frames import frames
from benchmarks.measure import Figure, Goal, cpu_ns_each, figure, interleave, ratios
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.venues.binance.wire import Frame, SpotDepthData
from petrosa.core.model.market import Depth

COUNT = 4_000


def run(rounds: int) -> list[Figure]:
    """Four ways over the same frames, interleaved; each figure is a ratio to `json.loads` and `float()`."""
    payloads = frames("depth20", COUNT)
    decoder = msgspec.json.Decoder(Frame[SpotDepthData], strict=False)
    parser = Parser("binance", "spot", {"BTCUSDT"})
    history: deque[DepthMetrics] = deque(maxlen=300)
    plain_history: deque[dict[str, float]] = deque(maxlen=300)

    def metrics() -> None:
        for payload in payloads:
            event = parser.parse(payload, 1)
            if isinstance(event, Depth):
                depth_metrics(event, history)

    def plain_metrics() -> None:
        for payload in payloads:
            reference.depth_metrics(*reference.decode_depth(payload), plain_history)

    ways: dict[str, Callable[[], object]] = {
        "json": lambda: [reference.decode_depth(payload) for payload in payloads],
        "decoder": lambda: [decoder.decode(payload) for payload in payloads],
        "parser": lambda: [parser.parse(payload, 1) for payload in payloads],
        "metrics": metrics,
        "plain metrics": plain_metrics,
    }
    _same_answers(payloads[0], parser)
    ns = interleave(rounds, {name: _timed(way) for name, way in ways.items()})
    size = sum(map(len, payloads)) // COUNT
    costs = {name: round(sorted(values)[rounds // 2]) for name, values in ns.items()}
    return [
        figure("G1", "decode depth20 to 40 floats / json+float", ratios(ns["decoder"], ns["json"]), "ratio",
               gate=Goal(0.40), stretch=Goal(0.15), frame_bytes=size, ns=costs["decoder"], json_ns=costs["json"]),
        figure("G1", "decode and make the Depth event / json+float", ratios(ns["parser"], ns["json"]), "ratio",
               ns=costs["parser"]),
        figure("G2", "decode and all 20-level figures / json+float alone", ratios(ns["metrics"], ns["json"]), "ratio",
               gate=Goal(0.6), stretch=Goal(0.2), ns=costs["metrics"], plain_ns=costs["plain metrics"]),
    ]  # fmt: skip


def _timed(way: Callable[[], object]) -> Callable[[], float]:
    return lambda: cpu_ns_each(way, COUNT)


def _same_answers(payload: bytes, parser: Parser) -> None:
    """A comparison of speeds is worth nothing unless both sides compute the same."""
    event = parser.parse(payload, 1)
    assert isinstance(event, Depth)
    ours = depth_metrics(event, deque())
    plain = reference.depth_metrics(*reference.decode_depth(payload), deque())
    assert all(abs(a - b) <= 1e-9 * abs(b) for a, b in zip(ours, plain.values(), strict=True)), (ours, plain)
