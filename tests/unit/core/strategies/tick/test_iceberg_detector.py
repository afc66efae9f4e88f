"""iceberg_detector by hand: what is traded at a level against what it shows, its three patterns, and noise."""

import random
from collections.abc import Iterator
from math import inf, nan

import msgspec
import pytest

from petrosa.core.model.base import Side
from petrosa.core.model.market import Depth, MarketEvent
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Candidate, Quiet
from petrosa.core.strategies.tick.iceberg_detector import IcebergDetector, Params
from tests.kit.noise import beyond, independent_books, most_of
from tests.kit.soak import sample
from tests.kit.strategy_market import depth, market, trade

MARKET = market()
BID, ASK = 59_999.5, 60_000.5
ONLY_REFILL = Params(consistent_size=False, anchor=False, min_executed_ratio=0.0)


class Scene:
    """A detector, a clock of tenths of a second, and the same book again and again."""

    def __init__(self, params: Params | None = None) -> None:
        self.strategy = IcebergDetector(params or Params())
        self.at = 0.0
        self.last: Depth = depth(0, [10.0] * 20, [10.0] * 20)
        self.show()

    def show(self, bid: float = 10.0, ask: float = 10.0, step: float = 0.1) -> float | Quiet:
        """The next book, with these sizes at the best prices."""
        self.at += step
        self.last = depth(self.at, [bid, *[10.0] * 19], [ask, *[10.0] * 19])
        return self.strategy.evaluate(self.last, MARKET, 0)

    def take(self, side: Side, quantity: float = 6.0, price: float | None = None) -> None:
        """Somebody sells into the best bid, or buys from the best offer."""
        at = price if price is not None else (BID if side is Side.SELL else ASK)
        self.strategy.note(trade(self.at + 0.05, at, quantity, side), MARKET, 0)

    def found(self) -> Candidate:
        return self.strategy.candidate(self.last, MARKET, 0)


@pytest.mark.parametrize(("side", "action", "level"), [(Side.SELL, Action.BUY, BID), (Side.BUY, Action.SELL, ASK)])
def test_refills_are_an_iceberg(side: Side, action: Action, level: float) -> None:
    """Four times eaten and whole again, 24 traded at a level of 10: 0.65 + 0.05 · 4, and a score of 4 / 2."""
    scene, answers = Scene(), []
    for _ in range(4):
        scene.take(side)
        answers.append(scene.show())
    sign = 1.0 if action is Action.BUY else -1.0
    assert [0.0, 0.0, 0.0, sign * 4 / 2] == answers  # after three, 18 is not yet twice the level
    found = scene.found()
    assert (action, pytest.approx(0.85)) == (found.action, found.confidence)
    assert found.stop_loss == pytest.approx(level - sign * 300.0)
    assert found.take_profit == pytest.approx(60_000 + sign * 750.0)
    assert {"strategy": "iceberg_detector", "pattern": "refill"} == found.metadata
    assert found.indicators == {
        "level": level,
        "refills": 4.0,
        "executed": 24.0,
        "mean_shown": 10.0,
        "consistency": 0.0,
        "shown_seconds": pytest.approx(0.4),
    }


def test_the_documented_confidence() -> None:
    """min(0.85, 0.65 + 0.05 · n): 0.80 for three, 0.85 from four on."""
    scene, confidences = Scene(ONLY_REFILL), []
    for _ in range(5):
        scene.take(Side.SELL)
        answer = scene.show()
        if not isinstance(answer, Quiet) and answer > 1.0:
            confidences.append(scene.found().confidence)
    assert confidences == [pytest.approx(0.80), pytest.approx(0.85), pytest.approx(0.85)]


def test_quotes_alone_are_no_iceberg() -> None:
    """A level that empties and fills up again without a trade is somebody who changes their mind."""
    scene = Scene(ONLY_REFILL)
    answers = {scene.show(bid=size) for size in (10.0, 2.0) * 20}
    assert {0.0} == answers


def test_a_level_that_is_eaten_is_not_filled_up_yet() -> None:
    """While it shows less it says nothing; whole again, it speaks again."""
    scene = Scene(ONLY_REFILL)
    for _ in range(3):
        scene.take(Side.SELL)
        scene.show()
    scene.take(Side.SELL)
    assert 0.0 == scene.show(bid=4.0)
    assert 2.0 == scene.show()


