"""`cross_exchange_spread`: our venue is cheaper or dearer than another by more than it costs to trade on both."""

import re
from collections.abc import Mapping
from math import inf, nextafter
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Depth, Reading
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Alias, Candidate, CatalogEntry, Quiet, ReplayHonesty, StrategyParams, score_of

TOPIC: Final = "quote"
_SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
QUOTES_MAX: Final = 64
"""Quotes remembered, by source and subject: those of a venue in a few currencies, and the rates between them."""
DOLLARS: Final = frozenset({"USD", "USDT", "USDC", "FDUSD", "BUSD", "TUSD", "DAI"})
"""Currencies that `assume_parity` may take for each other."""


class Params(StrategyParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    ALIASES: ClassVar[Mapping[str, Alias]] = {"min_signal_interval": Alias("cooldown_seconds")}

    cooldown_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="Least time between two signals; also called min_signal_interval.")
    ] = 300.0
    spread_threshold_percent: Annotated[
        float, Meta(ge=0.1, le=5, description="Least spread that counts, in %, after the fees of both venues.")
    ] = 0.5
    taker_fee_percent: Annotated[
        float, Meta(ge=0, le=2, description="What taking costs on our venue, in % of the value.")
    ] = 0.10
    other_taker_fee_percent: Annotated[
        float, Meta(ge=0, le=2, description="What taking costs on the other venue, in % of the value.")
    ] = 0.60
    conversion_fee_percent: Annotated[
        float, Meta(ge=0, le=2, description="What changing the other venue's currency into ours costs, in %.")
    ] = 0.0
    exchanges: Annotated[
        tuple[str, ...], Meta(max_length=16, description="Sources whose quotes count; our own venue is left out.")
    ] = ("coinbase", "kraken")
    max_age_seconds: Annotated[
        float, Meta(ge=1, le=3_600, description="An older quote or rate says nothing any more.")
    ] = 60.0
    assume_parity: Annotated[
        bool, Meta(description="Without a rate take every kind of dollar for one dollar; the signal then says so.")
    ] = False
    persistent_spread_periods: Annotated[
        int, Meta(ge=1, le=20, description="Quotes in a row of the other venue that must show the spread; 1 is off.")
    ] = 3
    base_confidence: Annotated[float, Meta(ge=0.5, le=1, description="Confidence from the threshold on.")] = 0.75
    high_spread_threshold: Annotated[
        float, Meta(ge=0.1, le=10, description="A spread after fees from here on is high, in %.")
    ] = 1.0
    high_spread_confidence: Annotated[float, Meta(ge=0.5, le=1, description="Confidence at a high spread.")] = 0.85
    max_position_size: Annotated[
        float, Meta(ge=100, le=10_000, description="Suggested size at full confidence, in the quote currency.")
    ] = 500.0

    def check(self) -> None:
        for name in self.exchanges:
            if _SOURCE.fullmatch(name) is None:
                hint = f"write {name.lower()!r}" if _SOURCE.fullmatch(name.lower()) else "write a-z, 0-9, _ . and -"
                raise ValueError(f"exchanges: {name[:80]!r} names no source; {hint}")
        if self.high_spread_confidence < self.base_confidence:
            raise ValueError(
                f"high_spread_confidence {self.high_spread_confidence} is below base_confidence {self.base_confidence}"
            )


_SHOWING: Final = (
    "spread_threshold_percent", "taker_fee_percent", "other_taker_fee_percent", "conversion_fee_percent",
    "max_age_seconds", "assume_parity",
)  # fmt: skip
"""Parameters that decide whether a quote shows a spread."""


class _Quote:
    """The last quote of a source, and for how many of its quotes in a row the spread has been beyond the threshold."""

    __slots__ = ("ask", "bid", "currency", "run", "ts")

    def __init__(self, ts: int, bid: float, ask: float, currency: str) -> None:
        self.ts, self.bid, self.ask, self.currency = ts, bid, ask, currency
        self.run = 0


class _Spread:
    """How our venue and another differ, in %: `gross` as quoted, `net` after fees, signed: positive is cheap here."""

    __slots__ = ("converted_by", "gross", "net", "parity", "run", "source")

    def __init__(self, source: str, run: int, gross: float, net: float, converted_by: str, *, parity: bool) -> None:
        self.source, self.run, self.gross, self.net = source, run, gross, net
        self.converted_by, self.parity = converted_by, parity


