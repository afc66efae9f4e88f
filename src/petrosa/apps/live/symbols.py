"""A desk that is started for other symbols than its journal knows: nothing that is open may be forgotten."""

from collections.abc import Collection
from typing import Final

import msgspec

from petrosa.apps.wiring import Checkpoint
from petrosa.core.execution.account import AccountState
from petrosa.core.execution.ledger import LedgerState
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.errors import ConfigError

REMEDY: Final = (
    "start with {symbols} in feed.symbols too, close what is open, stop in order (SIGTERM), then leave it out"
)


def without(
    checkpoint: Checkpoint, known: Collection[InstrumentId], *, before: Collection[InstrumentId], turns: int
) -> Checkpoint:
    """The checkpoint of a journal that was written for instruments `before`, for a desk that knows others.

    `turns` is how many came after it. Raises `ConfigError` with the remedy when something is open on an instrument that
    is not known any more, or may be, because the desk was not stopped in order.
    """
    gone = sorted(set(before) - set(known))
    trader = checkpoint.desk.trader
    if not gone or trader is None:
        return checkpoint
    symbols = ", ".join(symbol_of(key) for key in gone)
    is_open = [key for key in gone if key in _open(trader.account)]
    is_open += [one.instrument for one in trader.reversals if one.instrument in gone]
    if is_open:
        what = f"the journal has an open position, order or exit on {', '.join(sorted(set(is_open)))}"
        raise ConfigError(f"{what}, and feed.symbols leaves it out; {REMEDY.format(symbols=symbols)}")
    if turns:
        what = f"the journal knows {symbols}, and goes on for {turns} turns after its last checkpoint"
        raise ConfigError(f"{what}; feed.symbols leaves it out; {REMEDY.format(symbols=symbols)}")
    account = msgspec.structs.replace(trader.account, ledger=_flat_left_out(trader.account, gone))
    desk = msgspec.structs.replace(checkpoint.desk, trader=msgspec.structs.replace(trader, account=account))
    return msgspec.structs.replace(checkpoint, desk=desk)


def _open(account: AccountState) -> set[InstrumentId]:
    """Instruments with anything that goes on."""
    held = {position.instrument for position in account.ledger.positions if not position.is_flat}
    resting = {order.intent.instrument for order in account.blotter.orders if order.is_live}
    return held | resting | {closing.cause.instrument for closing in account.closings}


def _flat_left_out(account: AccountState, gone: Collection[InstrumentId]) -> LedgerState:
    ledger = account.ledger
    return msgspec.structs.replace(
        ledger,
        positions=tuple(one for one in ledger.positions if one.instrument not in gone),
        holdings=tuple(one for one in ledger.holdings if one.instrument not in gone),
    )
