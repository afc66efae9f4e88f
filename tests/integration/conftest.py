"""A broker of one's own, and the run that three processes are compared with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from petrosa.apps.backtest import run_backtest
from tests.kit.nats import Server
from tests.kit.services import TWIN, settings_of


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path / "broker-home")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture(scope="module")
def one_process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of the small recording run in one process."""
    home = tmp_path_factory.mktemp("one")
    return Path(run_backtest([TWIN], settings_of(home, "")).journal.path)
