"""The questions before an entry. `CHECKS` need only facts, so all of them are asked; `SIZE_CHECKS` need a size.

Every check is pure: it looks and answers, and changes nothing.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.instruments import EXACT
from petrosa.core.model.market import FeedState
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.risk.facts import Entry, Facts
from petrosa.core.risk.filters import max_quantity, min_notional, min_quantity, on_grid, order_count, price_band
from petrosa.core.risk.limits import (
    accumulation,
    daily_loss,
    liquidity_known,
    margin,
    symbol_allowed,
    trades_per_day,
    trading_enabled,
)
from petrosa.core.risk.params import RiskParams
from petrosa.core.risk.sizing import Size


def entries_open(_: Entry, facts: Facts, __: RiskParams) -> Outcome:
    """Nobody has paused, halted or ended trading."""
    if facts.closed:
        return failed("entries_open", facts.closed, "open", "resume entries when the cause is gone")
    return passed("entries_open", "open", "open")


def equity_known(_: Entry, facts: Facts, __: RiskParams) -> Outcome:
    """There is an equity to take a share of."""
    limit = f"above 0 {facts.currency}"
    if facts.equity is None:
        return failed("equity_known", "not known", limit, "wait for prices of everything that is held, or set balances")
    if facts.equity <= 0:
        return failed("equity_known", f"{facts.equity:f} {facts.currency}", limit, "fund the account")
    return passed("equity_known", f"{facts.equity:f} {facts.currency}", limit)


def currency(entry: Entry, facts: Facts, _: RiskParams) -> Outcome:
    """Risk and value of the instrument are in the account's currency, so that they can be compared with equity."""
    instrument = entry.instrument
    valued_in = instrument.base if instrument.inverse else instrument.quote
    saw = valued_in if valued_in == instrument.settle else f"{valued_in}, settled in {instrument.settle}"
    if saw != facts.currency:
        return failed("currency", saw, facts.currency, "trade it from an account in that currency")
    return passed("currency", saw, facts.currency)


def feed_live(_: Entry, facts: Facts, __: RiskParams) -> Outcome:
    """What we look at is the market as it is."""
    if facts.feed_state is not FeedState.LIVE:
        return failed("feed_live", f"feed {facts.feed_state.value}", "live", "wait for the feed, or reconnect it")
    if not facts.book_is_whole:
        return failed("feed_live", "book with a gap", "a whole book", "wait for the next snapshot")
    return passed("feed_live", "live", "live")


def price_known(entry: Entry, facts: Facts, _: RiskParams) -> Outcome:
    """Both sides of the market are quoted, and an entry price follows from them."""
    saw = f"bid {facts.bid:g}, ask {facts.ask:g}"
    limit = "0 < bid < ask"
    if not 0.0 < facts.bid < facts.ask or entry.expected is None or entry.worst is None:
        return failed("price_known", saw, limit, "wait for depth or best quotes of this instrument")
    return passed("price_known", saw, limit)


def price_fresh(_: Entry, facts: Facts, params: RiskParams) -> Outcome:
    """The quote is not older than a price may be."""
    limit = f"{params.max_price_age_seconds:g} s"
    if facts.ts_quote <= 0:
        return failed("price_fresh", "no quote yet", limit, "wait for depth or best quotes of this instrument")
    age = (facts.now - facts.ts_quote) / NS_PER_SECOND
    if age > params.max_price_age_seconds:
        return failed("price_fresh", f"{age:.3f} s", limit, "wait for a new quote")
    return passed("price_fresh", f"{age:.3f} s", limit)


def price_sane(entry: Entry, facts: Facts, params: RiskParams) -> Outcome:
    """The market is still about where the signal saw it, which a stop entry's price is not."""
    limit = f"{params.max_price_deviation_bps:g} bps"
    seen = entry.signal.price if entry.trigger is None else entry.signal.current_price
    mid, said = (facts.bid + facts.ask) / 2.0, seen
    if not (mid > 0.0 and said > 0.0):
        return failed("price_sane", f"signal {said:g}, market {mid:g}", limit, "wait for depth or best quotes")
    deviation = abs(mid / said - 1.0) * 10_000.0
    saw = f"{deviation:.2f} bps between signal {said:g} and market {mid:g}"
    if not deviation <= params.max_price_deviation_bps:
        return failed("price_sane", saw, limit, "the signal is late or wrong; raise max_price_deviation_bps if neither")
    return passed("price_sane", saw, limit)


