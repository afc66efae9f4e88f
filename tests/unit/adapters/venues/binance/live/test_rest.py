"""Against the paper exchange on a socket: of every request it is known what became of it, whatever goes wrong."""

import asyncio
import json
from typing import Any

import pytest

from petrosa.adapters.net.rate_limit import ORDERS, WEIGHT, Ledger, Limit
from petrosa.adapters.net.signing import Signer
from petrosa.adapters.venues.binance.live.environments import urls
from petrosa.adapters.venues.binance.live.limits import DEFAULTS
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.rest import ATTEMPTS, Rest
from petrosa.adapters.venues.binance.live.server_clock import ServerClock
from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.errors import (
    ConfigError,
    InvariantError,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    TransportError,
    VenueClosed,
    VenueRefused,
)
from tests.kit.live import LiveClient, buy, cancel, live_client, opened
from tests.kit.paper_server import Served, served
from tests.kit.paper_venue import PaperBench
from tests.kit.raw_http import closed_port, ok, raw_host

ORDER = "/api/v3/order"
TIME = Request("GET", "/api/v3/time", signed=False)


def ledger(clock: ServerClock) -> Ledger:
    return Ledger(DEFAULTS["spot"], clock.now)


async def names(client: LiveClient) -> list[str]:
    """Client order ids of what is open."""
    return [one["clientOrderId"] for one in json.loads(await client.rest.call(opened()))]


def fired(exchange: Served) -> list[int]:
    return [one.fired for one in exchange.bench.venue.faults.all()]


async def test_an_order_is_placed_seen_and_cancelled() -> None:
    """On spot, signed, within limits that the exchange counts as we do."""
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        assert "order1" == json.loads(await client.rest.call(buy()))["clientOrderId"]
        assert ["order1"] == await names(client)
        assert b"CANCELED" in await client.rest.call(cancel())
        assert [] == await names(client)
        orders = [one for one in client.rest.ledger.uses() if one.kind == ORDERS]
        assert [("10S", 1), ("1D", 1)] == [(one.window, one.used) for one in orders]
        assert client.rest.traffic.sent == client.rest.traffic.answered


async def test_futures_are_asked_the_same_way() -> None:
    params = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "2", "price": "90",
        "newClientOrderId": "f1",
    }  # fmt: skip
    async with served(PaperBench()) as exchange, live_client(exchange, "usdm") as client:
        placed = await client.rest.call(Request("POST", "/fapi/v1/order", params, orders=1, changes=True))
        assert "NEW" == json.loads(placed)["status"]
        assert b"f1" in await client.rest.call(Request("GET", "/fapi/v1/openOrders"))


async def test_the_venues_no_is_definite() -> None:
    """With its own number, and sent once."""
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        with pytest.raises(VenueRefused, match="Unknown order sent") as refused:
            await client.rest.call(cancel("nobody"))
        assert -2011 == refused.value.code
        too_dear = buy()._replace(params={**buy().params, "quantity": "5000"})
        with pytest.raises(VenueRefused, match="insufficient balance"):
            await client.rest.call(too_dear)
        assert {"VenueRefused": 2} == dict(client.rest.traffic.errors)


@pytest.mark.parametrize(
    ("fault", "taken"),
    [
        ({"kind": "drop"}, False),
        ({"kind": "error_after_accept"}, True),
        ({"kind": "error_after_accept", "status": 502}, True),
        ({"kind": "silence_after_accept", "delay_ms": 1}, True),
    ],
)
async def test_what_may_have_been_done_is_sent_once_and_told_as_unknown(fault: dict[str, Any], taken: bool) -> None:
    """Whether it was, only a question can say."""
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        await client.rest.sync_clock()
        await exchange.fault(**fault, path=ORDER, method="POST")
        with pytest.raises(OutcomeUnknown):
            await client.rest.call(buy())
        assert [1] == fired(exchange)
        assert (["order1"] if taken else []) == await names(client)


