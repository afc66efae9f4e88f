"""cross_exchange_spread by hand: fees, currencies, ages, persistence, and noise that fees swallow."""

import random
from math import erfc, nextafter, sqrt

import msgspec
import pytest

from petrosa.core.market.state import MarketState
from petrosa.core.model.market import Depth, Reading
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Candidate, Quiet
from petrosa.core.strategies.tick.cross_exchange_spread import QUOTES_MAX, CrossExchangeSpread, Params
from tests.kit.readings import quote, reading
from tests.kit.soak import sample
from tests.kit.strategy_market import depth, market, seconds

ONCE = Params(persistent_spread_periods=1)
FREE = Params(
    persistent_spread_periods=1, taker_fee_percent=0.0, other_taker_fee_percent=0.0, assume_parity=True,
    edge_trigger=False, cooldown_seconds=0.0, min_confidence=0.0,
)  # fmt: skip
PAR = quote(0, 1.0, 1.0, "USDT/USD")


def book(at: float, bid: float, ask: float) -> Depth:
    return depth(at, [1.0], [1.0], bid, ask)


class Watched:
    """A strategy and the market of its own symbol, fed the way a desk feeds them."""

    def __init__(self, params: Params = ONCE) -> None:
        self.strategy, self.market = CrossExchangeSpread(params), market()

    def own(self, at: float = 0.0, bid: float = 100.0, ask: float = 100.0001) -> float | Quiet:
        self.event = book(at, bid, ask)
        self.market.apply(self.event, seconds(at))
        return self.strategy.evaluate(self.event, self.market, seconds(at))

    def hear(self, *readings: Reading) -> "Watched":
        for one in readings:
            self.strategy.note(one, self.market, one.ts_seen)
        return self

    def said(self) -> Candidate:
        return self.strategy.candidate(self.event, self.market, self.event.ts_seen)


def test_cheap_here_is_a_buy_here() -> None:
    """They bid 102 and we ask 100: 2 % gross, less 0.1 and 0.6 % of fees is 1.3 % net, which is high."""
    watched = Watched().hear(PAR, quote(0, 102.0, 102.1))
    assert watched.own(0, 99.9, 100.0) == pytest.approx(1.3 / 0.5)
    said = watched.said()
    assert (Action.BUY, 0.85, 100.0) == (said.action, said.confidence, said.price)
    assert said.indicators["gross_spread_percent"] == pytest.approx(2.0)
    assert said.indicators["net_spread_percent"] == pytest.approx(1.3)
    assert said.indicators["fees_percent"] == pytest.approx(0.7)
    assert {
        "strategy": "cross_exchange_spread", "buy_exchange": "binance", "sell_exchange": "coinbase",
        "traded_leg": "binance", "converted_by": "coinbase", "parity_assumed": False, "position_size_usdt": 425.0,
    } == said.metadata  # fmt: skip


def test_dear_here_is_a_sell_here() -> None:
    """They ask 100 and we bid 101.4: 1.4 % gross and 0.7 % net, above the threshold and not high."""
    watched = Watched().hear(PAR, quote(0, 99.9, 100.0))
    assert watched.own(0, 101.4, 101.5) == pytest.approx(-0.7 / 0.5)
    said = watched.said()
    assert (Action.SELL, 0.75, 101.4) == (said.action, said.confidence, said.price)
    assert ("coinbase", "binance") == (said.metadata["buy_exchange"], said.metadata["sell_exchange"])
    assert 375.0 == said.metadata["position_size_usdt"]


@pytest.mark.parametrize(("their_bid", "expected"), [(100.6, 0.0), (101.1, 0.8), (99.0, 0.0)])
def test_what_the_fees_explain_is_no_spread(their_bid: float, expected: float) -> None:
    """0.6 % gross is less than the fees, 1.1 % leaves 0.4 of the 0.5 % asked for; overlapping books are nothing."""
    watched = Watched().hear(PAR, quote(0, their_bid, 101.2))
    assert watched.own(0, 99.9, 100.0) == pytest.approx(expected)


