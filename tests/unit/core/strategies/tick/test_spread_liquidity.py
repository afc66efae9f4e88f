"""spread_liquidity by hand: a side that vanishes, a spread that closes again, what ends an event, and noise."""

import random
from math import inf, log, nan

import msgspec
import pytest

from petrosa.core.model.market import Depth
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Candidate, Quiet
from petrosa.core.strategies.tick.spread_liquidity import POINTS_MAX, Params, SpreadLiquidity
from tests.kit.noise import beyond, independent_books, most_of
from tests.kit.soak import sample
from tests.kit.strategy_market import depth, market

MARKET = market()
MID = 60_000.0
USUAL_BPS = 4.0


def book(at: float, bps: float = USUAL_BPS, bids: float = 10.0, asks: float = 10.0) -> Depth:
    """A book with this spread and five levels of a fifth of this depth each; a sixth that is not looked at."""
    half = MID * bps / 2e4
    return depth(at, [*[bids / 5] * 5, 99.0], [*[asks / 5] * 5, 99.0], MID - half, MID + half)


def usual(params: Params | None = None, seconds: int = 25) -> SpreadLiquidity:
    """After 25 s of one book: 4 bps wide, 10 deep on either side, ten times a second."""
    strategy = SpreadLiquidity(params or Params())
    for tenth in range(seconds * 10):
        strategy.evaluate(book(tenth / 10), MARKET, 0)
    return strategy


def opinion(strategy: SpreadLiquidity, event: Depth) -> Candidate | float | Quiet:
    """The candidate when the score counts."""
    answer = strategy.evaluate(event, MARKET, 0)
    return answer if isinstance(answer, Quiet) or abs(answer) <= 1.0 else strategy.candidate(event, MARKET, 0)


@pytest.mark.parametrize(("bids", "asks", "action"), [(4.0, 9.0, Action.SELL), (9.0, 4.0, Action.BUY)])
def test_a_torn_book_moves_towards_the_side_that_is_gone(bids: float, asks: float, action: Action) -> None:
    """4 to 16 bps in a second and 0.6 of a side gone: 0.70 + 0.10 · ln 4 + 0.15 · 0.6; stop 2, target 4 spreads off."""
    strategy = usual()
    found = opinion(strategy, book(25, 16.0, bids, asks))
    assert isinstance(found, Candidate)
    assert action == found.action
    assert found.confidence == pytest.approx(0.70 + 0.10 * log(4) + 0.15 * 0.6)
    spread, way = MID * 16e-4, action.side.sign if action.side else 0
    assert found.stop_loss == pytest.approx(MID - way * 2 * spread)
    assert found.take_profit == pytest.approx(MID + way * 4 * spread)
    assert (found.price, found.current_price) == (pytest.approx(MID), pytest.approx(MID))
    assert {"strategy": "spread_liquidity", "event": "spread_widening"} == found.metadata
    assert found.indicators == {
        "spread_bps": pytest.approx(16.0),
        "spread_ratio": pytest.approx(4.0),
        "mean_wide_ratio": pytest.approx(4.0),
        "velocity": pytest.approx(log(4)),
        "depth_reduction": pytest.approx(0.6),
        "bid_depth": pytest.approx(bids),
        "ask_depth": pytest.approx(asks),
        "wide_seconds": 0.0,
    }


@pytest.mark.parametrize(
    ("bps", "bids", "score"),
    [
        (16.0, 4.0, 0.6 / 0.5),  # ratio 4 of 3; 16 bps of 10; ln 4 of 0.5; 0.6 of 0.5: the loss is the least
        (11.0, 2.0, 2.75 / 3),  # ratio 2.75 is not 3
        (16.0, 5.5, 0.45 / 0.5),  # 0.45 of the depth is not half
        (16.0, 10.0, 0.0),  # nothing is gone
    ],
)
def test_the_score_is_the_least_of_its_quotients(bps: float, bids: float, score: float) -> None:
    """Every condition must hold, and the score is that of the weakest."""
    answer = usual().evaluate(book(25, bps, bids), MARKET, 0)
    assert answer == pytest.approx(-score)


