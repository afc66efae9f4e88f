"""What an account holds: positions as the sum of fills, balances, fees and profit. Fills in, values out."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.execution.params import AccountParams
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import BalanceChanged, FundingPaid, OrderFilled
from petrosa.core.model.positions import Position, PositionSide

ZERO: Final = Decimal(0)

Mark = Callable[[InstrumentId], Decimal | None]
"""What one unit of an instrument is worth now; None when that is not known."""


class StrategyHolding(msgspec.Struct, frozen=True):
    """The part of a position that a strategy's fills add up to."""

    instrument: InstrumentId
    strategy_id: str
    quantity: Decimal


class LedgerState(msgspec.Struct, frozen=True):
    """Everything a ledger knows, in the order in which it came to know it."""

    positions: tuple[Position, ...]
    holdings: tuple[StrategyHolding, ...]
    balances: dict[str, Decimal]
    realized: dict[str, Decimal]
    fees: dict[str, Decimal]
    funding: dict[str, Decimal]
    stated: dict[str, int]


class Ledger:
    """Positions keyed by instrument (one account, net), and per (instrument, strategy) the sum of its fills.

    `balances` are wallets by asset: moved by fills and funding, and overruled by what the venue states. `realized` is
    gross profit by settle asset, `fees` what was paid by asset (positive), `funding` what was received by asset.
    Fills of instruments that are not known raise `KeyError`: the caller has checked.
    """

    def __init__(self, params: AccountParams, instruments: Mapping[InstrumentId, Instrument]) -> None:
        self.account = params.account
        self.currency = params.currency
        self.positions: dict[InstrumentId, Position] = {}
        self.balances: dict[str, Decimal] = dict(params.balances)
        self.realized: dict[str, Decimal] = {}
        self.fees: dict[str, Decimal] = {}
        self.funding: dict[str, Decimal] = {}
        self._instruments = instruments
        self._holdings: dict[tuple[InstrumentId, str], Decimal] = {}
        self._stated: dict[str, int] = {}

    def fill(self, fill: OrderFilled, strategy_id: str, signal_id: str) -> Position:
        """Book a fill, once. Returns the position after it."""
        instrument = self._instruments[fill.instrument]
        before = self.positions.get(fill.instrument)
        change, base_fee = _signed(fill), _fee_in_base(fill, instrument)
        profit = _profit(before, change, fill.price, instrument)
        after = _next(before, change, base_fee, profit, fill, instrument, strategy_id, signal_id)
        self.positions[fill.instrument] = after
        self._credit(fill.instrument, strategy_id, EXACT.subtract(change, base_fee))
        _add(self.realized, instrument.settle, profit)
        _add(self.fees, fill.fee_asset, fill.fee)
        self._pay(fill, instrument, profit)
        return after

    def state_balance(self, event: BalanceChanged) -> None:
        """The venue says what a wallet holds: that is what it holds, earlier fills included."""
        if event.ts_event >= self._stated.get(event.asset, 0):
            self.balances[event.asset] = event.total
            self._stated[event.asset] = event.ts_event

    def fund(self, event: FundingPaid) -> None:
        """Book funding, negative when paid."""
        _add(self.funding, event.asset, event.amount)
        self._move(event.asset, event.amount, event.ts_event)

    def held(self, instrument: InstrumentId) -> Decimal:
        """Signed quantity in whole steps; what is below a step or the least order is dust and counts as flat."""
        position = self.positions.get(instrument)
        if position is None or position.quantity == 0:
            return ZERO
        rules = self._instruments[instrument]
        whole = rules.quantity(position.quantity.copy_abs())
        if whole < rules.min_quantity:
            return ZERO
        return whole if position.quantity > 0 else whole.copy_negate()

    def by_strategy(self, instrument: InstrumentId) -> dict[str, Decimal]:
        """Signed quantity per strategy; their sum is the position."""
        return {strategy: quantity for (key, strategy), quantity in self._holdings.items() if key == instrument}

    def unrealized(self, instrument: InstrumentId, mark: Decimal) -> Decimal:
        """Gross profit that closing at `mark` would make, in settle currency."""
        position = self.positions.get(instrument)
        if position is None or position.direction is None:
            return ZERO
        rules = self._instruments[instrument]
        return rules.profit(position.direction, position.quantity, position.entry_price, mark)

    def equity(self, mark: Mark) -> Decimal | None:
        """Wallets and open profit in the account's currency; None when a part that could lower it has no price.

        An asset without a price counts as nothing when it is owned, and makes equity unknown when it is owed. On spot
        the wallet of the base asset is the position, so its profit is in it already.
        """
        total = ZERO
        for asset, amount in self.balances.items():
            rate = Decimal(1) if asset == self.currency else self._rate(asset, mark)
            if rate is not None:
                total = EXACT.add(total, EXACT.multiply(amount, rate))
            elif amount < 0:
                return None
        for key, position in self.positions.items():
            rules = self._instruments[key]
            if rules.market == "spot" or position.is_flat:
                continue
            price = mark(key)
            if price is None or rules.settle != self.currency:
                return None
            total = EXACT.add(total, self.unrealized(key, price))
        return total

    def profit(self, mark: Mark) -> Decimal | None:
        """All that trading has made so far in the account's currency: realised and open profit, fees, funding.

        Deposits and withdrawals are none. None when a part of it has no price.
        """
        total = ZERO
        for sums, sign in ((self.realized, 1), (self.fees, -1), (self.funding, 1)):
            for asset, amount in sums.items():
                rate = Decimal(1) if asset == self.currency else self._rate(asset, mark)
                if rate is None:
                    return None
                total = EXACT.add(total, EXACT.multiply(EXACT.multiply(amount, rate), Decimal(sign)))
        for key, position in self.positions.items():
            if position.is_flat:
                continue
            price, settle = mark(key), self._instruments[key].settle
            rate = Decimal(1) if settle == self.currency else self._rate(settle, mark)
            if price is None or rate is None:
                return None
            total = EXACT.add(total, EXACT.multiply(self.unrealized(key, price), rate))
        return total

    def snapshot(self) -> LedgerState:
        holdings = tuple(StrategyHolding(key, name, value) for (key, name), value in self._holdings.items())
        return LedgerState(
            tuple(self.positions.values()),
            holdings,
            dict(self.balances),
            dict(self.realized),
            dict(self.fees),
            dict(self.funding),
            dict(self._stated),
        )

    def restore(self, state: LedgerState) -> None:
        self.positions = {position.instrument: position for position in state.positions}
        self._holdings = {(held.instrument, held.strategy_id): held.quantity for held in state.holdings}
        self.balances, self.realized = dict(state.balances), dict(state.realized)
        self.fees, self.funding, self._stated = dict(state.fees), dict(state.funding), dict(state.stated)

    def _credit(self, instrument: InstrumentId, strategy_id: str, change: Decimal) -> None:
        """Count a fill for its strategy; one that closes more than that strategy holds closes what the others hold."""
        own = (instrument, strategy_id)
        rest = change
        for key in (own, *[key for key in self._holdings if key[0] == instrument and key != own]):
            held = self._holdings.get(key, ZERO)
            if held != 0 and rest != 0 and (held > 0) != (rest > 0):
                part = rest if rest.copy_abs() <= held.copy_abs() else held.copy_negate()
                self._holdings[key] = EXACT.add(held, part)
                rest = EXACT.subtract(rest, part)
        if rest != 0 or own not in self._holdings:
            self._holdings[own] = EXACT.add(self._holdings.get(own, ZERO), rest)

    def _pay(self, fill: OrderFilled, instrument: Instrument, profit: Decimal) -> None:
        """Move the wallets that a fill moves: both assets on spot, profit elsewhere, and the fee."""
        if instrument.market == "spot":
            change = _signed(fill)
            value = instrument.notional(fill.quantity, fill.price)
            self._move(instrument.base, change, fill.ts_event)
            self._move(instrument.quote, value.copy_negate() if change > 0 else value, fill.ts_event)
        else:
            self._move(instrument.settle, profit, fill.ts_event)
        self._move(fill.fee_asset, fill.fee.copy_negate(), fill.ts_event)

    def _move(self, asset: str, amount: Decimal, ts_event: int) -> None:
        """Change a wallet, unless the venue's statement is as new and holds the change already."""
        if amount != 0 and ts_event > self._stated.get(asset, -1):
            _add(self.balances, asset, amount)

    def _rate(self, asset: str, mark: Mark) -> Decimal | None:
        """What one unit of an asset is worth in the account's currency, by the first instrument that says it."""
        for key, rules in self._instruments.items():
            if rules.base == asset and rules.quote == self.currency and not rules.inverse:
                price = mark(key)
                if price is not None:
                    return price
        return None