def test_a_dollar_is_not_a_dollar() -> None:
    """BTC at 102 USD where a USDT costs 1.02 USD is the same price; where it costs 0.99 it is 3 % dearer."""
    assert 0.0 == Watched().hear(quote(0, 1.02, 1.02, "USDT/USD"), quote(0, 102.0, 102.0)).own()
    cheap = Watched().hear(quote(0, 0.99, 0.99, "USDT/USD"), quote(0, 102.0, 102.0))
    cheap.own(0, 99.9, 100.0)
    assert cheap.said().indicators["gross_spread_percent"] == pytest.approx(100 * (102 / 0.99 - 100) / 100)


def test_both_sides_of_the_rate_are_used() -> None:
    """Who sells there for USD buys USDT at its ask; who buys there sells USDT at its bid."""
    rate = quote(0, 0.98, 1.02, "USDT/USD")
    cheap, dear = Watched().hear(rate, quote(0, 106.0, 107.0)), Watched().hear(rate, quote(0, 92.0, 93.0))
    cheap.own(0, 99.9, 100.0)
    assert cheap.said().indicators["gross_spread_percent"] == pytest.approx(106 / 1.02 - 100)
    dear.own(0, 99.0, 99.1)
    assert dear.said().indicators["gross_spread_percent"] == pytest.approx(100 * (99 / (93 / 0.98) - 1))


def test_without_a_rate_there_is_no_comparison() -> None:
    """USD against USDT without a rate is refused, never taken one for one."""
    watched = Watched().hear(quote(0, 110.0, 110.0))
    assert Quiet.NO_SOURCE == watched.own()
    assert watched.hear(quote(0, 1.0, 1.0, "USDT/USD", "kraken")).own() == pytest.approx(18.59773, rel=1e-3)
    assert "kraken" == watched.said().metadata["converted_by"]


def test_the_rate_of_the_same_venue_comes_first_and_then_the_youngest() -> None:
    """Its own rate while that is fresh, then another's."""
    watched = Watched().hear(
        quote(0, 1.0, 1.0, "USDT/USD"), quote(40, 1.1, 1.1, "USDT/USD", "kraken"), quote(50, 110.0, 110.0)
    )
    watched.own(50, 99.9, 100.0)
    assert ("coinbase", pytest.approx(10.0)) == (
        watched.said().metadata["converted_by"], watched.said().indicators["gross_spread_percent"],
    )  # fmt: skip
    assert 0.0 == watched.own(61, 99.9, 100.0)
    assert Quiet.OLD_SOURCE == watched.own(101, 99.9, 100.0)


def test_parity_is_assumed_only_where_asked_and_only_among_dollars() -> None:
    """The signal says so; euros are no dollars whatever is assumed."""
    watched = Watched(Params(persistent_spread_periods=1, assume_parity=True)).hear(quote(0, 102.0, 102.0))
    watched.own(0, 99.9, 100.0)
    assert (True, "") == (watched.said().metadata["parity_assumed"], watched.said().metadata["converted_by"])
    euros = Watched(Params(persistent_spread_periods=1, assume_parity=True)).hear(quote(0, 102.0, 102.0, "BTC/EUR"))
    assert Quiet.NO_SOURCE == euros.own()


def test_the_same_currency_needs_no_rate() -> None:
    """BTC/USDT elsewhere is compared as it is, and the conversion's fee is not taken."""
    params = Params(persistent_spread_periods=1, conversion_fee_percent=1.0)
    assert Watched(params).hear(quote(0, 102.0, 102.0, "BTC/USDT")).own(0, 99.9, 100.0) == pytest.approx(2.6)
    assert Watched(params).hear(PAR, quote(0, 102.0, 102.0)).own(0, 99.9, 100.0) == pytest.approx(0.6)


def test_an_old_quote_says_nothing() -> None:
    """Sixty seconds are young enough, a moment more is not."""
    watched = Watched().hear(quote(30, 1.0, 1.0, "USDT/USD"), quote(0, 102.0, 102.0))
    assert watched.own(60, 99.9, 100.0) == pytest.approx(2.6)
    assert Quiet.OLD_SOURCE == watched.own(60.001, 99.9, 100.0)