def test_two_walls_say_nothing() -> None:
    """As many refills on both sides: the price goes nowhere."""
    scene = Scene(ONLY_REFILL)
    for _ in range(4):
        scene.take(Side.SELL)
        scene.take(Side.BUY)
        answer = scene.show()
    assert 0.0 == answer


def standing(scene: Scene, seconds: int, bid: float = 10.0, other: float = 10.0) -> float | Quiet:
    """The level stands for so long, at one size or two in turn, and two are taken from it every second."""
    answer: float | Quiet = 0.0
    for second in range(seconds):
        scene.take(Side.SELL, 2.0)
        answer = scene.show(bid=bid if second % 2 else other, step=1.0)
    return answer


def test_a_level_that_keeps_its_size_though_it_trades() -> None:
    """More than 120 s of 10 though 240 were traded: `consistent_size` with the base confidence."""
    scene = Scene(Params(refill=False, anchor=False))
    assert 0.0 == standing(scene, 120)
    answer = standing(scene, 1)
    assert answer == pytest.approx(121 / 120)
    assert (0.70, "consistent_size") == (scene.found().confidence, scene.found().metadata["pattern"])


def test_a_size_that_varies_is_an_anchor_at_most() -> None:
    """9 and 13 in turn deviate by 0.18 of their mean: nothing until 180 s, then an anchor with 0.75."""
    scene = Scene(Params(refill=False))
    assert 0.0 == standing(scene, 180, 9.0, 13.0)
    assert standing(scene, 1, 9.0, 13.0) == pytest.approx(181 / 180)
    assert (pytest.approx(0.75), "anchor") == (scene.found().confidence, scene.found().metadata["pattern"])


def test_a_level_that_merely_rests_is_no_anchor() -> None:
    """Five minutes of the same book, and little traded at it: nothing, where every such level once was an anchor."""
    scene = Scene()
    scene.take(Side.SELL, 1.0)
    assert {0.0} == {scene.show(step=1.0) for _ in range(299)}


@pytest.mark.parametrize("switch", ["refill", "consistent_size", "anchor"])
def test_each_pattern_can_be_switched_off(switch: str) -> None:
    """Alone, it speaks of a level that has all three; off together is refused."""
    off = {name: name == switch for name in ("refill", "consistent_size", "anchor")}
    scene = Scene(Params(**off))  # type: ignore[arg-type]
    for _ in range(200):
        scene.take(Side.SELL, 6.0)
        answer = scene.show(step=1.0)
    assert isinstance(answer, float)
    assert answer > 1.0
    assert switch == scene.found().metadata["pattern"]


def test_nothing_to_look_for_is_refused() -> None:
    """A detector of nothing would be silent without a reason."""
    with pytest.raises(ValueError, match="all off; leave one on"):
        Params(refill=False, consistent_size=False, anchor=False)


def test_a_level_below_the_twentieth_keeps_its_count() -> None:
    """Out of sight is not used up: two refills before and one after are three."""
    scene = Scene(ONLY_REFILL)
    for _ in range(2):
        scene.take(Side.SELL)
        scene.show()
    higher = depth(scene.at + 0.1, [10.0] * 20, [10.0] * 20, BID + 30, ASK + 30)
    assert 0.0 == scene.strategy.evaluate(higher, MARKET, 0)
    scene.at += 0.1
    scene.show()
    scene.take(Side.SELL)
    assert 1.5 == scene.show()


@pytest.mark.parametrize("gone", ["below the best", "best no more"])
def test_a_level_that_is_used_up_is_forgotten(gone: str) -> None:
    """Missing between those that are shown, or above the best bid, it is gone with its count."""
    scene = Scene(ONLY_REFILL)
    for _ in range(2):
        scene.take(Side.SELL)
        scene.show()
    bid = BID - 1 if gone == "best no more" else BID + 0.5
    without = depth(scene.at + 0.1, [10.0] * 20, [10.0] * 20, bid, ASK + 1)
    scene.strategy.evaluate(without, MARKET, 0)
    scene.at += 0.1
    scene.show()
    scene.take(Side.SELL)
    assert 0.0 == scene.show()


def test_a_level_nobody_trades_at_is_forgotten() -> None:
    """Five minutes after the last trade at it, three refills are history."""
    scene = Scene(ONLY_REFILL)
    for _ in range(3):
        scene.take(Side.SELL)
        scene.show()
    answers = [scene.show(step=1.0) for _ in range(302)]
    assert [1.5, 0.0] == [answers[298], answers[301]]


