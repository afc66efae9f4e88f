"""What keeps a lease goes away, forgets, or is tampered with: in doubt nothing is sent, and what is lost stays lost."""

import asyncio
import re
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from petrosa.adapters.bus.nats import NatsBus
from petrosa.adapters.leases.file import LENGTH, FileLease, holder_in
from petrosa.adapters.leases.nats import BUCKET, NatsHolder
from petrosa.errors import LeaseLost, StorageError
from petrosa.ports import Lease
from tests.kit.leasing import ACCOUNT, TTL_S, a_lease, kept
from tests.kit.nats import Server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path)
    await made.start()
    yield made
    await made.stop()


async def until(lease: Lease, pattern: str) -> None:
    """Return when it says so of why nothing may be sent."""
    async with asyncio.timeout(20):
        while not re.fullmatch(pattern, lease.why_not()):
            await asyncio.sleep(0.005)


async def test_a_broker_that_went_and_came_back(server: Server) -> None:
    """In doubt before anybody else could hold it; when nobody has taken it in between it is held on."""
    said: list[str] = []
    async with a_lease("nats", server.url, "one", said.append) as lease, kept(lease):
        token, began = lease.token, asyncio.get_running_loop().time()
        await server.kill()
        await until(lease, r"the lease of account main was not renewed for 1\.\d s, limit 1\.1 s: another may hold it")
        assert asyncio.get_running_loop().time() - began < TTL_S
        await server.start()
        await until(lease, "")
        assert token == lease.token
    assert [True] == ["could not be renewed" in message for message in said[:1]]


async def test_a_broker_that_stands_still(server: Server) -> None:
    """No answer is no renewal, whatever the connection says of itself."""
    assert server.process is not None
    async with a_lease("nats", server.url, "one") as lease, kept(lease):
        server.process.send_signal(signal.SIGSTOP)
        await until(lease, r"the lease of account main was not renewed for 1\.\d s.*")
        server.process.send_signal(signal.SIGCONT)
        await until(lease, "")


async def test_a_broker_that_comes_after_whoever_waits_for_it(server: Server) -> None:
    """Waiting for a lease is waiting for its keeper too."""
    said: list[str] = []
    async with a_lease("nats", server.url, "one", said.append) as lease:
        await server.kill()
        waiting = asyncio.create_task(lease.acquire())
        async with asyncio.timeout(10):
            while not said:
                await asyncio.sleep(0.01)
        assert re.match("no lease of account main yet: .*; waiting for the broker", said[0])
        await server.start()
        async with asyncio.timeout(20):
            await waiting
        assert "" == lease.why_not()


async def test_a_broker_that_has_forgotten_its_only_holder(server: Server, tmp_path: Path) -> None:
    """Nobody else waits for the lease: who had it hears that it is lost, and can be started again."""
    async with a_lease("nats", server.url, "one") as lease:
        await lease.acquire()
        await server.kill()
        for folder in tmp_path.rglob("jetstream"):
            shutil.rmtree(folder)
        await server.start()
        async with asyncio.timeout(20):
            with pytest.raises(LeaseLost, match="lost to nobody that is known"):
                await lease.run()


async def test_a_broker_that_has_forgotten(server: Server, tmp_path: Path) -> None:
    """Its memory is gone: the old holder has lost, and the new one has waited until that one had to know."""
    async with a_lease("nats", server.url, "old") as old:
        await old.acquire()
        keeping = asyncio.create_task(old.run())
        await server.kill()
        for folder in tmp_path.rglob("jetstream"):
            shutil.rmtree(folder)
        await server.start()
        async with a_lease("nats", server.url, "new") as new:
            waiting = asyncio.create_task(new.acquire())
            async with asyncio.timeout(20):
                while not waiting.done():
                    await asyncio.sleep(0.005)
            assert (True, "") == (bool(old.why_not()), new.why_not())
            with pytest.raises(LeaseLost):
                await keeping


