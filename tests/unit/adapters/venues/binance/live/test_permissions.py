"""A key is asked what it may do before it trades: one that may withdraw never does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from petrosa.adapters.venues.binance.live.environments import Environment
from petrosa.adapters.venues.binance.live.permissions import check_permissions
from petrosa.adapters.venues.binance.live.rest import Rest
from petrosa.adapters.venues.binance.paper.accounts import DEMO_SECRET, KeyEntry
from petrosa.core.model.base import NS_PER_MS
from petrosa.errors import InvariantError, VenueClosed
from tests.kit.live import account, live_client
from tests.kit.paper_server import served
from tests.kit.paper_venue import PaperBench


def bench(**rights: bool) -> PaperBench:
    """An exchange with one key of such rights."""
    return PaperBench([account(KeyEntry(key="TheOnlyKey", secret=DEMO_SECRET, **rights))])


async def remarks(on: PaperBench, *markets: str, environment: Environment = "paper") -> tuple[str, ...]:
    async with served(on) as exchange, live_client(exchange, key="TheOnlyKey") as client:
        return await check_permissions(client.rest, environment, markets)


async def test_a_key_that_trades_and_no_more_is_used() -> None:
    assert () == await remarks(bench(), "spot", "usdm")


@pytest.mark.parametrize("environment", ["live", "demo", "testnet", "paper"])
async def test_a_key_that_may_withdraw_is_refused_everywhere(environment: Environment) -> None:
    """With the remedy."""
    with pytest.raises(VenueClosed, match="may withdraw; take that right away"):
        await remarks(bench(may_withdraw=True), "spot", environment=environment)


async def test_a_key_must_be_able_to_trade_what_is_traded() -> None:
    """A key for spot only is enough where only spot is traded."""
    assert () == await remarks(bench(may_trade_futures=False), "spot")
    with pytest.raises(VenueClosed, match="may not trade futures"):
        await remarks(bench(may_trade_futures=False), "spot", "usdm")
    with pytest.raises(VenueClosed, match="may not trade spot"):
        await remarks(bench(may_trade=False), "spot")


@asynccontextmanager
async def without_the_endpoint() -> AsyncIterator[Rest]:
    """A client of a host that serves no such path; its clock is right."""
    async with (
        served(bench()) as exchange,
        live_client(exchange, key="TheOnlyKey", base_url=f"{exchange.url}/fapi") as client,
    ):

        async def right() -> int:
            return exchange.bench.now // NS_PER_MS

        await client.rest.clock.sync(right)
        yield client.rest


@pytest.mark.parametrize("environment", ["demo", "testnet"])
async def test_play_money_goes_on_unchecked_and_says_so(environment: Environment) -> None:
    async with without_the_endpoint() as rest:
        (said,) = await check_permissions(rest, environment, ["spot"])
    assert said.startswith(f"{environment} does not say what the key may do (")


async def test_real_money_does_not_go_on_unchecked() -> None:
    async with without_the_endpoint() as rest:
        with pytest.raises(VenueClosed, match="nothing is traded"):
            await check_permissions(rest, "live", ["spot"])


async def test_rights_are_asked_on_spot() -> None:
    async with served(bench()) as exchange, live_client(exchange, "usdm", key="TheOnlyKey") as client:
        with pytest.raises(InvariantError, match="spot's host"):
            await check_permissions(client.rest, "live", ["usdm"])
