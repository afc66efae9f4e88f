"""What a run came to, in the shape that `--json` prints: counted from the turns, valued at the last marks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from petrosa.core.market.state import MarketState
from petrosa.core.model.events import Decision, Event, SignalMade
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Approved, OrderFilled, Place, Reducing
from petrosa.core.model.positions import Position
from petrosa.core.model.refusals import Refused

ZERO = Decimal(0)
SHOWN = Decimal("1E-8")
"""What a reader is shown of prices and profits: a mean price is a quotient, and its last digits mean nothing."""


class Account(Protocol):
    """What a trader holds, read between turns. Realized profit is gross, in its own currency; fees are by asset."""

    @property
    def positions(self) -> Mapping[InstrumentId, Position]: ...
    @property
    def realized(self) -> Decimal: ...
    @property
    def fees(self) -> Mapping[str, Decimal]: ...


class PositionLine(msgspec.Struct, frozen=True, kw_only=True):
    """One position. `mark` is the last mark price, or the middle of the last quote, on the tick; none if unknown."""

    instrument: InstrumentId
    quantity: Decimal
    entry_price: Decimal
    mark: Decimal | None
    unrealized: Decimal | None
    realized: Decimal
    fees: dict[str, Decimal]
    strategy_id: str
    signal_id: str


class Pnl(msgspec.Struct, frozen=True, kw_only=True):
    """Profit in `currency`, gross; realized profit in another asset stays with its position.

    Fees stand apart, by asset; `fees_converted` is none when an asset has no price.
    """

    currency: str
    realized: Decimal
    unrealized: Decimal
    fees: dict[str, Decimal]
    fees_converted: Decimal | None


class JournalLine(msgspec.Struct, frozen=True, kw_only=True):
    """Where the run is remembered, and its two digests."""

    path: str
    entries: int
    decisions_sha256: str
    sha256: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run. Counts are by kind and symbol, by strategy and side, by first failed check; times in seconds.

    `errors` could not be used and `skipped` is not for us, both by reason; `faults` has the first of each in words,
    `warming_up` the strategies of bars that had not heard enough of them at the end.
    """

    events: dict[str, dict[str, int]]
    gaps: dict[str, int]
    errors: dict[str, int]
    skipped: dict[str, int]
    faults: dict[str, str]
    signals: dict[str, dict[str, int]]
    refusals: dict[str, int]
    orders: int
    fills: int
    modelled_fills: int
    positions: list[PositionLine]
    pnl: Pnl
    journal: JournalLine
    arrival_shift_ns: int
    elapsed_s: float
    read_s: float
    decode_s: float
    decide_s: float
    events_per_s: float
    warming_up: list[str] = msgspec.field(default_factory=list)


class Tally:
    """Counts turns as they are recorded. `take` has the shape of `core.turns.Record`."""

    def __init__(self) -> None:
        self.signals: dict[str, Counter[str]] = {}
        self.refusals: Counter[str] = Counter()
        self.orders = self.fills = self.modelled_fills = 0

    def take(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:  # noqa: ARG002
        """Count one turn in."""
        if isinstance(event, OrderFilled):
            self.fills += 1
            self.modelled_fills += event.modelled
        for decision in decisions:
            match decision:
                case SignalMade(signal=signal):
                    self.signals.setdefault(signal.strategy_id, Counter())[signal.action.value] += 1
                case Refused():
                    self.refusals[decision.check] += 1
                case Approved(intent=intent) | Reducing(intent=intent):
                    self.orders += isinstance(intent.action, Place)
                case _:
                    pass


def position_lines(
    positions: Mapping[InstrumentId, Position],
    instruments: Mapping[InstrumentId, Instrument],
    markets: Mapping[InstrumentId, MarketState],
) -> list[PositionLine]:
    """Every open position, by instrument."""
    held = [key for key in sorted(positions) if not positions[key].is_flat]
    return [_line(positions[key], instruments[key], mark_of(markets[key])) for key in held]


def pnl_of(
    account: Account,
    lines: Sequence[PositionLine],
    instruments: Mapping[InstrumentId, Instrument],
    markets: Mapping[InstrumentId, MarketState],
    currency: str,
) -> Pnl:
    """The account's profit in its own currency; open profit in another asset is converted at that one's last price."""
    unrealized = ZERO
    for line in lines:
        rate = _rate(instruments[line.instrument].settle, currency, instruments, markets)
        unrealized = EXACT.add(unrealized, EXACT.multiply(line.unrealized or ZERO, rate or ZERO))
    return Pnl(
        currency=currency,
        realized=shown(account.realized),
        unrealized=shown(unrealized),
        fees=dict(account.fees),
        fees_converted=_converted(account.fees, currency, instruments, markets),
    )


def mark_of(market: MarketState) -> Decimal | None:
    """The price at which a position is valued, on the tick."""
    value = market.mark or market.mid
    return market.instrument.price(value) if value > 0.0 else None


def shown(value: Decimal) -> Decimal:
    """A price or a profit for readers: rounded to `SHOWN`, without the zeros that this adds to a shorter one."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -8:
        return value
    return EXACT.normalize(EXACT.quantize(value, SHOWN)) + ZERO


def _line(position: Position, instrument: Instrument, mark: Decimal | None) -> PositionLine:
    direction = position.direction
    unrealized: Decimal | None = ZERO
    if direction is not None:
        unrealized = (
            None if mark is None else instrument.profit(direction, position.quantity, position.entry_price, mark)
        )
    return PositionLine(
        instrument=position.instrument,
        quantity=position.quantity,
        entry_price=shown(position.entry_price),
        mark=mark,
        unrealized=None if unrealized is None else shown(unrealized),
        realized=shown(position.realized),
        fees=position.fees,
        strategy_id=position.strategy_id,
        signal_id=position.signal_id,
    )


def _converted(
    amounts: Mapping[str, Decimal],
    currency: str,
    instruments: Mapping[InstrumentId, Instrument],
    markets: Mapping[InstrumentId, MarketState],
) -> Decimal | None:
    """The sum in `currency`; none when an asset has no price."""
    total = ZERO
    for asset in sorted(amounts):
        rate = _rate(asset, currency, instruments, markets)
        if rate is None:
            return None
        total = EXACT.add(total, EXACT.multiply(amounts[asset], rate))
    return total


def _rate(
    asset: str,
    currency: str,
    instruments: Mapping[InstrumentId, Instrument],
    markets: Mapping[InstrumentId, MarketState],
) -> Decimal | None:
    if asset == currency:
        return Decimal(1)
    for key in sorted(instruments):
        instrument = instruments[key]
        if (instrument.base, instrument.quote) == (asset, currency) and key in markets:
            mark = mark_of(markets[key])
            if mark is not None:
                return mark
    return None