@pytest.mark.parametrize(("holder", "named"), [(NatsHolder("other", "x", 9.0), "other"), (NatsHolder(), "nobody")])
async def test_what_another_has_taken_is_lost_for_good(server: Server, holder: NatsHolder, named: str) -> None:
    """By hand or by mistake: the holder hears it at the next renewal, and never sends again."""
    async with a_lease("nats", server.url, "one") as lease:
        await lease.acquire()
        bus = await NatsBus.connect(server.url)
        assert await bus.cells(BUCKET).write(ACCOUNT, msgspec.json.encode(holder), lease.token)
        with pytest.raises(LeaseLost, match=f"lost to {named}.*; nothing leaves any more: start again"):
            async with asyncio.timeout(10):
                await lease.run()
        assert f"the lease of account main is lost to {named}" in lease.why_not()
        await lease.release()
        await bus.close()


async def test_a_renewal_whose_answer_was_lost_is_ours(server: Server) -> None:
    """The same while it was taken: what stands there with our mark is taken on, not waited for."""
    async with a_lease("nats", server.url, "one") as lease:
        await lease.acquire()
        bus = await NatsBus.connect(server.url)
        cells = bus.cells(BUCKET)
        cell = await cells.read(ACCOUNT)
        assert cell is not None
        assert await cells.write(ACCOUNT, cell.data, cell.revision)
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * TTL_S):
                await lease.run()
        assert "" == lease.why_not()
        again = await cells.read(ACCOUNT)
        assert again is not None
        await cells.write(ACCOUNT, cell.data, again.revision)
        await lease.release()
        freed = await cells.read(ACCOUNT)
        assert freed is not None
        assert NatsHolder() == msgspec.json.decode(freed.data, type=NatsHolder)
        await bus.close()


async def test_what_is_no_holder_is_free_for_nobody(server: Server) -> None:
    """Something else writes to the bucket: a person must look."""
    said: list[str] = []
    async with a_lease("nats", server.url, "one", said.append) as lease:
        bus = await NatsBus.connect(server.url)
        cells = bus.cells(BUCKET)
        assert (True, False) == (await cells.ensure("test"), await cells.ensure("test"))
        await cells.write(ACCOUNT, b"mine!", 0)
        waiting = asyncio.create_task(lease.acquire())
        await asyncio.wait([waiting], timeout=2 * TTL_S)
        assert not waiting.done()
        assert "b'mine!', which is no holder" in said[0]
        waiting.cancel()
        await bus.close()


async def test_a_file_that_was_removed_is_no_lease(tmp_path: Path) -> None:
    """Another could lock a new one: the holder sees that its own is not there, and has lost it."""
    path = tmp_path / "main.lease"
    lease = FileLease(path, ACCOUNT, "one", str)
    await lease.acquire()
    holder = holder_in(path)
    assert holder is not None
    assert ("one", lease.token) == (holder.name, holder.token)
    path.rename(tmp_path / "elsewhere")
    assert "was removed or replaced while held" in lease.why_not()
    with pytest.raises(LeaseLost, match="start again, and leave the file alone"):
        await lease.run()
    await lease.release()
    assert holder_in(path) is None


async def test_a_file_that_says_something_else_gives_no_token(tmp_path: Path) -> None:
    """A token that might be an old one is worse than none."""
    path = tmp_path / "main.lease"
    path.write_bytes(b"shopping list")
    with pytest.raises(StorageError, match="says b'shopping list' and not who held account main"):
        await FileLease(path, ACCOUNT, "one", str).acquire()
    path.unlink()
    for token in (1, 2):
        lease = FileLease(path, ACCOUNT, "one", str)
        await lease.acquire()
        await lease.release()
        assert (token, LENGTH) == (lease.token, path.stat().st_size)


async def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    """With what to do about it."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="make the folder writable, and let it be on a local disk"):
        await FileLease(tmp_path / "taken" / "main.lease", ACCOUNT, "one", str).acquire()