def test_three_quotes_in_a_row_must_show_it() -> None:
    """Two do not, three do; one that shows nothing, or the opposite, begins the count anew."""
    watched = Watched(Params()).hear(PAR)
    watched.own(0, 99.9, 100.0)
    for at in (1, 2):
        assert Quiet.NOT_CONFIRMED == watched.hear(quote(at, 102.0, 102.0)).own(at, 99.9, 100.0)
    assert watched.hear(quote(3, 102.0, 102.0)).own(3, 99.9, 100.0) == pytest.approx(2.6)
    assert 3.0 == watched.said().indicators["periods"]
    watched.hear(quote(4, 100.0, 100.0))
    assert Quiet.NOT_CONFIRMED == watched.hear(quote(5, 102.0, 102.0)).own(5, 99.9, 100.0)
    assert Quiet.NOT_CONFIRMED == watched.hear(quote(6, 98.0, 98.0)).own(6, 99.9, 100.0)


def test_a_jump_of_our_own_price_is_not_confirmed_by_quotes_of_before() -> None:
    """The spread must have stood at their quotes, with our price as it then was."""
    watched = Watched(Params()).hear(PAR)
    watched.own(0, 99.9, 100.0)
    for at in (1, 2, 3):
        watched.hear(quote(at, 100.0, 100.0))
    assert Quiet.NOT_CONFIRMED == watched.own(4, 95.0, 95.1)


def test_the_widest_of_several_venues_is_taken() -> None:
    """Coinbase pays 2 % more and Kraken 3 %."""
    watched = Watched().hear(PAR, quote(0, 102.0, 102.0), quote(0, 103.0, 103.0, source="kraken"))
    watched.own(0, 99.9, 100.0)
    assert "kraken" == watched.said().metadata["sell_exchange"]


@pytest.mark.parametrize(
    "wrong",
    [
        quote(0, 102.0, 102.0, "ETH/USD"),
        quote(0, 102.0, 102.0, source="bitsomewhere"),
        quote(0, 102.0, 102.0, source="binance"),
        quote(0, 103.0, 102.0),
        quote(0, 0.0, 102.0),
        quote(0, float("nan"), 102.0),
        reading(0, "quote", "BTC/USD", "coinbase", last=102.0),
    ],
)
def test_what_is_no_quote_of_another_venue_is_not_taken_in(wrong: Reading) -> None:
    """Another coin, a venue that was not named, our own, a crossed or absent quote."""
    assert Quiet.NO_SOURCE == Watched().hear(PAR, wrong).own()


def test_a_late_quote_does_not_replace_a_younger_one() -> None:
    """What is older by its own stamp is no news."""
    watched = Watched().hear(PAR, quote(5, 102.0, 102.0), quote(1, 90.0, 90.0))
    assert watched.own(5, 99.9, 100.0) == pytest.approx(2.6)


def test_an_own_book_without_a_side_is_quiet() -> None:
    """Nothing to compare with, or nothing that can be."""
    watched = Watched().hear(PAR, quote(0, 102.0, 102.0))
    state: MarketState = watched.market
    assert Quiet.EMPTY_BOOK == watched.strategy.evaluate(depth(0, [], [1.0]), state, seconds(0))
    assert Quiet.CROSSED_BOOK == watched.own(0, 100.0, 100.0)
    assert Quiet.BAD_NUMBER == watched.own(0, float("nan"), 100.0)


@pytest.mark.parametrize("theirs", [100.4, 100.5, 100.7, 103.0, 99.0])
def test_with_fees_and_guards_off_it_is_the_documented_spread(theirs: float) -> None:
    """s = 100 · (high − low) / low on single prices, from 0.5 on; dear and cheap alike."""
    watched = Watched(FREE).hear(quote(0, theirs, theirs))
    answer = watched.own(0, nextafter(100.0, 0.0), 100.0)
    spread = 100 * (max(theirs, 100.0) - min(theirs, 100.0)) / min(theirs, 100.0)
    assert isinstance(answer, float)
    assert (spread >= 0.5) == (abs(answer) > 1.0)
    assert watched.said().indicators["gross_spread_percent"] == pytest.approx(spread, abs=1e-9)
    assert watched.said().indicators["gross_spread_percent"] == watched.said().indicators["net_spread_percent"]


