"""History on a server over an encrypted connection: with whom we talk is seen to, as far as the address says."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("asyncmy")

from petrosa.adapters.stores.klines.address import MysqlAddress, parse
from petrosa.adapters.stores.klines.mysql import MysqlKlines
from petrosa.apps.commands.eventloop import run_async
from petrosa.errors import ConfigError, StorageError
from tests.kit.certificates import Certified, certified
from tests.kit.history import BTC, bars
from tests.kit.mariadb import MariadbServer, mariadb_server

TIMEOUT_S = 5.0
EVER = 2**63 - 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """For 127.0.0.1."""
    return certified(tmp_path_factory.mktemp("certificates"), "127.0.0.1")


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory, certificate: Certified) -> Iterator[MariadbServer]:
    """A server that listens to nobody who talks to it in clear text over the network."""
    certificate.key.parent.chmod(0o755)
    options = (f"--ssl-cert={certificate.certificate}", f"--ssl-key={certificate.key}")
    with mariadb_server(tmp_path_factory.mktemp("tls-mariadb"), options=options) as server:
        server.do("ALTER USER petrosa@'127.0.0.1' REQUIRE SSL")
        yield server


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariadbServer]:
    """A server that knows no encryption."""
    with mariadb_server(tmp_path_factory.mktemp("plain-mariadb")) as server:
        yield server


def where(server: MariadbServer, options: str) -> MysqlAddress:
    found = parse(server.url(server.database()) + options)
    assert isinstance(found, MysqlAddress)
    return found


@pytest.mark.parametrize("mode", ["required", "verify-ca", "verify-identity", "VERIFY_IDENTITY"])
@pytest.mark.parametrize("run", [asyncio.run, run_async], ids=["asyncio", "the loop we ship"])
def test_history_over_tls(encrypted: MariadbServer, certificate: Certified, mode: str, run: object) -> None:
    """What is written over it is there, and the server says that the connection was encrypted."""
    authority = "" if mode == "required" else f"&ssl-ca={certificate.authority}"

    async def there_and_back() -> str:
        store = await MysqlKlines.open(where(encrypted, f"?ssl-mode={mode}{authority}"), TIMEOUT_S)
        try:
            assert await store.write_klines(bars(count=2_000)) == 2_000
            assert await store.klines(BTC, 0, EVER, limit=2_000) == bars(count=2_000)
            found = await store._server.run(lambda talk: talk.rows("SHOW STATUS LIKE 'Ssl_version'"))
        finally:
            await store.close()
        return str(found[0][1])

    assert run(there_and_back()).startswith("TLSv1.")  # type: ignore[operator]


async def test_a_server_that_wants_it_and_an_address_without_it(encrypted: MariadbServer) -> None:
    with pytest.raises(StorageError, match=r"refuses us: .*ssl-mode=verify-identity.* where it is heard over TLS only"):
        await MysqlKlines.open(where(encrypted, ""), TIMEOUT_S)


async def test_an_authority_that_nobody_knows(encrypted: MariadbServer) -> None:
    """Nothing is said to a server that cannot be believed, and the message names the way to believe it."""
    for mode in ("verify-ca", "verify-identity"):
        with pytest.raises(StorageError, match=r"no TLS: .*certificate verify failed.*ssl-ca=PATH"):
            await MysqlKlines.open(where(encrypted, f"?ssl-mode={mode}"), TIMEOUT_S)


async def test_a_certificate_for_another_host(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("elsewhere")
    folder.chmod(0o755)
    other = certified(folder, "elsewhere.example")
    options = (f"--ssl-cert={other.certificate}", f"--ssl-key={other.key}")
    with mariadb_server(tmp_path_factory.mktemp("other-mariadb"), options=options) as server:
        with pytest.raises(StorageError, match=r"name the host in klines.url as its certificate does.*verify-ca"):
            await MysqlKlines.open(where(server, f"?ssl-mode=verify-identity&ssl-ca={other.authority}"), TIMEOUT_S)
        store = await MysqlKlines.open(where(server, f"?ssl-mode=verify-ca&ssl-ca={other.authority}"), TIMEOUT_S)
        await store.close()


async def test_a_server_without_tls(plain: MariadbServer) -> None:
    """Nothing goes on in clear text, not even the name of the user."""
    for mode in ("required", "verify-identity"):
        with pytest.raises(StorageError, match=r"TLS.*switched on there"):
            await MysqlKlines.open(where(plain, f"?ssl-mode={mode}"), TIMEOUT_S)


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_an_authority_that_cannot_be_read(tmp_path: Path, plain: MariadbServer, content: str | None) -> None:
    """It is refused before anything connects."""
    file = tmp_path / "an authority.pem"
    if content is not None:
        file.write_text(content)
    address = where(plain, f"?ssl-mode=verify-ca&ssl-ca={str(file).replace(' ', '%20')}")
    with pytest.raises(ConfigError, match=r"an authority\.pem' as ssl-ca, which cannot be used: .*PEM"):
        await MysqlKlines.open(address, TIMEOUT_S)