def test_a_narrow_spread_is_no_event_however_unusual() -> None:
    """0.1 to 0.5 bps is five times the usual: below 10 bps it is nothing, unless that is switched off."""
    for threshold, counts in ((10.0, False), (0.0, True)):
        strategy = SpreadLiquidity(Params(spread_threshold_bps=threshold))
        for tenth in range(250):
            strategy.evaluate(book(tenth / 10, 0.1), MARKET, 0)
        assert counts == isinstance(opinion(strategy, book(25, 0.5, 2.0)), Candidate)


def test_a_slow_widening_is_none() -> None:
    """The same spread reached over ten seconds: 0.14 a second of ln(spread) is below 0.5."""
    strategy = usual()
    answers = [opinion(strategy, book(25 + n / 10, 4.0 * 4 ** (n / 100), 4.0)) for n in range(101)]
    assert not any(isinstance(answer, Candidate) for answer in answers)


def stood_wide(
    seconds: float, *, bids: float = 4.0, asks: float = 9.0, params: Params | None = None
) -> SpreadLiquidity:
    """After a usual book, 16 bps for so long."""
    strategy = usual(params)
    for tenth in range(round(seconds * 10)):
        strategy.evaluate(book(25 + tenth / 10, 16.0, bids, asks), MARKET, 0)
    return strategy


@pytest.mark.parametrize(("bids", "asks", "action"), [(4.0, 9.0, Action.BUY), (9.0, 4.0, Action.SELL)])
def test_a_spread_that_closes_gives_back_what_was_pushed(bids: float, asks: float, action: Action) -> None:
    """After 60 s at four times the usual: 0.70 + 0.05 · (mean ratio − 2.5) + 0.10 · 60 / 300, the other way round."""
    found = opinion(stood_wide(60, bids=bids, asks=asks), book(85, 4.0))
    assert isinstance(found, Candidate)
    assert action == found.action
    mean = (600 * 4.0 + 1.0) / 601
    assert found.confidence == pytest.approx(0.70 + 0.05 * (mean - 2.5) + 0.10 * 60 / 300)
    assert ("spread_narrowing", pytest.approx(60.0)) == (found.metadata["event"], found.indicators["wide_seconds"])


def test_it_must_have_stood_open_for_longer_than_thirty_seconds() -> None:
    """30.0 s are not longer than 30 s; 30.1 s are."""
    assert not isinstance(opinion(stood_wide(30.0), book(55.0)), Candidate)
    assert isinstance(opinion(stood_wide(30.1), book(55.1)), Candidate)


def test_a_slow_closing_is_none() -> None:
    """Back to usual over ten seconds, there is nothing to be had any more."""
    strategy = stood_wide(60)
    answers = [opinion(strategy, book(85 + n / 10, 16.0 / 4 ** (n / 100))) for n in range(130)]
    assert not any(isinstance(answer, Candidate) for answer in answers)


def test_a_flicker_does_not_end_it() -> None:
    """A single narrow book in between is no end: what stood before counts on."""
    strategy = stood_wide(20)
    strategy.evaluate(book(45, 4.0), MARKET, 0)
    for tenth in range(1, 120):
        strategy.evaluate(book(45 + tenth / 10, 16.0, 4.0), MARKET, 0)
    found = opinion(strategy, book(57.0, 4.0))
    assert isinstance(found, Candidate)
    assert found.indicators["wide_seconds"] == pytest.approx(32.0)


def test_an_event_ends() -> None:
    """A second after it closed, and after `expiry_seconds` open, a fast narrowing is none."""
    closed = stood_wide(60)
    for tenth in range(12):
        closed.evaluate(book(85 + tenth / 10, 9.9), MARKET, 0)
    assert not isinstance(opinion(closed, book(86.2, 2.0)), Candidate)
    expired = stood_wide(60, params=Params(expiry_seconds=50))
    assert not isinstance(opinion(expired, book(85)), Candidate)


