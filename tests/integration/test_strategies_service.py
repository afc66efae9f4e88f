"""The strategies service over a real NATS server: its journal, and its lives after a stop or a kill."""

import asyncio
from pathlib import Path

import pytest

from petrosa.adapters.bus.nats import NatsBus
from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.apps.backtest import run_backtest
from petrosa.apps.configuration.service import ConfigService
from petrosa.apps.over_nats import run_over_nats
from petrosa.apps.replay import explain_journal, replay_journal
from petrosa.backtest.explain import Question
from petrosa.runtime.crash import NAMES
from petrosa.surfaces.configuration import Act
from tests.kit.nats import Server
from tests.kit.services import (
    TWIN,
    Process,
    made_signals,
    published,
    run_feed,
    run_strategies,
    settings_of,
    turns_of,
)
from tests.kit.soak import sample


async def test_strategies_stopped_in_the_middle_publish_nothing_twice(
    server: Server, tmp_path: Path, one_process: Path
) -> None:
    """A strategies process that is killed and started again completes the signals: none missing, none twice."""
    settings = settings_of(tmp_path, server.url)
    await run_feed(settings)
    bus = await NatsBus.connect(server.url)
    first = asyncio.Event()
    await bus.subscribe("signals.trading", lambda _subject, _data: first.set())
    killed = await Process.start("strategies", "--port", "0", home=tmp_path, url=server.url)
    async with asyncio.timeout(30):
        await first.wait()
    killed.kill()
    await killed.killed()
    await bus.close()
    await run_strategies(settings)
    assert made_signals(turns_of(one_process)) == await published(server.url)


STRATEGIES_CRASHES = [
    f"{name}:{count}"
    for name in NAMES
    if name.startswith("journal.")
    for count in sample((1, 2, 9), (1, 2, 3, 4, 6, 9, 14, 20))
    if name != "journal.after_sync" or count < 3
]


@pytest.mark.parametrize("point", STRATEGIES_CRASHES)
async def test_strategies_killed_in_the_middle_of_writing(
    server: Server, tmp_path: Path, point: str, one_process: Path
) -> None:
    """Killed on any side of writing down what was decided, and started again: the signals are those of an unharmed
    process, each on the stream once, and the journal of both lives replays."""
    settings = settings_of(tmp_path, server.url)
    await run_feed(settings)
    await (await Process.start("strategies", "--port", "0", home=tmp_path, url=server.url, crash_at=point)).killed()
    again = await run_strategies(settings)
    assert made_signals(turns_of(one_process)) == await published(server.url)
    assert replay_journal(Path(again.journal.path), recording=[TWIN]).identical


async def test_a_journal_of_strategies_is_replayed_and_explained(server: Server, tmp_path: Path) -> None:
    """The desk that is turned again has no trader, and decides what the strategies of one process do."""
    settings = settings_of(tmp_path, server.url)
    _, made = await asyncio.gather(run_feed(settings), run_strategies(settings))
    folder = Path(made.journal.path)
    assert replay_journal(folder, recording=[TWIN]).identical
    signals = made_signals(turns_of(folder))
    assert await published(server.url) == signals
    explained = explain_journal(folder, Question(signal_id=signals[3].signal_id), recording=[TWIN])
    assert (f"signal {signals[3].signal_id}", "") == (explained.question, explained.warning)


async def test_strategies_stopped_in_order_go_on(server: Server, tmp_path: Path, one_process: Path) -> None:
    """A strategies process that was told to stop says what it did and leaves nothing unsaid; the next one goes on."""
    await run_feed(settings_of(tmp_path, server.url, "feed.speed=0"), TWIN)
    bus = await NatsBus.connect(server.url)
    first = asyncio.Event()
    await bus.subscribe("signals.trading", lambda _subject, _data: first.set())
    stopped = await Process.start("strategies", "--port", "0", home=tmp_path, url=server.url)
    async with asyncio.timeout(30):
        await first.wait()
    stopped.terminate()
    before = await stopped.result()
    await bus.close()
    assert sum(sum(counts.values()) for counts in before["signals"].values()) == before["published"] > 0
    after = await run_strategies(settings_of(tmp_path, server.url))
    assert before["journal"]["path"] == after.journal.path
    assert made_signals(turns_of(one_process)) == await published(server.url)
    assert replay_journal(Path(after.journal.path), recording=[TWIN]).identical


async def test_three_services_have_what_is_stored_in_the_data_directory(tmp_path: Path) -> None:
    """A run over NATS has a folder of its own, and the configuration of the data directory it was started in."""
    settings = settings_of(tmp_path, "", "http.enabled=false")
    documents = await SqliteDocuments.open(tmp_path / "documents.sqlite")
    config = await ConfigService.open(settings, documents)
    await config.change("orderbook_skew", None, {"buy_threshold": 1.9}, Act("alice", "less noise"))
    await documents.close()
    ran = await run_over_nats(settings, [TWIN], "run-nats", report=str)
    assert ran.strategies is not None
    here = run_backtest([TWIN], config.settings)
    assert made_signals(turns_of(here.journal.path)) == made_signals(turns_of(ran.strategies.journal.path))