@pytest.mark.parametrize("kind", ["drop", "error_after_accept", "silence_after_accept"])
async def test_a_cancel_is_sent_once_too(kind: str) -> None:
    """DELETE and PUT are what libraries call idempotent, and send again."""
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        await client.rest.call(buy())
        await exchange.fault(kind, path=ORDER, method="DELETE", delay_ms=1)
        with pytest.raises(OutcomeUnknown):
            await client.rest.call(cancel())
        assert [1] == fired(exchange)
        assert (["order1"] if kind == "drop" else []) == await names(client)


async def test_silence_ends_by_our_own_clock() -> None:
    """The exchange holds the answer back for longer than we wait."""
    async with served(PaperBench()) as exchange, live_client(exchange, timeout_s=0.3) as client:
        await client.rest.sync_clock()
        await exchange.fault("silence_after_accept", path=ORDER, delay_ms=60_000, count=1)
        with pytest.raises(OutcomeUnknown, match="no answer in time"):
            await client.rest.call(buy())
        assert ["order1"] == await names(client)


async def test_a_question_that_is_answered_with_a_no_is_no_failure() -> None:
    """Who asks what became of an order, again and again, must not look like a venue that fails."""
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        with pytest.raises(VenueRefused):
            await client.rest.call(cancel("nobody")._replace(method="GET", changes=False))
        assert {} == dict(client.rest.traffic.errors)


async def test_without_a_connection_nothing_was_sent() -> None:
    """A change may be sent again as it is; a read has tried that already."""
    async with served(PaperBench()) as exchange, live_client(exchange, base_url=closed_port()) as client:

        async def right() -> int:
            return exchange.bench.now // 1_000_000

        await client.rest.clock.sync(right)
        with pytest.raises(NotSent, match="before anything had left"):
            await client.rest.call(buy())
        assert [] == client.pauses.seconds
        with pytest.raises(TransportError, match=f"{ATTEMPTS} times"):
            await client.rest.call(opened())
        assert {"NotSent": 1, "TransportError": 1} == dict(client.rest.traffic.errors)
        assert 0 == client.rest.traffic.sent


async def test_without_the_time_nothing_signed_is_sent() -> None:
    """The first request asks for it; where there is no answer the request has not left."""
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        await exchange.fault("drop", path="/api/v3/time")
        with pytest.raises(NotSent, match="clock cannot be read"):
            await client.rest.call(buy())


@pytest.mark.parametrize("kind", ["drop", "error_after_accept", "overloaded"])
async def test_a_read_is_tried_again(kind: str) -> None:
    """After pauses that grow and differ, and not for ever."""
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        await client.rest.sync_clock()
        await exchange.fault(kind, count=ATTEMPTS - 1)
        assert b"serverTime" in await client.rest.call(TIME)
        assert [pytest.approx(0.1875, abs=0.0626), pytest.approx(0.375, abs=0.126)] == client.pauses.seconds
        await exchange.fault(kind)
        with pytest.raises(TransportError, match=f"{ATTEMPTS} times"):
            await client.rest.call(TIME)
        assert [ATTEMPTS - 1, ATTEMPTS] == fired(exchange)


async def test_an_overloaded_venue_has_done_nothing() -> None:
    """On futures that is certain, and told with the time after which it may be sent again; on spot it is not."""
    async with served(PaperBench()) as exchange:
        await exchange.fault("overloaded", method="POST")
        order = Request("POST", "/fapi/v1/order", {"symbol": "BTCUSDT"}, orders=1, changes=True)
        async with live_client(exchange, "usdm") as client:
            with pytest.raises(RateLimited, match="system-level protection") as refused:
                await client.rest.call(order)
            assert (1.0, False) == (refused.value.retry_after_s, refused.value.is_ban)
            assert b"[]" == await client.rest.call(Request("GET", "/fapi/v1/openOrders"))
        async with live_client(exchange) as client:
            with pytest.raises(OutcomeUnknown):
                await client.rest.call(buy())


# time


async def test_the_time_that_is_sent_is_the_venues() -> None:
    """A machine that is seconds off trades with a corrected time."""
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        client.wall.wrong_s = -8.0
        await client.rest.call(buy())
        assert 8_000 == pytest.approx(client.rest.clock.offset_ms, abs=1)


