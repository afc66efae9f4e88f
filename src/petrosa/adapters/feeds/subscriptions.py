"""What is said on one market connection, so that the venue sends on it what is wanted and nothing else."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol

from petrosa.adapters.feeds.dialect import Dialect, Reply
from petrosa.adapters.net.websocket import Ears, Wire
from petrosa.errors import TransportError


class Control(NamedTuple):
    """How the venue is asked. Binance ends connections on which more than five frames come in a second, pings included.

    With a pause of `spacing_s` there are three requests in a second, a ping and a pong. A request has at most `batch`
    streams. One that is not
    acknowledged within `ack_s` is made again; after `tries` in a row the connection is given up. A stream that was
    refused is asked for again after `again_s`, then ever later up to `again_most_s`. Every `list_every_s` the venue is
    asked what it believes to be subscribed.
    """

    batch: int = 50
    spacing_s: float = 0.34
    ack_s: float = 5.0
    tries: int = 3
    list_every_s: float = 60.0
    again_s: float = 60.0
    again_most_s: float = 3_600.0


CONTROL: Final = Control()


class Refusal(NamedTuple):
    """Why a stream is not given, how often that was said, and when (loop time) it is asked for again."""

    reason: str
    times: int
    again_at: float


class Wanted:
    """What a connection is to hear, whichever connection that is just now."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self.anew: set[str] = set()
        """To be subscribed to once more, because what they said is not whole."""
        self.refused: dict[str, Refusal] = {}
        self.counts: Counter[str] = Counter()


class Place(Protocol):
    """What the connections of one shard have in common, as one of them sees it."""

    @property
    def wanted(self) -> Wanted: ...

    @property
    def ids(self) -> Iterator[int]: ...

    def joined(self, connection: "Subscriptions") -> None:
        """It is open: have it lead, or follow the one that does."""
        ...

    def left(self, connection: "Subscriptions") -> None: ...

    def changed(self, why: str) -> None:
        """Other streams are acknowledged than before."""
        ...

    def missing(self, stream: str, why: str) -> None: ...


