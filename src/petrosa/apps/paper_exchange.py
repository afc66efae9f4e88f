"""`petrosa paper-exchange`: Binance's protocol over the matching engine, fed by a recording or the synthetic market.

Its clock is the wall's, so that any client's timestamps are right: the market's own times are moved to now, and pressed
together where it runs faster than the wall.
"""

import asyncio
import heapq
import itertools
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from petrosa.adapters.venues.binance.paper.accounts import AccountEntry, AccountFile, demo_account
from petrosa.adapters.venues.binance.paper.connections import Connections
from petrosa.adapters.venues.binance.paper.faults import Fault, FaultFile, Faults
from petrosa.adapters.venues.binance.paper.market import Manner
from petrosa.adapters.venues.binance.paper.server import paper_app
from petrosa.adapters.venues.binance.paper.venue import PaperVenue
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.as_recorded import Relayed, relayed
from petrosa.apps.catalogue import resolve
from petrosa.apps.instruments import load_instruments
from petrosa.apps.recorded import Input, open_recording
from petrosa.apps.recordings import only_venue
from petrosa.apps.settings import Settings
from petrosa.apps.synth import start_prices, synthetic_feed
from petrosa.apps.venues import BINANCE
from petrosa.apps.wiring import Instruments, choose_instruments, symbols_of
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import MarketEvent, MarkPrice
from petrosa.errors import ConfigError, UsageError
from petrosa.runtime.clocks import WallClock
from petrosa.surfaces.api.serve import serving

ANSWERS: Final = (
    "everybody who reaches this address reads the market and has faults happen (/petrosa/faults); orders need the key"
    " of an account"
)
PRIMED_NS: Final = 5 * NS_PER_SECOND
"""How much of the market has happened when the exchange opens, so that there are books, trades and marks."""

IDLE_S: Final = 60
"""How long a connection stays open on which nothing is asked: clients that pause keep theirs, as at the venue."""

FRAMES_AT_ONCE: Final = 64
TICK_S: Final = 0.05
LATE_EVENTS_MAX: Final = 200
"""Market facts turned at once when the market is late, before requests have their turn."""

Heard = tuple[int, MarketEvent | Relayed]
Read = TypeVar("Read")


class Offer(NamedTuple):
    """What is served: rules by market, and the facts of each market in the order of hearing."""

    instruments: Mapping[str, Instruments]
    heard: Sequence[Iterator[Heard]]
    about: str


def offer_synthetic(settings: Settings, markets: Sequence[str], prices: Sequence[str] = ()) -> Offer:
    """The synthetic market of `feed.symbols`, on each of the markets; `simulation.seed` seeds it.

    `prices` are texts such as `BTCUSDT=50000`, where a symbol begins. Raises `UsageError` for one that makes no market.
    """
    known = load_instruments(settings.instruments.file or None)
    rules = {market: choose_instruments(settings, known, market, settings.feed.symbols) for market in markets}
    seed = settings.simulation.seed
    inputs: list[Input] = []
    for market, chosen in rules.items():
        listed = list(chosen.values())
        feed = synthetic_feed(listed, seed, prices=start_prices(prices, listed))
        inputs.append(Input(settings, market, chosen, feed.batches(FRAMES_AT_ONCE), 0))
    return Offer(rules, [_facts(taken) for taken in inputs], f"synthetic market, seed {seed}")


def offer_recordings(
    settings: Settings, given: Sequence[str], markets: Sequence[str], *, as_recorded: bool = False
) -> Offer:
    """Recordings of spot, of USD-M, or of both, by path or name. Raises `UsageError` for one of another market.

    With `as_recorded` the streams that were recorded tell the recorded frames, and all others what follows from them.
    """
    known = load_instruments(settings.instruments.file or None)
    by_market: dict[str, list[Path]] = {}
    for path in resolve(settings, given):
        recording = Recording([path])
        if (venue := only_venue(recording)) != BINANCE:
            raise UsageError(
                f"{path} is of {venue}, and a paper exchange speaks as {BINANCE} does; give one of {BINANCE}"
            )
        by_market.setdefault(recording.product, []).append(path)
    rules: dict[str, Instruments] = {}
    heard: list[Iterator[Heard]] = []
    for market, chosen in by_market.items():
        if market not in markets:
            raise UsageError(f"{chosen[0]} holds {market}, and --market asks for {' and '.join(markets)}")
        recording = Recording(chosen)
        rules[market] = choose_instruments(settings, known, market, symbols_of(settings, recording.symbols))
        taken = open_recording(settings, recording, rules[market], FRAMES_AT_ONCE)
        heard.append(_as_recorded(taken, market, Recording(chosen)) if as_recorded else _facts(taken))
    return Offer(rules, heard, f"recording {', '.join(given)}{', as it was recorded' if as_recorded else ''}")


def _facts(taken: Input) -> Iterator[Heard]:
    return (heard for batch in taken.batches() for heard in batch)


def _as_recorded(taken: Input, market: str, recording: Recording) -> Iterator[Heard]:
    """Facts, and the frames that they were made of: the frame before its fact, so that it is never told twice."""
    facts = _facts(taken)
    first = next(facts, None)  # by then it is known how arrivals are shifted
    if first is not None:
        symbols = [instrument.symbol for instrument in taken.instruments.values()]
        frames = relayed(recording, market, symbols, taken.shift)
        yield from heapq.merge(frames, itertools.chain((first,), facts), key=itemgetter(0))