async def test_a_clock_that_was_set_is_measured_again_once() -> None:
    """-1021 says that nothing was done: the order goes out again, with the right time, and is there once."""
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        await client.rest.sync_clock()
        client.wall.wrong_s = -7.0
        await client.rest.call(buy())
        assert ["order1"] == await names(client)
        assert 1 == client.rest.traffic.again
        client.wall.wrong_s = 9.0
        await client.rest.call(cancel())


async def test_a_time_that_stays_wrong_is_refused() -> None:
    """The second -1021 is the answer."""
    late = '{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}'
    refusal = ok(late, status="400 Bad Request")
    times = [ok('{"serverTime":1800000000000}')] * 5
    with raw_host(*times, refusal, *times, refusal, ok()) as host:
        clock = ServerClock(lambda: 1_800_000_000 * NS_PER_SECOND)
        where = urls("paper", "spot", host.url)
        async with Rest("spot", where, DEMO_KEY, Signer(DEMO_SECRET), clock, ledger(clock)) as rest:
            with pytest.raises(VenueRefused) as refused:
                await rest.call(buy())
    assert -1021 == refused.value.code
    assert 2 == len([one for one in host.heard if ORDER in one])


async def test_a_machine_that_is_too_wrong_sends_nothing() -> None:
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        client.wall.wrong_s = 60.0
        with pytest.raises(VenueClosed, match="set it"):
            await client.rest.call(buy())
        client.wall.wrong_s = 0.0
        assert [] == await names(client)


async def test_many_who_find_the_clock_wrong_measure_it_once() -> None:
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        await asyncio.gather(*(client.rest.call(buy(f"order{number}")) for number in range(5)))
        assert 5 + 5 == client.rest.traffic.sent


async def test_the_clock_is_kept() -> None:
    """Again and again; an exchange that does not answer is asked later."""
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        turns = 0

        async def turn(_seconds: float) -> None:
            nonlocal turns
            turns += 1
            if turns == 3:
                raise asyncio.CancelledError

        await exchange.fault("drop", count=5)
        async with Rest(
            "spot", urls("paper", "spot", exchange.url), "", None, client.rest.clock, client.rest.ledger, pause=turn
        ) as rest:
            with pytest.raises(asyncio.CancelledError):
                await rest.keep_clock()
            assert {"OutcomeUnknown of the clock": 1} == dict(rest.traffic.errors)
        assert client.rest.clock.is_synced


# limits


async def test_a_pause_that_the_venue_asks_for_is_kept() -> None:
    """429: nothing leaves until it is over, urgent or not."""
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        await client.rest.sync_clock()
        await exchange.fault("rate_limited", retry_after_s=7, count=1)
        with pytest.raises(RateLimited) as first:
            await client.rest.call(buy())
        sent = client.rest.traffic.sent
        with pytest.raises(RateLimited) as second:
            await client.rest.call(cancel())
        assert (7.0, False) == (first.value.retry_after_s, first.value.is_ban)
        assert 7.0 == pytest.approx(second.value.retry_after_s)
        assert sent == client.rest.traffic.sent
        exchange.bench.wait(7)
        await client.rest.call(buy())


async def test_a_ban_stops_everything_until_it_ends() -> None:
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        await client.rest.sync_clock()
        await exchange.fault("banned", retry_after_s=120, count=1)
        for request in (opened(), buy(), cancel(), TIME):
            with pytest.raises(RateLimited) as refused:
                await client.rest.call(request)
            assert refused.value.is_ban
        assert exchange.bench.now + 120 * NS_PER_SECOND == pytest.approx(client.rest.ledger.banned_until, abs=10**6)
        assert [1] == fired(exchange)
        exchange.bench.wait(121)
        assert [] == await names(client)


async def test_the_reserve_is_for_what_makes_smaller() -> None:
    """With the allowance used up an entry is refused here, and the cancel of one still leaves."""
    limits = (Limit(WEIGHT, 1, "MINUTE", 6_000), Limit(ORDERS, 10, "SECOND", 5))
    async with served(PaperBench()) as exchange, live_client(exchange, limits=limits) as client:
        for number in range(4):
            await client.rest.call(buy(f"order{number}"))
        with pytest.raises(RateLimited, match="4 used and 1 more > 4 for what is not urgent"):
            await client.rest.call(buy("order4"))
        await client.rest.call(cancel("order0"))
        await client.rest.call(buy("order5", urgent=True))
        assert ["order1", "order2", "order3", "order5"] == await names(client)


