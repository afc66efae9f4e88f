"""Fixtures that several folders of tests use."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.kit.ending import end_started
from tests.kit.mariadb import MariadbServer, mariadb_server
from tests.kit.mongo import MongoServer, collect_abandoned, mongo_server
from tests.kit.nats import session_server

# Tests start a hundred interpreters: each would compile the package anew where the environment forbids to keep that.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

UNIT: Final = Path(__file__).parent / "unit"


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a good part of the tests waits for a server, a process or a clock."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each worker begins with its share of what takes long and ends with unit tests, of which others can take some."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    units = [one for one in items if UNIT in one.path.parents]
    others = [one for one in items if UNIT not in one.path.parents]
    items[:] = [one for n in range(workers) for part in (others, units) for one in _share(part, n, workers)]


def _share(part: list[pytest.Item], n: int, of: int) -> list[pytest.Item]:
    return part[len(part) * n // of : len(part) * (n + 1) // of]


def pytest_collection_finish() -> None:
    """What was collected stays to the end: whoever collects garbage from now on need not look through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a NATS server with JetStream that all tests of this session share."""
    with session_server(tmp_path_factory.mktemp("nats")) as url:
        yield url


@pytest.fixture(scope="session")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """A server that speaks MongoDB's protocol, which all tests of this session share; about a second to start."""
    with mongo_server(tmp_path_factory.mktemp("mongo")) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariadbServer]:
    """A MariaDB that all tests of this session share; two seconds to make and start, skipped where there is none."""
    with mariadb_server(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(autouse=True)
def abandoned() -> Iterator[None]:
    """What a test leaves behind ends with it: processes, and what the client of a killed store still holds."""
    yield
    end_started()
    collect_abandoned()