class CrossExchangeSpread:
    """Two executable prices: what one venue asks and what the other bids, in our currency.

    gross = 100 · (bid there − ask here) / ask here where it is cheap here, 100 · (bid here − ask there) / ask there
    where it is dear; where neither is above zero the books overlap and it is 0. net = gross − both takers' fees − the
    conversion's. It counts from `spread_threshold_percent` on, when the last `persistent_spread_periods` quotes of the
    other venue have all shown it.

    A price in another currency is changed at the rate a source quotes: of our USDT for its USD, the same venue's if it
    has one, else the youngest. Without a rate there is no comparison (`assume_parity` takes a dollar for a dollar).

    Only our leg is traded: buy where it is cheap here, sell where it is dear here. That is an opinion that prices
    meet, no arbitrage. Confidence is `base_confidence`, from `high_spread_threshold` on `high_spread_confidence`. The
    existing service took min(0.95, spread / 2): 0.25 at its threshold, so that nothing below 1.2 % would be published.
    """

    __slots__ = ("_best", "_currencies", "_fees", "_max_age_ns", "_params", "_quotes", "_rates", "_threshold")

    def __init__(self, params: Params) -> None:
        self._params = params
        self._quotes: dict[tuple[str, str], _Quote] = {}
        self._rates: dict[tuple[str, str], _Quote] = {}
        self._best: _Spread | None = None
        self.retune(params)

    def retune(self, params: Params) -> None:
        """Quotes of sources that count no more go; where a spread counts otherwise now, it must be shown again."""
        before, self._params = self._params, params
        self._quotes = {key: quote for key, quote in self._quotes.items() if key[0] in params.exchanges}
        if any(getattr(params, name) != getattr(before, name) for name in _SHOWING):
            for quote in self._quotes.values():
                quote.run = 0
        self._max_age_ns = round(params.max_age_seconds * NS_PER_SECOND)
        self._threshold = nextafter(params.spread_threshold_percent, 0.0)  # from the threshold on, not beyond it only
        self._fees = params.taker_fee_percent + params.other_taker_fee_percent

    def note(self, event: Reading, market: MarketState, now: int) -> None:
        instrument = market.instrument
        base, _, currency = event.subject.partition("/")
        bid, ask = event.values.get("bid", 0.0), event.values.get("ask", 0.0)
        if not 0.0 < bid <= ask < inf or event.source == instrument.venue:
            return
        if base == instrument.quote:
            self._keep(self._rates, (event.source, currency), _Quote(event.ts_event, bid, ask, currency))
        elif base == instrument.base and event.source in self._params.exchanges:
            quote = _Quote(event.ts_event, bid, ask, currency)
            before = self._keep(self._quotes, (event.source, currency), quote)
            run = 0 if before is None else before.run
            spread = self._compare(event.source, quote, market.bid, market.ask, instrument.quote, now)
            if isinstance(spread, Quiet) or abs(spread.net) <= self._threshold or self._is_old(market.ts_quote, now):
                quote.run = 0
            else:
                quote.run = max(run, 0) + 1 if spread.net > 0.0 else min(run, 0) - 1

    def evaluate(self, event: Depth, market: MarketState, now: int) -> float | Quiet:
        if not self._quotes:
            return Quiet.NO_SOURCE
        if not (event.bid_prices and event.ask_prices):
            return Quiet.EMPTY_BOOK
        bid, ask = event.bid_prices[0], event.ask_prices[0]
        if not 0.0 < bid < inf or not 0.0 < ask < inf:
            return Quiet.BAD_NUMBER
        if bid >= ask:
            return Quiet.CROSSED_BOOK
        reason, best = Quiet.NO_SOURCE, None
        for (source, _), quote in self._quotes.items():
            spread = self._compare(source, quote, bid, ask, market.instrument.quote, now)
            if isinstance(spread, Quiet):
                reason = Quiet.OLD_SOURCE if spread is Quiet.OLD_SOURCE else reason
            elif best is None or abs(spread.net) > abs(best.net):
                best = spread
        self._best = best
        if best is None:
            return reason
        score = score_of(best.net, self._threshold, -self._threshold)
        if -1.0 <= score <= 1.0:
            return score
        needed = self._params.persistent_spread_periods
        is_confirmed = best.run >= needed if best.net > 0.0 else best.run <= -needed
        return score if is_confirmed or needed == 1 else Quiet.NOT_CONFIRMED

    def candidate(self, event: Depth, market: MarketState, now: int) -> Candidate:
        best, params = self._best, self._params
        assert best is not None
        buys = best.net > 0.0
        is_high = abs(best.net) >= params.high_spread_threshold
        confidence = params.high_spread_confidence if is_high else params.base_confidence
        here = market.instrument.venue
        return Candidate(
            action=Action.BUY if buys else Action.SELL,
            confidence=confidence,
            price=event.ask_prices[0] if buys else event.bid_prices[0],
            current_price=(event.bid_prices[0] + event.ask_prices[0]) / 2.0,
            ts_event=event.ts_event,
            indicators={
                "gross_spread_percent": abs(best.gross),
                "net_spread_percent": abs(best.net),
                "fees_percent": abs(best.gross) - abs(best.net),
                "periods": float(abs(best.run)),
            },
            metadata={
                "strategy": "cross_exchange_spread",
                "buy_exchange": here if buys else best.source,
                "sell_exchange": best.source if buys else here,
                "traded_leg": here,
                "converted_by": best.converted_by,
                "parity_assumed": best.parity,
                "position_size_usdt": params.max_position_size * confidence,
            },
        )

    def warmup(self) -> tuple[int, int]:
        return (0, 0)

    def _compare(self, source: str, quote: _Quote, bid: float, ask: float, currency: str, now: int) -> _Spread | Quiet:
        """Our best prices against a quote; or why they cannot be compared."""
        if self._is_old(quote.ts, now):
            return Quiet.OLD_SOURCE
        their_bid, their_ask, converted_by, parity, fees = quote.bid, quote.ask, "", False, self._fees
        if quote.currency != currency:
            rate = self._rate(source, quote.currency, now)
            if rate is not None:
                converted_by, (rate_bid, rate_ask) = rate
                their_bid, their_ask = their_bid / rate_ask, their_ask / rate_bid
                if not 0.0 < their_bid <= their_ask < inf:
                    return Quiet.BAD_NUMBER
                fees += self._params.conversion_fee_percent
            elif self._params.assume_parity and {quote.currency, currency} <= DOLLARS:
                parity = True
            else:
                has_rate = any(other == quote.currency for _, other in self._rates)
                return Quiet.OLD_SOURCE if has_rate else Quiet.NO_SOURCE
        if min(bid, ask) <= 0.0:
            return Quiet.EMPTY_BOOK
        cheap_here, dear_here = 100.0 * (their_bid - ask) / ask, 100.0 * (bid - their_ask) / their_ask
        if cheap_here > 0.0:
            gross, net = cheap_here, max(0.0, cheap_here - fees)
        elif dear_here > 0.0:
            gross, net = -dear_here, min(0.0, fees - dear_here)
        else:
            gross = net = 0.0
        return _Spread(source, quote.run, gross, net, converted_by, parity=parity)

    def _rate(self, source: str, currency: str, now: int) -> tuple[str, tuple[float, float]] | None:
        """(who says so, bid and ask of our currency in theirs): the same venue's, else the youngest that is not old."""
        own = self._rates.get((source, currency))
        if own is not None and not self._is_old(own.ts, now):
            return source, (own.bid, own.ask)
        others = [
            (quote.ts, name, quote)
            for (name, other), quote in self._rates.items()
            if other == currency and not self._is_old(quote.ts, now)
        ]
        if not others:
            return None
        _, name, youngest = max(others, key=lambda found: found[:2])
        return name, (youngest.bid, youngest.ask)

    def _is_old(self, ts: int, now: int) -> bool:
        return now - ts > self._max_age_ns

    @staticmethod
    def _keep(quotes: dict[tuple[str, str], _Quote], key: tuple[str, str], quote: _Quote) -> _Quote | None:
        """Remember a quote unless there is a younger one or no room; returns the one before it."""
        before = quotes.get(key)
        if (before is not None and before.ts <= quote.ts) or (before is None and len(quotes) < QUOTES_MAX):
            quotes[key] = quote
        return before


ENTRY: Final = CatalogEntry(
    strategy_id="cross_exchange_spread",
    version=1,
    title="Cross-exchange spread",
    summary="Another venue pays more, or asks less, than ours by more than the fees of both.",
    fails_when=(
        "The other venue is closed for withdrawals, or broken: its price is then nobody's.",
        "The gap closes on the other venue: only our leg is traded, and it earns nothing.",
        "The fees that are set are not the fees that are paid.",
    ),
    listens_to=Depth,
    params=Params,
    build=CrossExchangeSpread,
    replay_honesty=ReplayHonesty.YES,
    replay_note="Where the recording holds the other venue's quotes as they came; without them it says nothing.",
    reads=(TOPIC,),
    history="`persistent_spread_periods` quotes of the other venue",
)