async def test_a_read_waits_for_its_allowance_as_long_as_it_has_patience() -> None:
    """And an order never: its price would be old."""
    limits = (Limit(WEIGHT, 2, "SECOND", 10),)
    async with served(PaperBench()) as exchange:

        async def sleeping(seconds: float) -> None:
            exchange.bench.wait(seconds)

        async with live_client(exchange, limits=limits, pause=sleeping) as client:
            await client.rest.sync_clock()
            began = exchange.bench.now
            for _ in range(3):
                await client.rest.call(opened())
            assert began + 2 * NS_PER_SECOND <= exchange.bench.now
        async with live_client(exchange, limits=limits, pause=sleeping, patience_s=0.0) as client:
            await client.rest.sync_clock()
            with pytest.raises(RateLimited, match="REQUEST_WEIGHT 2S"):
                await client.rest.call(opened())


async def test_the_exchanges_own_limit_of_orders_stops_orders_only() -> None:
    """-1015, where somebody else trades on the account too."""
    async with served(PaperBench()) as exchange, live_client(exchange) as client:
        for number in range(100):
            assert 200 == (await exchange.signed("POST", ORDER, **buy(f"other{number}").params)).status_code
        with pytest.raises(RateLimited, match="Too many new orders"):
            await client.rest.call(buy())
        with pytest.raises(RateLimited, match="asked for a pause; nothing was sent"):
            await client.rest.call(buy())
        await client.rest.call(cancel("other0"))
        exchange.bench.wait(10)
        await client.rest.call(buy())


# what cannot be


async def test_a_wrong_key_or_secret_is_for_a_person() -> None:
    """And no message holds them."""
    async with served(PaperBench()) as exchange:
        for key, secret in ((DEMO_KEY, "AnotherSecret"), ("NobodysKey", DEMO_SECRET)):
            async with live_client(exchange, key=key, secret=secret) as client:
                with pytest.raises(VenueClosed) as closed:
                    await client.rest.call(opened())
                assert not any(part in str(closed.value) for part in (key, secret))


async def test_an_answer_that_is_no_json_is_unknown() -> None:
    """A captive portal says 200 to everything."""
    clock = ServerClock(lambda: 1_800_000_000 * NS_PER_SECOND)
    with raw_host(*[ok('{"serverTime":1800000000000}')] * 5, ok("<html>Welcome</html>")) as host:
        where = urls("paper", "spot", host.url)
        async with Rest("spot", where, DEMO_KEY, Signer(DEMO_SECRET), clock, ledger(clock)) as rest:
            with pytest.raises(OutcomeUnknown, match="not JSON"):
                await rest.call(buy())


async def test_a_time_that_is_none_is_not_taken() -> None:
    clock = ServerClock()
    with raw_host(*[ok('{"time":"now"}')] * 5) as host:
        async with Rest("spot", urls("paper", "spot", host.url), "", None, clock, ledger(clock)) as rest:
            with pytest.raises(TransportError, match="not a time"):
                await rest.sync_clock()


async def test_what_cannot_be_asked_is_our_own_mistake() -> None:
    clock = ServerClock()
    where = urls("paper", "spot", closed_port())
    with pytest.raises(InvariantError, match="spot and usdm"):
        Rest("coinm", where, "", None, clock, ledger(clock))
    with pytest.raises(ConfigError, match="API key") as refused:
        Rest("spot", where, "key with spaces", None, clock, ledger(clock))
    assert "with spaces" not in str(refused.value)


async def test_without_a_signer_only_public_things_are_asked() -> None:
    async with served(PaperBench()) as exchange, live_client(exchange) as other:
        rest = Rest("spot", urls("paper", "spot", exchange.url), "", None, other.rest.clock, other.rest.ledger)
        async with rest:
            assert b"serverTime" in await rest.call(TIME)
            with pytest.raises(InvariantError, match="there is no key"):
                await rest.call(opened())