def test_noise_that_fees_swallow_does_not_make_it_talk() -> None:
    """Quotes 0.5 % to either side at random exceed 1.2 % in erfc(1.2 / 0.5√2) = 1.64 % of cases, three in a row in
    two of a million: one quote in a row speaks at that rate, three never.
    """
    rng, many = random.Random(4), sample(4_000, 40_000)
    one, three = Watched(), Watched(Params())
    said = {"one": 0, "three": 0}
    for at in range(many):
        move = rng.gauss(0.0, 0.5) / 100
        theirs = 100 * (1 + move) if move > 0 else 100 / (1 - move)
        for name, watched in (("one", one), ("three", three)):
            watched.hear(quote(at, 1.0, 1.0, "USDT/USD"), quote(at, theirs, theirs))
            answer = watched.own(at, 100.0 - 1e-9, 100.0)
            said[name] += isinstance(answer, float) and abs(answer) > 1.0
    expected = erfc(1.2 / 0.5 / sqrt(2))
    assert abs(said["one"] / many - expected) < 4 * sqrt(expected / many)
    assert 0 == said["three"]


def test_memory_is_bounded() -> None:
    """However many currencies are quoted."""
    watched = Watched()
    for number in range(2 * QUOTES_MAX):
        watched.hear(quote(0, 1.0, 1.0, f"BTC/C{number}"), quote(0, 1.0, 1.0, f"USDT/C{number}"))
    assert (QUOTES_MAX, QUOTES_MAX) == (len(watched.strategy._quotes), len(watched.strategy._rates))


def test_confidences_that_contradict_each_other_are_refused() -> None:
    """A high spread is not less certain."""
    with pytest.raises(ValueError, match=r"high_spread_confidence 0.6 is below base_confidence 0.75"):
        Params(high_spread_confidence=0.6)


def test_a_venue_is_spelled_as_its_source_is() -> None:
    """In small letters; another spelling would silently hear nobody."""
    with pytest.raises(ValueError, match=r"exchanges: 'Kraken' names no source; write 'kraken'"):
        Params(exchanges=("coinbase", "Kraken"))


def test_a_source_that_counts_no_more_is_forgotten_at_once() -> None:
    """Its last quote is no reason to trade any more, however young it is."""
    watched = Watched().hear(PAR, quote(0, 102.0, 102.1))
    assert isinstance(watched.own(0, 99.9, 100.0), float)
    watched.strategy.retune(msgspec.structs.replace(ONCE, exchanges=("kraken",)))
    assert Quiet.NO_SOURCE == watched.own(1, 99.9, 100.0)


def test_another_threshold_has_to_be_shown_anew() -> None:
    """Three quotes 1 % away are no proof of 2 %; the other parameters take nothing from what was shown."""
    patient = Params(persistent_spread_periods=3, spread_threshold_percent=0.1)
    watched = Watched(patient)
    watched.own(0, 99.9, 100.0)
    for at in range(3):
        watched.hear(quote(at, 1.0, 1.0, "USDT/USD"), quote(at, 102.0, 102.1))
    assert isinstance(watched.own(3, 99.9, 100.0), float)
    watched.strategy.retune(msgspec.structs.replace(patient, base_confidence=0.8))
    assert isinstance(watched.own(3, 99.9, 100.0), float)
    watched.strategy.retune(msgspec.structs.replace(patient, spread_threshold_percent=0.2))
    assert Quiet.NOT_CONFIRMED == watched.own(4, 99.9, 100.0)


def test_a_rate_that_makes_a_price_vanish_is_no_rate() -> None:
    """The smallest price there is by the largest rate there is would be a price of nothing."""
    watched = Watched()
    watched.own(0)
    watched.hear(quote(0, 1e24, 1e24, "USDT/USD"), quote(0, 5e-324, 5e-324))
    assert Quiet.NO_SOURCE == watched.own(1)


@pytest.mark.parametrize("name", ["Kraken", "", "kraken,coinbase", "x" * 65, "k\u00fc"])
def test_exchanges_are_names_of_sources(name: str) -> None:
    """What no source can be called would be waited for in vain."""
    with pytest.raises(ValueError, match="names no source; write"):
        Params(exchanges=(name,))
