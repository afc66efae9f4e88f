"""A live market through the strategies service: kept on a tape, so that its journal replays though nothing can be read
again; and who may write which journal."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from petrosa.adapters.bus.local import LocalBus
from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.envelope import Wrapper
from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.subjects import MARKET
from petrosa.apps.configuration.live import live_configuration
from petrosa.apps.configuration.service import ConfigService
from petrosa.apps.configuration.watching import announcing
from petrosa.apps.feed import feed
from petrosa.apps.instruments import load_instruments
from petrosa.apps.market_stream import ensure_streams, open_market
from petrosa.apps.replay import replay_journal
from petrosa.apps.settings import Settings, load
from petrosa.apps.strategies import StrategiesSummary, StrategyService, strategies
from petrosa.apps.strategies_journal import open_strategies_journal
from petrosa.errors import ConfigError, JournalError, StorageError
from petrosa.surfaces.configuration import Act
from tests.kit.fleet import SKEW, configured
from tests.kit.services import TWIN, quiet, settings_of


def wrapped(count: int) -> list[bytes]:
    """Messages of a live feed: no word of a recording before them."""
    wrapper, recording = Wrapper("binance", "usdm"), Recording([TWIN])
    frames = [frame for batch in recording.batches(1_024) for frame in batch]
    return [wrapper.wrap(RawFrame(frame.arrival, frame.payload)) for frame in frames[:count]]


@pytest.fixture
async def bus() -> AsyncIterator[LocalBus]:
    made = LocalBus()
    yield made
    await made.close()


class Live:
    """The service on a live market of one process; `hear` returns when it has turned the messages."""

    def __init__(self, settings: Settings, bus: LocalBus) -> None:
        self._settings = settings
        self._bus = bus
        self._sent = 1
        self._service: StrategyService | None = None

    async def serve(self) -> StrategiesSummary:
        async with live_configuration(self._settings, self._settings.feed.symbols, self._bus) as configuration:
            return await strategies(
                self._settings, load_instruments(), self._bus, configuration, report=quiet, opened=self._opened
            )

    def _opened(self, service: StrategyService) -> None:
        self._service = service

    @property
    def service(self) -> StrategyService:
        assert self._service is not None
        return self._service

    async def open(self, message: bytes) -> None:
        """Have it know whose market this is; of a live feed nothing is turned that came before it listened."""
        await ensure_streams(self._settings, self._bus)
        await self._bus.publish(MARKET, message)
        while self._service is None:
            await asyncio.sleep(0)

    async def hear(self, messages: list[bytes]) -> None:
        for message in messages:
            await self._bus.publish(MARKET, message)
        self._sent += len(messages)
        while self.service.messages < self._sent or self.service.turns.sequence == 0:
            await asyncio.sleep(0)


async def test_a_live_market_is_kept_and_replays_with_its_changes(tmp_path: Path, bus: LocalBus) -> None:
    """Every start has a journal and a tape of its own; signals, a change in the middle, and the end replay."""
    settings = settings_of(tmp_path, "")
    messages = wrapped(3_000)
    for start in (1, 2):
        live = Live(settings, bus := LocalBus())
        serving = asyncio.create_task(live.serve())
        await live.open(messages[0])
        await live.hear(messages[1:2_000])
        documents = await SqliteDocuments.open(tmp_path / "documents.sqlite")
        other = await ConfigService.open(settings, documents, announce=announcing(bus))
        await other.change(SKEW, None, {"buy_threshold": 1.2 + start / 10}, Act("somebody", "less noise"))
        while not configured(live.service.folder):
            await asyncio.sleep(0)
        await documents.close()
        await live.hear(messages[2_000:])
        live.service.loop.stop("enough")
        made = await serving
        assert sum(sum(counts.values()) for counts in made.signals.values()) == made.published > 0
        assert start == len({path.parent for path in (tmp_path / "runs").glob("*/run.json")})
        assert replay_journal(Path(made.journal.path)).identical
        assert [1.2 + start / 10] == [
            one.seats[0].parameters["buy_threshold"] for one in configured(Path(made.journal.path))
        ]
        await bus.close()


async def test_two_of_one_name_do_not_write_one_journal(tmp_path: Path, bus: LocalBus) -> None:
    """The second is refused by name of the remedy, and with a name of its own it is let in."""
    settings = settings_of(tmp_path, "")
    await ensure_streams(settings, bus)
    await feed(settings, Recording([TWIN]), bus, fresh=False, report=quiet)
    async with open_market(settings, load_instruments(), bus, quiet) as stream:
        with open_strategies_journal(settings, stream) as first:
            with pytest.raises(StorageError, match="PETROSA_REPLICA"), open_strategies_journal(settings, stream):
                pass
            named = settings_of(tmp_path, "", "service.replica=b")
            with open_strategies_journal(named, stream) as second:
                assert f"{first.writer.folder.name}-b" == second.writer.folder.name


async def test_a_journal_of_other_instruments_is_not_gone_on_with(tmp_path: Path, bus: LocalBus) -> None:
    """Symbols that are left out at a restart are noticed before anything is turned."""
    settings = settings_of(tmp_path, "")
    await ensure_streams(settings, bus)
    await feed(settings, Recording([TWIN]), bus, fresh=False, report=quiet)
    async with live_configuration(settings, (), bus) as configuration:
        await strategies(settings, load_instruments(), bus, configuration, report=quiet)
    fewer = settings_of(tmp_path, "", "feed.symbols=BTCUSDT")
    with pytest.raises(JournalError, match="TRADING_SYMBOLS"):
        async with live_configuration(fewer, (), bus) as configuration:
            await strategies(fewer, load_instruments(), bus, configuration, report=quiet)


async def test_other_parameters_at_a_restart_are_a_command(tmp_path: Path, bus: LocalBus) -> None:
    """The journal goes on with what it was begun with, and says from which turn on something else holds."""
    settings = settings_of(tmp_path, "")
    await ensure_streams(settings, bus)
    await feed(settings, Recording([TWIN]), bus, fresh=False, report=quiet)
    made = []
    for sets in ((), ("trade_momentum.enabled=false",), ("trade_momentum.enabled=false",)):
        one = settings_of(tmp_path, "", *sets)
        async with live_configuration(one, (), bus) as configuration:
            made.append(await strategies(one, load_instruments(), bus, configuration, report=quiet))
    folder = Path(made[-1].journal.path)
    assert [("trade_momentum", False)] == [(one.strategy_id, one.seats[0].enabled) for one in configured(folder)]
    assert replay_journal(folder, recording=[TWIN]).identical
    assert (made[0].signals, 0, 0) == (made[2].signals, made[1].published, made[2].published)


@pytest.mark.parametrize("name", ["a/b", "..", "x" * 64, "a b"])
def test_a_replica_has_a_plain_name(tmp_path: Path, name: str) -> None:
    """It becomes part of a folder's name."""
    with pytest.raises(ConfigError, match="PETROSA_REPLICA=b"):
        load(environ={"PETROSA_REPLICA": name}, home=str(tmp_path))