def load_accounts(path: str | None) -> tuple[AccountEntry, ...]:
    """The accounts of a TOML file; the demo account without one. Raises `ConfigError`."""
    return (demo_account(),) if path is None else _load(path, AccountFile, "accounts").account


def load_faults(path: str | None) -> tuple[Fault, ...]:
    """The faults of a TOML file; none without one. Raises `ConfigError`."""
    return () if path is None else _load(path, FaultFile, "faults").fault


def _load(path: str, kind: type[Read], what: str) -> Read:
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"), parse_float=Decimal)
        return msgspec.convert(_with_floats(document) if what == "faults" else document, kind, strict=False)
    except OSError as problem:
        raise ConfigError(f"{what} file {path}: {problem.strerror}; name a file that can be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{what} file {path} is not TOML: {problem}") from None
    except msgspec.ValidationError as problem:
        raise ConfigError(f"{what} file {path}: {problem}") from None


def _with_floats(value: Any) -> Any:
    """Rates and delays are floats; only balances are exact."""
    if isinstance(value, dict):
        return {name: _with_floats(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_floats(one) for one in value]
    return float(value) if isinstance(value, Decimal) else value


class Pace:
    """Moves the market's times to the wall's: `at` of the market is `wall`, and it runs `speed` times as fast."""

    def __init__(self, at: int, wall: int, speed: float) -> None:
        self._at = at
        self._wall = wall
        self._speed = speed

    def wall(self, at: int) -> int:
        """When a moment of the market is, on the wall. Exact at the usual speed of 1."""
        passed = at - self._at
        return self._wall + (passed if self._speed == 1 else int(passed / self._speed))

    def moved(self, event: MarketEvent | Relayed) -> MarketEvent | Relayed:
        """The same fact, or frame, at the wall's time."""
        if isinstance(event, Relayed):
            return event.moved(self.wall)
        times: dict[str, int] = {"ts_event": self.wall(event.ts_event), "ts_seen": self.wall(event.ts_seen)}
        if isinstance(event, MarkPrice) and event.ts_next_funding:
            times["ts_next_funding"] = self.wall(event.ts_next_funding)
        return msgspec.structs.replace(event, **times)


class MarketDrive:
    """Feeds a venue from an offer, at the wall's pace; when the market is over its last prices stand.

    Each market begins now, whenever it was recorded.
    """

    def __init__(self, venue: PaperVenue, offer: Offer, speed: float, clock: WallClock) -> None:
        """Raises `ConfigError` for a speed that is none, and for a market without a fact."""
        if not 0 < speed < float("inf"):
            raise ConfigError(f"speed = {speed:g}; a market that clients trade on runs at a speed above 0, 1 is real")
        now = clock.now()
        paced = [_paced(heard, now, speed) for heard in offer.heard]
        self._venue = venue
        self._clock = clock
        self._moved = heapq.merge(*paced, key=itemgetter(0))
        self._next: Heard | None = next(self._moved, None)

    @property
    def is_over(self) -> bool:
        return self._next is None

    def catch_up(self, most: int | None = None) -> bool:
        """Turn what is due by now, at most so many facts; whether more is due."""
        turned = 0
        while self._next is not None and self._next[0] <= self._clock.now():
            if most is not None and turned >= most:
                return True
            event = self._next[1]
            if isinstance(event, Relayed):
                self._venue.relay(*event)
            else:
                self._venue.on_market(event, self._clock.now())
            turned += 1
            self._next = next(self._moved, None)
        self._venue.advance(self._clock.now())
        return False

    async def run(self, report: Callable[[str], None]) -> None:
        """Go on until cancelled."""
        told = False
        while True:
            behind = self.catch_up(LATE_EVENTS_MAX)
            if self.is_over and not told:
                told = True
                report("the recording is over; the exchange goes on with its last prices")
            await asyncio.sleep(0 if behind else self._pause())

    def _pause(self) -> float:
        if self._next is None:
            return TICK_S
        left = (self._next[0] - self._clock.now()) / NS_PER_SECOND
        return min(TICK_S, max(0.0, left))


def _paced(heard: Iterator[Heard], now: int, speed: float) -> Iterator[Heard]:
    """The facts of one market at the wall's time. Raises `ConfigError` at once for a market without a fact."""
    first = next(heard, None)
    if first is None:
        raise ConfigError("the market holds no fact that could be used; choose another recording")
    pace = Pace(first[0] + PRIMED_NS, now, speed)
    return ((pace.wall(at), pace.moved(event)) for at, event in itertools.chain((first,), heard))


async def serve_paper_exchange(
    settings: Settings, offer: Offer, accounts: Sequence[AccountEntry], faults: Sequence[Fault], *,
    listen: str, port: int, speed: float, ready: Callable[[str, str], None], report: Callable[[str], None],
    history_days: int = 0,
) -> None:  # fmt: skip
    """Serve until cancelled; `ready` is told the address and what is served once prices are there."""
    clock = WallClock()
    manner = Manner(paced=True, history_days=history_days, seed=settings.simulation.seed)
    venue = PaperVenue(offer.instruments, accounts, settings.simulation, Faults(tuple(faults)), clock.now, manner)
    drive = MarketDrive(venue, offer, speed, clock)
    drive.catch_up()
    connections = Connections()
    app = paper_app(venue, clock.now, connections.abort)
    serve = serving(app, listen, port, protocol=connections.protocol(), websockets=True, answers=ANSWERS, idle_s=IDLE_S)
    async with serve as url:
        ready(url, offer.about)
        await drive.run(report)
