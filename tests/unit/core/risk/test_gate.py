"""The gate: every refusal by its own words, and the only key there is."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from petrosa.core.execution.params import EntryStyle
from petrosa.core.execution.plan import entry_intent
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import FeedState
from petrosa.core.model.refusals import Outcome, Refused, Verdict, passed, refusal
from petrosa.core.model.signals import Action
from petrosa.core.risk.exposure import Exposure, exposure_of
from petrosa.core.risk.facts import Entry, Facts, Today
from petrosa.core.risk.filters import max_quantity
from petrosa.core.risk.gate import STEPS, Cleared, approve, assess
from petrosa.core.risk.params import RiskParams
from petrosa.core.risk.sizing import Size
from petrosa.errors import InvariantError
from tests.kit.trading import PERPETUAL, SPOT, START, instrument, place_of, signal


def facts(**changes: Any) -> Facts:
    """A flat account of 10,000 in a live market of 99.9 to 100.1."""
    known: dict[str, Any] = {
        "now": START,
        "currency": "USDT",
        "equity": Decimal(10_000),
        "exposure": Exposure(Decimal(0), 0),
        "instrument_exposure": Decimal(0),
        "spendable": Decimal(10_000),
        "held": Decimal(0),
        "busy": "",
        "closed": "",
        "bid": 99.9,
        "ask": 100.1,
        "ts_quote": START,
        "feed_state": FeedState.LIVE,
        "book_is_whole": True,
        "today": Today(Decimal(10_000), Decimal(0), 0),
        "mark": Decimal(100),
        "collateral": Decimal(10_000),
        "margined": Decimal(0),
    }
    return Facts(**{**known, **changes})


def entry(side: Side = Side.BUY, rules: Instrument = PERPETUAL, price: float = 100.0, **levels: float) -> Entry:
    action = Action.BUY if side is Side.BUY else Action.SELL
    best = Decimal("100.1") if side is Side.BUY else Decimal("99.9")
    return Entry(signal(action, price=price, **levels), side, rules, best, best)


def refused(known: Facts, asked: Entry | None = None, params: RiskParams | None = None) -> Refused:
    answer = assess(asked or entry(), known, params or RiskParams())
    assert not isinstance(answer, Cleared)
    found = refusal("skew", PERPETUAL.id, "signal-1", answer)
    assert found is not None
    return found


def cleared(side: Side = Side.BUY) -> Cleared:
    answer = assess(entry(side), facts(), RiskParams())
    assert isinstance(answer, Cleared)
    return answer


MESSAGES = [
    (
        {"closed": "paused by ann: lunch"},
        "entries_open: saw paused by ann: lunch, limit open; resume entries when the cause is gone",
    ),
    (
        {"equity": None},
        "equity_known: saw not known, limit above 0 USDT; wait for prices of everything that is held, or set balances",
    ),
    ({"equity": Decimal(-3)}, "equity_known: saw -3 USDT, limit above 0 USDT; fund the account"),
    ({"currency": "EUR"}, "currency: saw USDT, limit EUR; trade it from an account in that currency"),
    (
        {"feed_state": FeedState.STALE},
        "feed_live: saw feed stale, limit live; wait for the feed, or reconnect it",
    ),
    (
        {"book_is_whole": False},
        "feed_live: saw book with a gap, limit a whole book; wait for the next snapshot",
    ),
    (
        {"bid": 0.0},
        "price_known: saw bid 0, ask 100.1, limit 0 < bid < ask; wait for depth or best quotes of this instrument",
    ),
    (
        {"bid": 100.2},
        "price_known: saw bid 100.2, ask 100.1, limit 0 < bid < ask; wait for depth or best quotes of this instrument",
    ),
    (
        {"ts_quote": 0},
        "price_fresh: saw no quote yet, limit 10 s; wait for depth or best quotes of this instrument",
    ),
    (
        {"ts_quote": START - 11 * NS_PER_SECOND},
        "price_fresh: saw 11.000 s, limit 10 s; wait for a new quote",
    ),
    (
        {"bid": 101.9, "ask": 102.1},
        "price_sane: saw 200.00 bps between signal 100 and market 102, limit 100 bps; "
        "the signal is late or wrong; raise max_price_deviation_bps if neither",
    ),
    (
        {"busy": "entry p1 unknown"},
        "order_pending: saw entry p1 unknown, limit nothing under way; wait until it is done or its fate is known",
    ),
    (
        {"held": Decimal("-0.5")},
        "existing_position: saw short 0.5, limit flat; wait until the position is closed",
    ),
    (
        {"exposure": Exposure(Decimal(10), 5)},
        "position_count: saw 5 open, limit 5; close one, or raise max_open_positions",
    ),
    (
        {"exposure": Exposure(None, 1)},
        "exposure_known: saw not known, limit a value for all of it; "
        "wait for prices of everything that is held or ordered",
    ),
    (
        {"exposure": Exposure(Decimal(10_000), 1)},
        "sizing: saw nothing left under max_exposure_fraction, limit above 0; close something, or raise the limit",
    ),
]


@pytest.mark.parametrize(("known", "message"), MESSAGES, ids=[message.split(" saw")[0] for _, message in MESSAGES])
def test_each_fact_refuses_in_its_own_words(known: dict[str, Any], message: str) -> None:
    """A refusal says which check, what it saw, the limit it applied and what to do."""
    assert message == refused(facts(**known)).message


def test_a_sell_where_nothing_is_lent_is_refused() -> None:
    """What is not held cannot be sold on spot."""
    found = refused(facts(), entry(Side.SELL, SPOT))
    assert (
        "no_short: saw sell when flat, limit no short on paper:spot:BTCUSDT; sell only what was bought" == found.message
    )


def test_an_entry_without_a_price_is_refused() -> None:
    """No expected price, no order, even if a quote seems to be there."""
    blind = msgspec.structs.replace(entry(), expected=None, worst=None)
    assert "price_known" == refused(facts(), blind).check


def test_a_spot_wallet_that_is_not_known_refuses() -> None:
    """Without credit nothing is bought from a balance that nobody has stated."""
    found = refused(facts(spendable=None), entry(rules=SPOT))
    assert ("sizing", "balance not known") == (found.check, found.saw)


def test_a_size_below_the_venues_minimum_is_refused_and_never_raised() -> None:
    """The message names rule, value, limit and what it would take."""
    small = refused(facts(), entry(rules=instrument(min_notional=Decimal(5_000))))
    assert (
        "min_notional: saw notional 2499.9975, limit minimum 5000 (BTCUSDT MIN_NOTIONAL); it takes a quantity of about "
        "49.951: raise risk_fraction or the caps, or leave it"
    ) == small.message
    lot = refused(facts(), entry(rules=instrument(min_quantity=Decimal(100))))
    assert (
        "min_quantity: saw quantity 24.975, limit at least 100 (BTCUSDT LOT_SIZE); "
        "raise risk_fraction or the caps, or leave it"
    ) == lot.message


def test_a_size_above_the_venues_maximum_is_refused() -> None:
    """LOT_SIZE from above."""
    found = refused(facts(), entry(rules=instrument(max_quantity=Decimal(1))))
    assert ("max_quantity", "quantity 24.975") == (found.check, found.saw)


@pytest.mark.parametrize(
    ("market", "conditional", "held", "most"),
    [("usdm", 8, "70", "80"), ("usdm", 3, "20", "40"), ("spot", 5, "70", "80"), ("usdm", None, "9999", None)],
)
def test_a_position_is_not_made_larger_than_what_can_rest_behind_stops(
    market: str, conditional: int | None, held: str, most: str | None
) -> None:
    """Parts of the largest order, as many as the venue lets wait: two orders each, on derivatives twice that."""
    rules = instrument(market=market, max_quantity=Decimal(40), max_conditional_orders=conditional)
    size = Size(Decimal(30), Decimal(3_000), passed("size", "30", "any"))
    outcome = max_quantity(size, entry(rules=rules), facts(held=Decimal(held)), RiskParams())
    if most is None:
        assert Verdict.PASSED is outcome.verdict
    else:
        assert (Verdict.FAILED, f"position {Decimal(held) + 30} after it") == (outcome.verdict, outcome.saw)
        assert outcome.limit.startswith(f"at most {most} (BTCUSDT LOT_SIZE 40 × MAX_NUM_ALGO_ORDERS)")
    smaller = max_quantity(size, entry(Side.SELL, rules), facts(held=Decimal(held)), RiskParams())
    assert Verdict.PASSED is smaller.verdict


def test_checks_that_stand_alone_are_all_asked_and_what_hangs_on_them_is_not_reached() -> None:
    """Two failures are both seen, the first names the refusal, and levels, sizing and size checks are not reached."""
    found = refused(facts(closed="paused", held=Decimal(1)))
    verdicts = {outcome.check: outcome.verdict for outcome in found.outcomes}
    assert STEPS == tuple(outcome.check for outcome in found.outcomes)
    assert ("entries_open", Verdict.FAILED) == (found.check, verdicts["existing_position"])
    after = STEPS[STEPS.index("stop_distance") :]
    assert {Verdict.NOT_REACHED} == {verdicts[name] for name in after}


def test_everything_passed_is_told_in_order() -> None:
    """What is cleared carries one passed answer for every step."""
    assert [(name, Verdict.PASSED) for name in STEPS] == [(o.check, o.verdict) for o in cleared().outcomes]


def test_the_key_fits_only_what_was_cleared() -> None:
    """A larger quantity, a worse price, another side, signal or instrument is an invariant broken, not an order."""
    fine = cleared()
    intent = entry_intent(fine, "paper", EntryStyle.MARKETABLE, None)
    assert intent == approve(fine, intent).intent
    place = place_of(intent)
    replace = msgspec.structs.replace
    for changed in (
        replace(intent, action=replace(place, quantity=place.quantity + Decimal("0.001"))),
        replace(intent, action=replace(place, price=fine.worst + Decimal("0.1"))),
        replace(intent, action=replace(place, price=None)),
        replace(intent, action=replace(place, side=Side.SELL)),
        replace(intent, signal_id="another"),
        replace(intent, instrument=SPOT.id),
    ):
        with pytest.raises(InvariantError):
            approve(fine, changed)
    with pytest.raises(InvariantError, match="a check that did not pass"):
        approve(replace(fine, outcomes=(Outcome("x", Verdict.FAILED),)), intent)


def test_the_mirror_of_an_entry_is_the_mirrored_order() -> None:
    """A sell is a buy turned round: the same size, its stop above and its target below by as much."""
    up, down = cleared(), cleared(Side.SELL)
    assert abs(up.quantity - down.quantity) / up.quantity < Decimal("0.01")
    assert (up.stop < up.worst < up.target, down.target < down.worst < down.stop) == (True, True)
    assert abs((up.worst - up.stop) - (down.stop - down.worst)) <= PERPETUAL.tick


def test_exposure_with_an_unknown_part_is_unknown() -> None:
    """A sum of what is known would understate the risk."""
    assert Exposure(Decimal(3), 2) == exposure_of({PERPETUAL.id: Decimal(1), SPOT.id: Decimal(2)})
    assert Exposure(None, 2) == exposure_of({PERPETUAL.id: None, SPOT.id: Decimal(2)})
    assert Exposure(Decimal(0), 0) == exposure_of({PERPETUAL.id: Decimal(0)})
