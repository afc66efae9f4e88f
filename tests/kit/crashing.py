"""A process that runs a toy desk until a crash point kills it: `python -m tests.kit.crashing FOLDER POINT`."""

import sys
from pathlib import Path

from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.adapters.stores.tape.writer import TapeWriter
from petrosa.core.model.events import Started
from petrosa.core.model.orders import Approved, Reducing
from petrosa.core.turns import Turns
from petrosa.runtime.crash import crash_point
from petrosa.runtime.outbox import Outbox
from tests.kit.toys import PROVENANCE, RUN, START, ToyDesk, market


class FileGateway:
    """A venue that remembers every order it was sent, in a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def submit(self, order: Approved | Reducing, now: int) -> None:
        self._file.write(f"{order.intent.client_order_id}\n".encode())


def main(folder: Path, armed: str) -> None:
    crash = crash_point(armed)
    tape = TapeWriter(folder / "tape")
    journal = JournalWriter(folder, PROVENANCE, RUN, before_write=tape.flush, crash_point=crash)
    outbox = Outbox({"binance": FileGateway(folder / "sent")}, crash)
    turns = Turns(ToyDesk(), journal.record, outbox.send)
    journal.rotate(0, START, b"{}")
    turns.other(Started("toy"), START)
    for now, event in market(500):
        tape.append(turns.sequence, now, now, "binance:usdm", b"%d" % event.trade_id)
        turns.market(event, now)
    print("survived")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