def test_a_level_far_away_does_not_matter() -> None:
    """With 0.1 % as the reach, a bid 61 below a mid of 60,000 is too far."""
    scene = Scene(Params(consistent_size=False, anchor=False, min_executed_ratio=0.0, level_proximity_pct=0.1))
    for _ in range(3):
        scene.take(Side.SELL)
        scene.show()
    assert 1.5 == scene.show()
    wide = depth(scene.at + 0.1, [10.0] * 20, [10.0] * 20, BID, ASK + 130)
    assert 0.0 == scene.strategy.evaluate(wide, MARKET, 0)


def test_trades_where_nothing_is_shown_are_nobodys() -> None:
    """Inside the spread, or of an absurd size: nothing begins."""
    scene = Scene(ONLY_REFILL)
    for price, quantity in ((60_000.0, 6.0), (BID, nan), (BID, inf), (BID, 0.0), (nan, 1.0)):
        scene.take(Side.SELL, quantity, price)
    assert ({}, {}) == (scene.strategy._bids, scene.strategy._asks)


def test_memory_is_bounded() -> None:
    """With `max_levels` 10, the eleventh level takes the place of the one traded at longest ago."""
    scene = Scene(Params(max_levels=10))
    for n in range(15):
        scene.at += 0.001
        scene.take(Side.SELL, 1.0, BID - n)
    assert [BID - n for n in range(5, 15)] == list(scene.strategy._bids)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (depth(1, [], [1]), Quiet.EMPTY_BOOK),
        (depth(1, [1], [1], bid=60_001, ask=60_000), Quiet.CROSSED_BOOK),
        (depth(1, [1], [1], bid=nan), Quiet.BAD_NUMBER),
        (depth(1, [nan], [1]), Quiet.BAD_NUMBER),
        (depth(0, [1], [1]), Quiet.OUT_OF_ORDER),
    ],
)
def test_a_book_that_cannot_be_read_is_quiet(event: Depth, reason: Quiet) -> None:
    """It gives its reason and changes nothing."""
    scene = Scene()
    assert reason == scene.strategy.evaluate(event, MARKET, 0)


def eaten_books(rng: random.Random, count: int, mean_quantity: float) -> Iterator[MarketEvent]:
    """Independent books at one price, and between two of them a trade on either side."""
    for number, book in enumerate(independent_books(rng, count)):
        yield book
        for side, price in ((Side.BUY, book.ask_prices[0]), (Side.SELL, book.bid_prices[0])):
            yield trade(number / 10 + 0.05, price, rng.expovariate(1.0 / mean_quantity), side)


@pytest.mark.parametrize("mean_quantity", [0.2, 1.0, 10.0])
def test_noise_speaks_as_seldom_as_derived(mean_quantity: float) -> None:
    """Independent sizes, and trades small or large against them: at most 0.17 of the books."""
    rng, count = random.Random(2), sample(3_000, 100_000)
    params = Params(edge_trigger=False, cooldown_seconds=0)
    said, scored = beyond(IcebergDetector(params), eaten_books(rng, count, mean_quantity))
    assert count == scored
    assert 0 < said <= most_of(count, 2 * 0.0845)


def test_a_smaller_bound_of_levels_holds_as_soon_as_there_is_a_new_one() -> None:
    """Those traded at longest ago go first, as many as are too many."""
    scene = Scene(Params(max_levels=40))
    for level in range(19):
        scene.take(Side.SELL, price=BID - level)
        scene.show()
    scene.strategy.retune(Params(max_levels=10))
    scene.take(Side.SELL, price=BID - 19)
    assert 10 == len(scene.strategy._bids) + len(scene.strategy._asks)


def test_a_run_of_refills_is_of_one_speed() -> None:
    """Four refills within 5 s each say nothing of how many there are within 1 s; a guard takes nothing away."""
    scene = Scene(ONLY_REFILL)
    for _ in range(4):
        scene.take(Side.SELL)
        scene.show()
    scene.strategy.retune(msgspec.structs.replace(ONLY_REFILL, base_confidence=0.8))
    assert 2.0 == scene.show()
    scene.strategy.retune(msgspec.structs.replace(ONLY_REFILL, refill_speed_threshold_seconds=1.0))
    assert 0.0 == scene.show()