def test_unsided_it_sells_every_tear_and_buys_every_closing() -> None:
    """As first documented, whichever side is gone; the loss is that of both sides together."""
    params = Params(sided=False)
    found = opinion(usual(params), book(25, 16.0, 9.0, 0.5))
    assert isinstance(found, Candidate)
    assert (Action.SELL, pytest.approx(1 - 9.5 / 20)) == (found.action, found.indicators["depth_reduction"])
    assert not isinstance(opinion(usual(params), book(25, 16.0, 4.0)), Candidate)
    closing = opinion(stood_wide(60, bids=9.0, asks=4.0, params=params), book(85))
    assert isinstance(closing, Candidate)
    assert Action.BUY == closing.action


def test_a_book_holds_until_the_next_one() -> None:
    """Ten seconds without a change are ten samples of what stood."""
    strategy = SpreadLiquidity(Params())
    for at in (0, 10, 21):
        strategy.evaluate(book(at), MARKET, 0)
    assert (20, 20) == strategy.warmup()
    assert isinstance(opinion(strategy, book(21.5, 16.0, 4.0)), Candidate)


def test_a_silence_longer_than_the_lookback_starts_over() -> None:
    """After 21 s without a book nobody knows what is usual."""
    strategy = usual()
    assert Quiet.WARMING_UP == strategy.evaluate(book(46), MARKET, 0)
    assert (0, 20) == strategy.warmup()


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (depth(25, [], [1]), Quiet.EMPTY_BOOK),
        (depth(25, [0.0], [1]), Quiet.EMPTY_BOOK),
        (depth(25, [1], [1], bid=60_001, ask=60_000), Quiet.CROSSED_BOOK),
        (depth(25, [1], [1], bid=nan), Quiet.BAD_NUMBER),
        (depth(25, [inf], [1]), Quiet.BAD_NUMBER),
        (book(24), Quiet.OUT_OF_ORDER),
    ],
)
def test_a_book_that_cannot_be_read_is_quiet_and_forgotten(event: Depth, reason: Quiet) -> None:
    """It gives its reason, and what comes next is as if it had not been."""
    spoiled, clean = usual(), usual()
    assert reason == spoiled.evaluate(event, MARKET, 0)
    after = book(25, 16.0, 4.0)
    assert clean.evaluate(after, MARKET, 0) == spoiled.evaluate(after, MARKET, 0)


def test_memory_is_bounded() -> None:
    """However dense the stream, no more than `POINTS_MAX` spreads are kept."""
    strategy = SpreadLiquidity(Params())
    for number in range(POINTS_MAX + 100):
        strategy.evaluate(book(number / 1e6), MARKET, 0)
    assert POINTS_MAX == len(strategy._anchors)


def test_an_expiry_before_the_persistence_is_refused() -> None:
    """An event that is forgotten before it counts could never count."""
    with pytest.raises(ValueError, match="expiry_seconds 30 must be above persistence_threshold_seconds 30"):
        Params(expiry_seconds=30)


def test_noise_speaks_as_seldom_as_derived() -> None:
    """Independent exponential spreads and depths: at most 0.0128 of the books are a widening, 0.0003 a narrowing."""
    rng, count = random.Random(1), sample(10_000, 200_000)
    params = Params(spread_threshold_bps=0, edge_trigger=False, cooldown_seconds=0)
    said, scored = beyond(SpreadLiquidity(params), independent_books(rng, count, mean_half_spread=30.0))
    assert scored > 0.9 * count
    assert 0.3 * 0.0128 * scored < said <= most_of(scored, 0.0128 + 0.0003)


def test_how_long_a_spread_stood_wide_is_of_one_measure() -> None:
    """Wide by 1.5 times for 40 s says nothing of 2.5 times; a confidence changes nothing of it."""
    low = Params(spread_ratio_threshold=1.5, spread_threshold_bps=0.0)
    strategies = [usual(low) for _ in range(3)]
    changed = [low, Params(spread_ratio_threshold=2.5, spread_threshold_bps=0.0), None]
    changed[2] = msgspec.structs.replace(low, base_confidence=0.8)
    answers = []
    for strategy, params in zip(strategies, changed, strict=True):
        for tenth in range(400):
            strategy.evaluate(book(25 + tenth / 10, 14.0, 2.0, 9.0), MARKET, 0)
        strategy.retune(params)
        answers.append(strategy.evaluate(book(65, 3.0), MARKET, 0))
    assert [True, False, True] == [isinstance(answer, float) and abs(answer) > 1.0 for answer in answers]
