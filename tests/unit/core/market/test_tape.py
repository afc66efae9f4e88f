"""The ring of recent trades, and the signed volume of its window."""

from random import Random

import pytest

from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import InstrumentId, Trade

SECOND = NS_PER_SECOND


def trade(quantity: float, aggressor: Side = Side.BUY, happened: int = 10**18) -> Trade:
    return Trade(InstrumentId("v:m:S"), happened, 1, 100.0, quantity, aggressor, 1)


def test_nothing_heard_is_not_the_same_as_nothing_bought() -> None:
    """Without a trade in the window there is no answer; with as much bought as sold there is: zero."""
    tape = Tape(10 * SECOND)
    assert tape.signed_volume(SECOND) is None
    tape.append(trade(1.0), SECOND)
    tape.append(trade(1.0, Side.SELL), SECOND)
    assert 0.0 == tape.signed_volume(SECOND)


def test_a_trade_leaves_the_window_when_it_is_as_old_as_the_window_is_long() -> None:
    """Heard at 1 s, a window of 10 s: in it until just before 11 s."""
    tape = Tape(10 * SECOND)
    tape.append(trade(2.0), SECOND)
    assert 2.0 == tape.signed_volume(11 * SECOND - 1)
    assert tape.signed_volume(11 * SECOND) is None


def test_trades_that_come_very_late_count_as_of_when_they_happened() -> None:
    """A minute of missed trades is fetched at once: only those of the last ten seconds count."""
    tape = Tape(10 * SECOND)
    tape.append(trade(1.0, happened=30 * SECOND), 30 * SECOND)
    for second in range(31, 91):
        tape.append(trade(1.0, happened=second * SECOND), 91 * SECOND)
    assert 9.0 == tape.signed_volume(91 * SECOND)


def test_the_oldest_trades_make_room_when_the_ring_is_full() -> None:
    """A burst of more trades than the capacity keeps the newest ones."""
    tape = Tape(10 * SECOND, capacity=3)
    for quantity in (1.0, 2.0, 4.0, 8.0):
        tape.append(trade(quantity), SECOND)
    assert 14.0 == tape.signed_volume(SECOND)


def test_a_cleared_tape_knows_nothing() -> None:
    """After `clear` no trade of before counts."""
    tape = Tape(10 * SECOND)
    tape.append(trade(1.0), SECOND)
    tape.clear()
    assert tape.signed_volume(SECOND) is None


@pytest.mark.parametrize("seed", range(5))
def test_the_sum_is_that_of_the_trades_in_the_window_whenever_it_is_asked(seed: int) -> None:
    """Dropping old trades late, and in bulk, never shows: whoever asks hears the sum over exactly the window."""
    chance, tape, now = Random(seed), Tape(SECOND), 0
    heard: list[tuple[int, float]] = []
    for _ in range(5_000):
        now += chance.randrange(0, 4_000_000)
        quantity, side = chance.random(), chance.choice((Side.BUY, Side.SELL))
        tape.append(trade(quantity, side), now)
        heard.append((now, quantity * side.sign))
        if chance.random() < 0.02:
            expected = sum(signed for at, signed in heard if at > now - SECOND)
            assert expected == pytest.approx(tape.signed_volume(now), abs=1e-9)
