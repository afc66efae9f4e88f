"""The limits that a person sets: what may be entered at all, how often, and how much may be lost in a day."""

from decimal import Decimal

from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.instruments import EXACT
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.risk.facts import Entry, Facts
from petrosa.core.risk.params import RiskParams
from petrosa.core.risk.sizing import Size


def trading_enabled(entry: Entry, _: Facts, params: RiskParams) -> Outcome:
    """Entries are switched on, and entries of this side are."""
    longs = entry.side is Side.BUY
    switch, is_on = ("enable_longs", params.enable_longs) if longs else ("enable_shorts", params.enable_shorts)
    for name, value in (("enabled", params.enabled), (switch, is_on)):
        if not value:
            return failed("trading_enabled", f"risk.{name} = false", "true", f"set risk.{name} when it is wanted")
    return passed("trading_enabled", entry.side.value, f"enabled and {switch}")


def symbol_allowed(entry: Entry, _: Facts, params: RiskParams) -> Outcome:
    """The instrument is one of those that may be entered."""
    rules, allowed = entry.instrument, params.allowed_symbols
    if not allowed:
        return passed("symbol_allowed", rules.symbol, "any known instrument")
    limit = ", ".join(allowed)
    if not {rules.symbol, rules.ccxt_symbol, rules.id} & set(allowed):
        return failed("symbol_allowed", rules.symbol, limit, "add it to risk.allowed_symbols if it may be traded")
    return passed("symbol_allowed", rules.symbol, limit)


def accumulation(_: Entry, facts: Facts, params: RiskParams) -> Outcome:
    """An addition to a position is not one too many, not too soon, and by no weaker opinion than another."""
    limit = f"{params.max_accumulations} additions, {params.accumulation_cooldown_seconds:g} s apart"
    adding = facts.adding
    if adding is None:
        return passed("accumulation", "no addition", limit)
    since = (facts.now - adding.ts_last) / NS_PER_SECOND
    saw = f"{adding.count} so far, {since:.3f} s since the last entry"
    if adding.count >= params.max_accumulations:
        return failed("accumulation", saw, limit, "wait until the position is closed, or raise max_accumulations")
    if since < params.accumulation_cooldown_seconds:
        return failed("accumulation", saw, limit, "wait, or lower accumulation_cooldown_seconds")
    if adding.rival:
        remedy = "nothing to do: a stronger opinion for the same side was acted on"
        return failed("accumulation", f"{adding.rival} is not weaker", "stronger than all of its side", remedy)
    return passed("accumulation", saw, limit)


def trades_per_day(_: Entry, facts: Facts, params: RiskParams) -> Outcome:
    """Not more entries in a UTC day than were planned."""
    saw, limit = f"{facts.today.trades} since 00:00 UTC", f"{params.max_trades_per_day}"
    if facts.today.trades >= params.max_trades_per_day:
        return failed("trades_per_day", saw, limit, "wait for the next day, or raise max_trades_per_day")
    return passed("trades_per_day", saw, limit)


def daily_loss(_: Entry, facts: Facts, params: RiskParams) -> Outcome:
    """What the day has lost, open positions and fees included, is below its share of what the day began with."""
    equity, loss = facts.today.equity, facts.today.loss
    if equity is None or loss is None or equity <= 0:
        limit = f"below {params.max_daily_loss_fraction:.2%} of the day's first equity"
        remedy = "wait for prices of everything that is held or was paid as a fee"
        return failed("daily_loss", "not known", limit, remedy)
    most = EXACT.multiply(equity, Decimal(repr(params.max_daily_loss_fraction)))
    saw, limit = f"{loss:.4f} {facts.currency} since 00:00 UTC", f"below {most:.4f} {facts.currency}"
    if loss >= most:
        return failed("daily_loss", saw, limit, "wait for the next day, or raise max_daily_loss_fraction")
    return passed("daily_loss", saw, limit)


def liquidity_known(_: Entry, facts: Facts, params: RiskParams) -> Outcome:
    """Where the size is to be a share of the book, the book shows something up to the worst price."""
    if params.max_liquidity_fraction == 0.0:
        return passed("liquidity_known", "not asked", "max_liquidity_fraction = 0")
    limit = f"{params.max_liquidity_fraction:.2%} of what the book shows within max_slippage_bps"
    if facts.liquidity is None or facts.liquidity <= 0:
        remedy = "wait for depth of this instrument, or set max_liquidity_fraction to 0"
        return failed("liquidity_known", "not known", limit, remedy)
    return passed("liquidity_known", f"{facts.liquidity:f}", limit)


def margin(size: Size, entry: Entry, facts: Facts, params: RiskParams) -> Outcome:
    """What the order takes, its fee included, is free: margin at `margin_leverage`; without credit, all of it."""
    rules = entry.instrument
    fee = EXACT.multiply(size.notional, max(rules.taker_fee_rate, rules.maker_fee_rate, Decimal(0)))
    if rules.market == "spot":
        free, needed = facts.spendable, EXACT.add(size.notional, fee)
    else:
        leverage = Decimal(repr(params.margin_leverage))
        used = None if facts.margined is None else EXACT.divide(facts.margined, leverage)
        free = None if facts.collateral is None or used is None else EXACT.subtract(facts.collateral, used)
        needed = EXACT.add(EXACT.divide(size.notional, leverage), fee)
    limit = f"{needed:.4f} {facts.currency} for the order and its fee"
    if free is None:
        return failed("margin", "not known", limit, "wait for prices of everything that is held, or set balances")
    if free < needed:
        remedy = "close something, fund the account, or lower the size"
        return failed("margin", f"{free:.4f} {facts.currency} free", limit, remedy)
    return passed("margin", f"{free:.4f} {facts.currency} free", limit)
