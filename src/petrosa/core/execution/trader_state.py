"""What a trader remembers over a restart."""

import msgspec

from petrosa.core.execution.account import AccountState
from petrosa.core.execution.tally import TallyState
from petrosa.core.execution.trader_params import TraderParams
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.signals import Signal
from petrosa.core.signals.conflicts import Opinion


class Reversal(msgspec.Struct, frozen=True):
    """A signal against what is held: the exit has left, and the entry waits until nothing of the old is there."""

    instrument: InstrumentId
    signal: Signal


class TraderState(msgspec.Struct, frozen=True):
    """All that a trader knows. A trader restored from it goes on as if it had never stopped.

    `params` is what it goes by; whoever restores it tells it what is set by now (`ConfigureTrading`).
    """

    account: AccountState
    reversals: tuple[Reversal, ...]
    signal_ids: dict[str, int]
    paused: str
    stopping: str
    opinions: tuple[Opinion, ...] = ()
    tally: TallyState = TallyState()
    params: TraderParams | None = None
