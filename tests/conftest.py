"""Fixtures that several folders of tests use."""

from collections.abc import Iterator

import pytest

from tests.kit.mariadb import MariadbServer, mariadb_server
from tests.kit.mongo import MongoServer, collect_abandoned, mongo_server
from tests.kit.nats import session_server


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
    """What a killed store leaves behind belongs to the test that killed it."""
    yield
    collect_abandoned()
