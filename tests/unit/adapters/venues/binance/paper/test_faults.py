"""Faults strike as often as they were asked to, by a seed; user events go their way through them."""

from itertools import pairwise
from typing import Any

from petrosa.adapters.venues.binance.paper.faults import FAULTS_MAX, Fault, FaultKind, Faults
from petrosa.adapters.venues.binance.paper.listen_keys import VALID_NS, ListenKeys
from petrosa.adapters.venues.binance.paper.user_streams import HELD_NS, UserStream
from tests.kit.paper_venue import START, Ears


def strikes(fault: Fault, times: int = 200) -> list[bool]:
    faults = Faults((fault,))
    return [faults.on_request(fault.kind, "POST", "/api/v3/order") is not None for _ in range(times)]


def test_a_rate_is_a_chance_that_a_seed_decides() -> None:
    """A quarter of the time, the same times for the same seed and others for another."""
    first, again, other = (
        strikes(Fault(kind=FaultKind.LATENCY, rate=0.25, seed=seed)) for seed in (1, 1, 2)
    )  # fmt: skip
    assert 30 < sum(first) < 70
    assert first == again != other


def test_a_count_ends_it_and_a_path_confines_it() -> None:
    """Three times and never again; nothing on another path, method or event."""
    assert [True] * 3 + [False] * 5 == strikes(Fault(kind=FaultKind.DROP, count=3), 8)
    for fault in (Fault(kind=FaultKind.DROP, path="/fapi"), Fault(kind=FaultKind.DROP, method="GET")):
        assert not any(strikes(fault, 5))
    faults = Faults((Fault(kind=FaultKind.DUPLICATE_EVENT, event="ALGO_UPDATE"),))
    assert (True, False) == tuple(faults.on_event(FaultKind.DUPLICATE_EVENT, one) for one in ("ALGO_UPDATE", "x"))


def test_there_is_an_end_to_faults() -> None:
    """The list is bounded, and each can be taken away."""
    faults = Faults()
    added = [faults.add(Fault(kind=FaultKind.DROP)) for _ in range(FAULTS_MAX + 1)]
    assert added[-1] is None
    assert faults.remove(1)
    assert not faults.remove(1)
    faults.clear()
    assert [] == faults.all()


def scheduled(seed: int, **more: Any) -> list[int]:
    """In which of a thousand seconds a fault strikes one of ten frames a second."""
    now = 0.0
    faults = Faults((Fault(kind=FaultKind.LOST_FRAME, seed=seed, **more),), lambda: now)
    struck = []
    for tenth in range(10_000):
        now = tenth / 10
        if faults.on_frame("/stream", "btcusdt@trade") is not None:
            struck.append(tenth // 10)
    return struck


def test_a_schedule_is_decided_by_a_seed() -> None:
    """Once in ten seconds on average, at the same moments for the same seed."""
    first, again, other = scheduled(1, every_s=10.0), scheduled(1, every_s=10.0), scheduled(2, every_s=10.0)
    assert first == again != other
    assert 70 < len(first) < 130
    assert len({after - before for before, after in pairwise(first)}) > 10


def test_a_fault_is_there_for_a_while() -> None:
    """From then, for so long."""
    assert [(100, 109)] == [(struck[0], struck[-1]) for struck in [scheduled(1, from_s=100.0, for_s=10.0)]]


def test_frames_are_concerned_by_stream_and_path() -> None:
    """`depth` is every stream of the book, differences and levels; the path tells the groups of futures apart."""
    faults = Faults((Fault(kind=FaultKind.LOST_FRAME, stream="depth", path="/public"),))
    concerned = [
        faults.on_frame(path, stream) is not None
        for path, stream in (
            ("/public/ws", "btcusdt@depth@100ms"), ("/public/stream", "btcusdt@depth20"),
            ("/public/ws", "btcusdt@bookTicker"), ("/market/ws", "btcusdt@depth@100ms"),
        )
    ]  # fmt: skip
    assert [True, True, False, False] == concerned


class Bench:
    def __init__(self, *faults: Fault) -> None:
        self.now = START
        self.ears = Ears()
        self.stream = UserStream(Faults(faults), lambda: self.now)
        self.stream.sinks.append(self.ears)

    def tell(self, *kinds: str) -> list[Any]:
        for kind in kinds:
            self.stream.tell({"e": kind})
        return self.ears.kinds()


def test_an_event_that_nothing_overtakes_is_let_go() -> None:
    """It waits for half a second at most."""
    bench = Bench(Fault(kind=FaultKind.REORDER_EVENTS, count=1))
    assert [] == bench.tell("a")
    bench.stream.advance(START + HELD_NS - 1)
    assert [] == bench.ears.kinds()
    bench.stream.advance(START + HELD_NS)
    assert ["a"] == bench.ears.kinds()


def test_an_event_is_overtaken_doubled_or_lost() -> None:
    """Each by its own fault."""
    assert ["b", "a", "c"] == Bench(Fault(kind=FaultKind.REORDER_EVENTS, count=1)).tell("a", "b", "c")
    assert ["a", "a", "b"] == Bench(Fault(kind=FaultKind.DUPLICATE_EVENT, count=1)).tell("a", "b")
    bench = Bench(Fault(kind=FaultKind.DISCONNECT_STREAM, event="b"))
    assert ["a"] == bench.tell("a", "b", "c")
    assert bench.ears.ended


def test_a_listen_key_is_one_while_it_is_valid() -> None:
    """The same for an hour, longer when prolonged, another one afterwards."""
    keys = ListenKeys()
    first = keys.open("demo", START)
    assert first == keys.open("demo", START + 1)
    assert first == keys.prolong("demo", START + VALID_NS)
    assert "demo" == keys.account_of(first, START + VALID_NS)
    later = START + 3 * VALID_NS
    assert None is keys.account_of(first, later)
    assert [("demo", first)] == keys.expired(later)
    assert first != keys.open("demo", later)
