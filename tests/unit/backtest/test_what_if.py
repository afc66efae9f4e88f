"""The first signal that differs between two runs, and what stood in its way on the other side."""

import pytest

from petrosa.backtest.what_if import SignalDifference, Watch, first_difference
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import SignalMade, Started
from petrosa.core.model.refusals import failed, refusal
from petrosa.core.model.signals import Action, Signal

EVENT = Started("recording")
Told = tuple[int, Signal]


def signal(name: str, *, confidence: float = 0.7, symbol: str = "BTCUSDT", strategy: str = "skew") -> Signal:
    return Signal(
        signal_id=name, strategy_id=strategy, symbol=symbol, action=Action.BUY, confidence=confidence, price=100.0,
        quantity=1.0, current_price=100.0, ts_event=0, ts_seen=0,
    )  # fmt: skip


def watched(*told: Told, refused: str = "", symbol: str = "") -> Watch:
    """A side that made these signals, (second, signal) each, and refused one more."""
    watch = Watch("skew", symbol)
    for second, made in told:
        watch.take(second, second * NS_PER_SECOND, EVENT, (SignalMade(made, ()),))
    if refused:
        outcome = failed("cooldown", "3 s", "900 s", "wait")
        decision = refusal("skew", "binance:usdm:BTCUSDT", refused, (outcome,))
        assert decision is not None
        watch.take(99, 99, EVENT, (decision,))
    return watch


def found(before: Watch, after: Watch) -> SignalDifference:
    difference = first_difference(before, after)
    assert difference is not None
    return difference


def test_the_same_signals_are_no_difference() -> None:
    """Nor are none at all."""
    assert first_difference(watched(), watched()) is None
    assert first_difference(watched((1, signal("a"))), watched((1, signal("a")))) is None


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_signal_that_one_side_lacks(side: str) -> None:
    """Whichever side has more, after what they have in common."""
    short, long = watched((1, signal("a"))), watched((1, signal("a")), (2, signal("b")))
    difference = found(long, short) if side == "before" else found(short, long)
    assert (side, "b", "1970-01-01T00:00:02.000Z") == (difference.side, difference.signal_id, difference.at)
    assert "no score counted at that moment" in difference.why


def test_of_two_that_differ_the_earlier_is_the_first() -> None:
    """The other may only follow from it."""
    difference = found(watched((5, signal("b"))), watched((3, signal("c"))))
    assert ("after", "c") == (difference.side, difference.signal_id)


def test_a_refusal_on_the_other_side_is_the_reason() -> None:
    """With the check, what it saw, its limit and the remedy."""
    difference = found(watched(refused="a"), watched((1, signal("a"))))
    assert "the other side refused it by cooldown: saw 3 s, limit 900 s; wait" == difference.why


def test_the_same_signal_otherwise() -> None:
    """Another confidence or another moment is another opinion."""
    weaker = found(watched((1, signal("a"))), watched((1, signal("a", confidence=0.6))))
    assert "its confidence is 0.6000 instead of 0.7000" == weaker.why
    later = found(watched((1, signal("a"))), watched((3, signal("a"))))
    assert "it came 2.000 s later than on the other side" == later.why
    crossed = found(watched((1, signal("a"))), watched((2, signal("c")), (3, signal("a"))))
    assert ("before", "the other side made it at another time") == (crossed.side, crossed.why)
    moved = found(watched((1, signal("b")), (2, signal("a"))), watched((2, signal("a"))))
    assert ("before", "b") == (moved.side, moved.signal_id)


def test_only_what_was_asked_for_is_counted() -> None:
    """Signals of other strategies, and of other symbols where one was named, are not."""
    others = ((1, signal("a", strategy="momentum")), (2, signal("b", symbol="ETHUSDT")))
    assert 0 == watched(*others, symbol="BTCUSDT").signals.total()
    assert {"buy": 1, "sell": 0} == dict(watched(*others).signals)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts go on; the list of signals does not."""
    monkeypatch.setattr("petrosa.backtest.what_if.KEPT_MAX", 2)
    watch = watched(*((second, signal(str(second))) for second in range(1, 6)), refused="x")
    assert (5, 2) == (watch.signals.total(), len(watch.made))
