"""The lease that the settings mean, and the doctor who says whose it is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from petrosa.apps import doctor
from petrosa.apps.leasing import key_of, lease_file, open_lease, who_holds
from petrosa.apps.settings import Settings, load
from petrosa.errors import ConfigError
from petrosa.ports import Lease
from tests.kit.nats import Server

KEY = "the-key-that-nobody-shall-see"


def settings_of(home: Path, *sets: str) -> Settings:
    return load(sets=["lease.name=desk one", *sets], environ={}, home=str(home))


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with asyncio.Runner() as runner:
        server = Server(tmp_path / "broker")
        yield runner.run(server.start())
        runner.run(server.stop())


def named_while_held(settings: Settings) -> tuple[str, str]:
    """What is said of the holder while it is held, and after."""

    async def held() -> str:
        async with open_lease(settings, str, KEY) as lease, asyncio.timeout(20):
            await lease.acquire()
            try:
                return await who_holds(settings)
            finally:
                await lease.release()

    return asyncio.run(held()), doctor.account_lease(settings).detail


def test_a_file_names_its_holder(tmp_path: Path) -> None:
    """With the process and the token; and nobody when it has let go."""
    during, after = named_while_held(settings_of(tmp_path))
    assert during.startswith("desk one (process ")
    assert during.endswith("), token 1")
    assert "account paper is held by nobody" == after


def test_nats_names_its_holder(tmp_path: Path, url: str) -> None:
    """The same where the lease is in a cluster."""
    sets = ("lease.kind=nats", "lease.ttl_seconds=1", f"nats.url={url}", "account.account=main/futures")
    during, after = named_while_held(settings_of(tmp_path, *sets))
    assert during.startswith("desk one (process ")
    assert "account main/futures is held by nobody" == after


def test_a_lease_without_its_keeper_is_broken(tmp_path: Path) -> None:
    """The doctor says what is missing and what to do."""
    found = doctor.account_lease(settings_of(tmp_path, "lease.kind=nats"))
    assert ("broken", True) == (found.status, "set NATS_URL" in found.detail)
    assert "lease.kind=file" in found.remedy


async def test_a_server_that_keeps_nothing_keeps_no_lease(tmp_path: Path) -> None:
    """NATS without JetStream forgets: it is no place for a lease."""
    server = Server(tmp_path, jetstream=False)
    settings = settings_of(tmp_path, "lease.kind=nats", f"nats.url={await server.start()}")
    try:
        with pytest.raises(ConfigError, match="has no JetStream, so it keeps no lease"):
            async with open_lease(settings, str, KEY):
                pass
    finally:
        await server.stop()


def test_a_name_is_a_file_s_name_whatever_it_is(tmp_path: Path) -> None:
    """Two accounts never share one."""
    settings = settings_of(tmp_path, "account.account=../etc/x")
    assert tmp_path / "accounts" / "x-2e2e2f6574632f78.lease" == lease_file(settings)
    assert ["main", "x-6d2e78"] == [key_of(name) for name in ("main", "m.x")]


@pytest.mark.parametrize("kind", ["file", "nats"])
async def test_two_accounts_do_not_use_one_key(kind: str, tmp_path: Path) -> None:
    """The second names the first and the remedy, never the key, and leaves its own name free."""
    async with AsyncExitStack() as stack:
        sets = [f"lease.kind={kind}"]
        if kind == "nats":
            server = Server(tmp_path / "broker")
            sets += ["lease.ttl_seconds=1", f"nats.url={await server.start()}"]
            stack.push_async_callback(server.stop)
        first, second = (settings_of(tmp_path, *sets, f"account.account={name}") for name in ("main", "other"))
        await stack.enter_async_context(holding(first, KEY))
        with pytest.raises(ConfigError, match="in use for account main, by desk one") as refused:
            async with holding(second, KEY):
                pass
        assert KEY not in str(refused.value)
        assert "BINANCE_API_KEY" in str(refused.value)
        assert "" == await who_holds(second)
        async with holding(second, "another key"):
            assert (await who_holds(second)).startswith("desk one")
        elsewhere = "spot" if first.feed.market != "spot" else "usdm"
        beside = settings_of(tmp_path, *sets, "account.account=beside", f"feed.market={elsewhere}")
        async with holding(beside, KEY):
            assert (await who_holds(beside)).startswith("desk one")


@pytest.mark.parametrize("kind", ["file", "nats"])
async def test_the_next_desk_of_the_same_account_takes_the_key_over(kind: str, tmp_path: Path) -> None:
    """It waits for both, as for the name alone."""
    async with AsyncExitStack() as stack:
        sets = [f"lease.kind={kind}"]
        if kind == "nats":
            server = Server(tmp_path / "broker")
            sets += ["lease.ttl_seconds=1", f"nats.url={await server.start()}"]
            stack.push_async_callback(server.stop)
        settings = settings_of(tmp_path, *sets)
        said: list[str] = []
        async with holding(settings, KEY) as first:
            next_one = asyncio.create_task(take(settings, said.append))
            while not said:
                await asyncio.sleep(0.01)
            assert ("", False) == (first.why_not(), next_one.done())
        assert await next_one > first.token
        assert not any(KEY in line for line in said)


@asynccontextmanager
async def holding(settings: Settings, key: str) -> AsyncIterator[Lease]:
    """Both leases of a desk, held and renewed."""
    async with open_lease(settings, str, key) as lease, asyncio.timeout(30):
        await lease.acquire()
        keeping = asyncio.create_task(lease.run())
        try:
            yield lease
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await lease.release()


async def take(settings: Settings, report: Callable[[str], None]) -> int:
    """The token of a desk that waits, takes over and lets go."""
    async with open_lease(settings, report, KEY) as lease, asyncio.timeout(30):
        await lease.acquire()
        await lease.release()
        return lease.token