def _next(
    before: Position | None,
    change: Decimal,
    base_fee: Decimal,
    profit: Decimal,
    fill: OrderFilled,
    instrument: Instrument,
    strategy_id: str,
    signal_id: str,
) -> Position:
    """The position after a fill: larger at the mean price, smaller at the same, or turned round at the fill's price."""
    held = before.quantity if before is not None else ZERO
    traded = EXACT.add(held, change)
    quantity = EXACT.subtract(traded, base_fee)
    fees = dict(before.fees) if before is not None else {}
    _add(fees, fill.fee_asset, fill.fee)
    realized = EXACT.add(before.realized, profit) if before is not None else profit
    opens = before is None or held == 0 or (traded != 0 and (held > 0) != (traded > 0))
    if before is None or opens:
        entry, opened, strategy, signal = fill.price, fill.ts_event, strategy_id, signal_id
    else:
        opened, strategy, signal = before.ts_opened, before.strategy_id, before.signal_id
        grows = (held > 0) == (change > 0)
        entry = instrument.average_price(held, before.entry_price, change, fill.price) if grows else before.entry_price
    return Position(
        fill.account, fill.instrument, PositionSide.NET, quantity, entry, realized, fees, opened, fill.ts_event,
        strategy, signal,
    )  # fmt: skip


def _profit(before: Position | None, change: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
    """Gross profit of the part of a position that a fill closes."""
    if before is None or before.direction is None or (before.quantity > 0) == (change > 0):
        return ZERO
    closed = min(before.quantity.copy_abs(), change.copy_abs())
    return instrument.profit(before.direction, closed, before.entry_price, price)


def _signed(fill: OrderFilled) -> Decimal:
    return fill.quantity if fill.side is Side.BUY else fill.quantity.copy_negate()


def _fee_in_base(fill: OrderFilled, instrument: Instrument) -> Decimal:
    """What the venue keeps of a spot fill's base asset: it was bought and is not held."""
    return fill.fee if instrument.market == "spot" and fill.fee_asset == instrument.base else ZERO


def _add(sums: dict[str, Decimal], asset: str, amount: Decimal) -> None:
    if amount != 0:
        sums[asset] = EXACT.add(sums.get(asset, ZERO), amount)