class Subscriptions:
    """A `Wire` on which, from when it is listened to, the venue is asked for what is wanted, one request at a time."""

    def __init__(
        self, wire: Wire, place: Place, dialect: Dialect, control: Control,
        sleep: Callable[[float], Coroutine[Any, Any, None]],
    ) -> None:  # fmt: skip
        self.held: dict[str, None] = {}
        """What the venue has acknowledged."""
        self._wire = wire
        self._place = place
        self._dialect = dialect
        self._control = control
        self._sleep = sleep
        self._ears: Ears | None = None
        self._asking: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()
        self._halves: deque[list[str]] = deque()
        self._number = 0
        self._answer: asyncio.Future[Reply] | None = None
        self._unanswered = 0
        self._list_at = asyncio.get_running_loop().time() + control.list_every_s

    # what a kept connection is asked

    @property
    def signs(self) -> int:
        return self._wire.signs

    def listen(self, ears: Ears) -> None:
        self._ears = ears
        self._place.joined(self)
        self._asking = asyncio.create_task(self._ask_for_ever(ears))

    def deafen(self) -> None:
        self._wire.deafen()

    async def ping(self) -> None:
        await self._dialect.ping(self._wire)

    async def send(self, message: bytes) -> None:
        await self._wire.send(message)

    async def ready(self) -> None:
        await self._settled.wait()

    async def close(self) -> None:
        try:
            if self._asking is not None:
                self._asking.cancel()
                await asyncio.gather(self._asking, return_exceptions=True)
        finally:
            if self._asking is not None:
                self._place.left(self)
            await self._wire.close()

    # what its place asks of it

    def lead(self) -> None:
        """What it hears is handed on."""
        assert self._ears is not None
        self._wire.listen(self._ears)

    def follow(self, aside: Callable[[bytes], None]) -> None:
        """What it hears of streams goes `aside`; everything else is its own."""
        assert self._ears is not None
        self._wire.listen(_Follower(self._ears, self._dialect.prefix, aside))

    def hand_on(self, frame: bytes) -> None:
        """What was put aside, as if it came now."""
        assert self._ears is not None
        self._ears.heard(frame)

    def look_again(self) -> None:
        """Something else is wanted."""
        self._settled.clear()
        self._changed.set()

    def took(self, reply: Reply) -> bool:
        """Whether it is the answer that is waited for. The venue leaves the number out of what it could not read."""
        if (
            self._answer is None
            or self._answer.done()
            or (reply.number != self._number and not (reply.number is None and reply.no))
        ):
            return False
        self._answer.set_result(reply)
        return True

    # asking

    async def _ask_for_ever(self, ears: Ears) -> None:
        try:
            while True:
                self._changed.clear()
                if await self._step():
                    await self._sleep(self._control.spacing_s)
                    continue
                self._settled.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(self._next_at()):
                        await self._changed.wait()
        except TransportError as problem:
            ears.ended(str(problem))
        except Exception as mistake:  # noqa: BLE001 - it comes through to whoever runs the connection
            ears.failed(mistake)

    async def _step(self) -> bool:
        """Make the next request, if there is one to make."""
        wanted = self._place.wanted
        extra = [name for name in self.held if name not in wanted.names or name in wanted.anew][: self._control.batch]
        if extra:
            await self._unsubscribe(extra)
            return True
        names = self._next()
        if names:
            await self._subscribe(names)
            return True
        if not self._dialect.lists or asyncio.get_running_loop().time() < self._list_at:
            return False
        await self._compare()
        return True

    def _next(self) -> list[str]:
        """What to subscribe to now: halves of what was refused as a whole, what is new, what was refused long ago."""
        wanted = self._place.wanted
        while self._halves:
            names = [name for name in self._halves.popleft() if name in wanted.names and name not in self.held]
            if names:
                return names
        missing = [name for name in wanted.names if name not in self.held]
        fresh = [name for name in missing if name not in wanted.refused]
        if fresh:
            return fresh[: self._control.batch]
        now = asyncio.get_running_loop().time()
        return [name for name in missing if wanted.refused[name].again_at <= now][:1]

    def _next_at(self) -> float | None:
        """When (loop time) there is something to do although nothing else is wanted, if ever."""
        times = [one.again_at for one in self._place.wanted.refused.values()]
        return min([self._list_at, *times] if self._dialect.lists else times, default=None)

    async def _subscribe(self, names: list[str]) -> None:
        wanted = self._place.wanted
        reply = await self._request("subscribe", self._dialect.subscribe, names)
        if reply is None:
            return
        if not reply.no:
            for name in names:
                self.held[name] = None
                wanted.refused.pop(name, None)
            self._place.changed("subscribed")
        elif len(names) > 1:
            middle = len(names) // 2
            self._halves.extend((names[:middle], names[middle:]))
        else:
            self._refused(names[0], reply.no)

    def _refused(self, name: str, reason: str) -> None:
        wanted, control = self._place.wanted, self._control
        if name not in wanted.names:
            return
        times = wanted.refused[name].times + 1 if name in wanted.refused else 1
        wait_s = min(control.again_most_s, control.again_s * 2.0 ** min(times - 1, 20))
        wanted.refused[name] = Refusal(reason, times, asyncio.get_running_loop().time() + wait_s)
        wanted.counts["stream refused"] += 1
        self._place.missing(name, f"the venue refuses it: {reason}")

    async def _unsubscribe(self, names: list[str]) -> None:
        """Where the venue says no, the next comparison shows what there is."""
        if await self._request("unsubscribe", self._dialect.unsubscribe, names) is None:
            return
        anew = self._place.wanted.anew
        why = "not wanted any more" if anew.isdisjoint(names) else "it is asked for anew"
        anew.difference_update(names)
        for name in names:
            self.held.pop(name, None)
        self._place.changed(why)

    async def _compare(self) -> None:
        """What the venue has lost is asked for again, and what nobody wants is taken back."""
        self._list_at = asyncio.get_running_loop().time() + self._control.list_every_s
        reply = await self._request("list", lambda number, _: self._dialect.list_held(number), [])
        if reply is None or reply.held is None:
            return
        place, there = self._place, set(reply.held)
        lost = [name for name in self.held if name not in there]
        extra = there - self.held.keys()
        place.wanted.counts["subscription lost by the venue"] += len(lost)
        place.wanted.counts["subscription that nobody wanted"] += len(extra - place.wanted.names.keys())
        for name in lost:
            del self.held[name]
        self.held |= dict.fromkeys(sorted(extra))
        if lost or extra:
            place.changed("the venue had lost it")

    async def _request(self, method: str, asked: Callable[[int, list[str]], bytes], names: list[str]) -> Reply | None:
        """The answer, or None for none in time. Raises `TransportError` when that was one time too many."""
        number = self._number = next(self._place.ids)
        self._answer = asyncio.get_running_loop().create_future()
        await self._wire.send(asked(number, names))
        try:
            async with asyncio.timeout(self._control.ack_s):
                reply = await self._answer
        except TimeoutError:
            self._missed(f"{method} {number} was not acknowledged within {self._control.ack_s:g} s", names)
            return None
        self._unanswered = 0
        return reply

    def _missed(self, why: str, names: list[str]) -> None:
        self._place.wanted.counts["request not acknowledged"] += 1
        for name in names:
            if name not in self.held:
                self._place.missing(name, why)
        self._unanswered += 1
        if self._unanswered >= self._control.tries:
            raise TransportError(f"{why}, nor were the {self._unanswered - 1} before it")


class _Follower:
    """Ears of a connection beside the one that leads."""

    def __init__(self, ears: Ears, prefix: bytes, aside: Callable[[bytes], None]) -> None:
        self._prefix = prefix
        self.ended = ears.ended
        self.failed = ears.failed
        self._own = ears.heard
        self._aside = aside

    def heard(self, message: bytes) -> None:
        (self._aside if message.startswith(self._prefix) else self._own)(message)
