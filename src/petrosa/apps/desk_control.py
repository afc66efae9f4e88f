"""What people and programs may tell the desk of this process, from before it is there until it has ended."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager

from petrosa.apps.kill_switch import DeskKillSwitch
from petrosa.apps.ordering import DeskOrders
from petrosa.apps.reconciling import DeskReconciling
from petrosa.apps.settings import Settings
from petrosa.apps.telling import ANSWER_S, Telling
from petrosa.apps.trading import DeskTrading
from petrosa.core.model.events import Decision, Event
from petrosa.runtime.loop import Loop
from petrosa.surfaces.access import Access
from petrosa.surfaces.api.desk import desk
from petrosa.surfaces.api.part import Part
from petrosa.surfaces.desk_reader import DeskReader


class DeskControl:
    """Signals, orders, the kill switch, the comparison with the venue, and what may be read of the desk.

    `record` is shown the desk's turns. `reconciling` is to be told how a real venue is asked.
    """

    def __init__(self, settings: Settings, report: Callable[[str], None], *, answer_s: float = ANSWER_S) -> None:
        """Who hands in a signal waits `answer_s` at most."""
        self._telling = Telling()
        self.trading = DeskTrading(self._telling, answer_s)
        self.orders = DeskOrders(self._telling)
        self.reconciling = DeskReconciling(self._telling)
        self.switch = DeskKillSwitch(self._telling, settings.home, report)
        self._reader: DeskReader | None = None

    def record(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """This is `core.turns.Record`; turns that a journal repeats are shown too."""
        self.switch.latch.fold(sequence, now, event, decisions)
        self.trading.filling.record(sequence, now, event, decisions)
        self._telling.record(sequence, now, event, decisions)

    @contextmanager
    def attached(self, loop: Loop, reader: DeskReader) -> Iterator[None]:
        """The desk takes what it is told while the block lasts."""
        self._reader = reader
        self._telling.attach(loop)
        self.switch.attached(lambda: reader.closed)
        self.reconciling.attached(reader.findings)
        try:
            yield
        finally:
            self._telling.detach()
            self.trading.filling.forget()

    def watching(self) -> AbstractAsyncContextManager[None]:
        """Obey the file and the signals of the system while the block lasts."""
        return self.switch.watching()

    def part(self, access: Access) -> Part:
        """The routes of the desk."""
        return desk(lambda: self._reader, self.trading, self.orders, self.switch, self.reconciling, access)