def no_short(entry: Entry, _: Facts, __: RiskParams) -> Outcome:
    """What is not held cannot be sold where nothing is lent."""
    if entry.side is Side.SELL and not entry.instrument.short_allowed:
        return failed("no_short", "sell when flat", f"no short on {entry.instrument.id}", "sell only what was bought")
    return passed("no_short", entry.side.value, "short allowed" if entry.instrument.short_allowed else "buy only")


def order_pending(_: Entry, facts: Facts, __: RiskParams) -> Outcome:
    """Nothing else is under way on the instrument, least of all an order whose fate is not known."""
    if facts.busy:
        return failed("order_pending", facts.busy, "nothing under way", "wait until it is done or its fate is known")
    return passed("order_pending", "none", "nothing under way")


def existing_position(_: Entry, facts: Facts, __: RiskParams) -> Outcome:
    """One entry a position, unless `signals.same_direction` lets positions be added to."""
    if facts.held != 0:
        saw = f"{'long' if facts.held > 0 else 'short'} {facts.held.copy_abs()}"
        if facts.adding is not None:
            return passed("existing_position", saw, "held for the same side, and may be added to")
        return failed("existing_position", saw, "flat", "wait until the position is closed")
    return passed("existing_position", "flat", "flat")


def position_count(_: Entry, facts: Facts, params: RiskParams) -> Outcome:
    """Not everything at once."""
    saw, limit = f"{facts.exposure.instruments} open", f"{params.max_open_positions}"
    if facts.adding is None and facts.exposure.instruments >= params.max_open_positions:
        return failed("position_count", saw, limit, "close one, or raise max_open_positions")
    return passed("position_count", saw, limit)


def exposure_known(_: Entry, facts: Facts, __: RiskParams) -> Outcome:
    """Everything at stake has a price, and so does what would pay for more."""
    limit = "a value for all of it"
    if facts.exposure.notional is None or facts.instrument_exposure is None:
        return failed("exposure_known", "not known", limit, "wait for prices of everything that is held or ordered")
    return passed("exposure_known", f"{facts.exposure.notional:f} {facts.currency}", limit)


Check = Callable[[Entry, Facts, RiskParams], Outcome]

CHECKS: Final[tuple[Check, ...]] = (
    entries_open,
    trading_enabled,
    symbol_allowed,
    equity_known,
    currency,
    feed_live,
    price_known,
    price_fresh,
    price_sane,
    price_band,
    no_short,
    order_pending,
    existing_position,
    accumulation,
    position_count,
    order_count,
    trades_per_day,
    daily_loss,
    exposure_known,
    liquidity_known,
)


def position_size(size: Size, _: Entry, facts: Facts, params: RiskParams) -> Outcome:
    """The position after the order is within its share of equity."""
    return _share("position_size", facts.instrument_exposure, size, facts, params.max_position_fraction)


def exposure_after(size: Size, _: Entry, facts: Facts, params: RiskParams) -> Outcome:
    """Everything after the order is within its share of equity."""
    return _share("exposure_after", facts.exposure.notional, size, facts, params.max_exposure_fraction)


def leverage(size: Size, _: Entry, facts: Facts, params: RiskParams) -> Outcome:
    """Everything after the order is within the leverage that is never exceeded."""
    return _share("leverage", facts.exposure.notional, size, facts, params.max_leverage)


SizeCheck = Callable[[Size, Entry, Facts, RiskParams], Outcome]

SIZE_CHECKS: Final[tuple[SizeCheck, ...]] = (
    on_grid,
    min_quantity,
    max_quantity,
    min_notional,
    position_size,
    exposure_after,
    leverage,
    margin,
)


def _share(check: str, used: Decimal | None, size: Size, facts: Facts, most: float) -> Outcome:
    limit = f"{most:g} of equity"
    if used is None or facts.equity is None or facts.equity <= 0:
        return failed(check, "not known", limit, "wait for prices of everything that is held or ordered")
    after = EXACT.divide(EXACT.add(used, size.notional), facts.equity)
    if after > Decimal(repr(most)):
        return failed(check, f"{after:.4f} of equity", limit, "close something, or lower the size")
    return passed(check, f"{after:.4f} of equity", limit)
