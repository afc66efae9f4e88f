"""A lease in a cluster, of an account or of a subject: a key of a JetStream bucket, renewed at a third of its time.

Nobody's clock is compared with anybody's: a contender takes over when it has seen the same revision stand for the whole
time of the lease, by its own clock, and a holder counts from before its renewal left, less a margin. So the holder has
stopped before the other begins. Every change is a compare-and-set on the revision, so two contenders cannot both win.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Final

import msgspec

from petrosa.adapters.bus.cells import Cell, Cells
from petrosa.adapters.leases.sole import refusal_of
from petrosa.errors import LeaseLost, TransportError

BUCKET: Final = "petrosa-leases"
DESCRIPTION: Final = "Petrosa: which process may send for an account, or publish on a subject"
MARGIN: Final = 0.25
"""The part of the time that a holder gives away, for clocks that run at different rates and for what is on its way."""
_BOOT: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class NatsHolder(msgspec.Struct, frozen=True):
    """What stands under a key. No `id` says that nobody holds it."""

    name: str = ""
    id: str = ""
    ttl_s: float = 0.0
    account: str = ""


class NatsLease:
    """Implements `ports.Lease`. A contender waits for the longer of its own time and the holder's.

    A key that is not there must be seen missing for that time too, since the broker may have forgotten its holder;
    unless `takes_unknown`: then there may be two for as long as it takes to renew, where no money is at stake.

    With an `owner` it is the lease of an API key in the name of that account: `acquire` raises `ConfigError` where it
    sees another account renew it.
    """

    def __init__(
        self, cells: Cells, key: str, what: str, name: str, ttl_s: float, report: Callable[[str], None],
        *, takes_unknown: bool = False, owner: str = "",
    ) -> None:  # fmt: skip
        """`what` the lease is of, in words."""
        self.token = 0
        self._what = what
        self._takes_unknown = takes_unknown
        self._owner = owner
        self._cells = cells
        self._key = key
        self._name = name
        self._ttl_s = ttl_s
        self._report = report
        self._id = secrets.token_hex(8)
        self._revision = 0
        self._renewed: tuple[float, float] = (0.0, 0.0)
        self._over = f"the lease of {what} is not held here"
        self._said = ""

    async def acquire(self) -> None:
        seen, since = -1, 0.0
        while True:
            try:
                async with asyncio.timeout(self._ttl_s):
                    revision, holder = await self._look()
                    now = _boot()
                    if holder is not None and holder.id not in ("", self._id):
                        self._say(f"{self._what} is held by {holder.name}; waiting to take it over")
                    if holder is not None and holder.id and seen not in (-1, revision):
                        self._refuse(holder)
                    if revision != seen:
                        seen, since = revision, now
                    ttl_s = self._ttl_s if holder is None else max(self._ttl_s, holder.ttl_s)
                    is_free = (
                        self._takes_unknown if holder is None else holder.id in ("", self._id)
                    )  # ours: an answer was lost
                    if (is_free or now - since >= ttl_s) and await self._claim(revision):
                        return
            except (TransportError, TimeoutError) as problem:
                self._say(f"no lease of {self._what} yet: {_said(problem)}; waiting for the broker")
            await asyncio.sleep(self._ttl_s / 10)

    def why_not(self) -> str:
        if self._over:
            return self._over
        age, limit = self._age(), self._ttl_s * (1.0 - MARGIN)
        if age < limit:
            return ""
        return f"the lease of {self._what} was not renewed for {age:.1f} s, limit {limit:.1f} s: another may hold it"

    async def run(self) -> None:
        pause, has_failed = self._ttl_s / 3, False
        while True:
            await asyncio.sleep(pause)
            try:
                async with asyncio.timeout(self._ttl_s / 3):
                    if has_failed:  # without its bucket a write has no answer, for ever
                        await self._cells.ensure(DESCRIPTION)
                    pause = self._ttl_s / 3 if await self._renew() else 0.0
                has_failed = False
            except (TransportError, TimeoutError) as problem:
                self._say(f"the lease of {self._what} could not be renewed: {_said(problem)}; trying on")
                pause, has_failed = self._ttl_s / 10, True

    async def release(self) -> None:
        """Where the broker is away, the others wait for the time of the lease."""
        if self._over:
            return
        self._over = f"the lease of {self._what} was released"
        try:
            async with asyncio.timeout(self._ttl_s / 3):
                nobody = msgspec.json.encode(NatsHolder())
                if await self._cells.write(self._key, nobody, self._revision) is None:
                    revision, holder = await self._look()  # a renewal was under way when it was cut short
                    if holder is not None and holder.id == self._id:
                        await self._cells.write(self._key, nobody, revision)
        except (TransportError, TimeoutError) as problem:
            self._say(f"the lease of {self._what} ends by itself in {self._ttl_s:g} s: {_said(problem)}")

    async def _look(self) -> tuple[int, NatsHolder | None]:
        """(revision, holder) of the key; revision 0 and none when it is not there."""
        await self._cells.ensure(DESCRIPTION)
        cell = await self._cells.read(self._key)
        if cell is None:
            return 0, None
        return cell.revision, read_holder(cell)

    async def _claim(self, after: int) -> bool:
        """Whether the key is ours now."""
        sent = _clocks()
        revision = await self._cells.write(self._key, self._record(), after)
        if revision is None:
            return False
        self.token = self._revision = revision
        self._renewed, self._over, self._said = sent, "", ""
        return True

    async def _renew(self) -> bool:
        """Whether the key is ours for another while; if not, one may try again at once. Raises `LeaseLost`."""
        sent = _clocks()
        revision = await self._cells.write(self._key, self._record(), self._revision)
        if revision is not None:
            self._revision, self._renewed, self._said = revision, sent, ""
            return True
        cell = await self._cells.read(self._key)
        holder = None if cell is None else read_holder(cell)
        if cell is None or holder is None or holder.id != self._id:
            name = holder.name if holder is not None else ""
            self._over = f"the lease of {self._what} is lost to {name or 'nobody that is known'}"
            raise LeaseLost(f"{self._over}; nothing leaves any more: start again to wait for it")
        self._revision = cell.revision  # a renewal of ours whose answer was lost
        return False

    def _refuse(self, holder: NatsHolder) -> None:
        """Raise where who renews an API key is another account."""
        why = refusal_of(self._owner, holder.account, holder.name)
        if why is not None:
            raise why

    def _record(self) -> bytes:
        return msgspec.json.encode(NatsHolder(self._name, self._id, self._ttl_s, self._owner))

    def _age(self) -> float:
        """Seconds since the last renewal left, by whichever clock went further: one stops while a machine sleeps, the
        other may be set back."""
        return max(now - then for now, then in zip(_clocks(), self._renewed, strict=True))

    def _say(self, message: str) -> None:
        if message != self._said:
            self._said = message
            self._report(message)


def read_holder(cell: Cell) -> NatsHolder:
    """Who holds a key; raises `TransportError` for what is no record of ours, which no time makes free."""
    try:
        return msgspec.json.decode(cell.data, type=NatsHolder)
    except msgspec.DecodeError as problem:
        raise TransportError(f"bucket {BUCKET} holds {cell.data[:80]!r}, which is no holder ({problem})") from None


def _said(problem: BaseException) -> str:
    return str(problem) or "no answer"


def _boot() -> float:
    """Seconds that go on while the machine sleeps, where the system can say so."""
    return time.clock_gettime(_BOOT)


def _clocks() -> tuple[float, float]:
    return _boot(), time.time()
