"""A whole live desk against the paper exchange, from its signal to the end of the position."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.adapters.venues.binance.paper.accounts import AccountEntry, KeyEntry, demo_account
from petrosa.core.model.base import Side
from petrosa.core.model.orders import FundingPaid
from petrosa.errors import VenueClosed
from tests.kit.desk_here import DeskHere, desk_here
from tests.kit.live import SECRETS, account, signing_account
from tests.kit.paper_process import Exchange, HandExchange, hand_exchange

HEDGE = "venue.position_mode=hedge"
LEVELS = {"stop_loss": 49_000, "take_profit": 51_000}
STEP = Decimal("0.00001")


@pytest.fixture
def exchange() -> Iterator[HandExchange]:
    with hand_exchange() as made:
        yield made


async def bought(desk: DeskHere, exchange: HandExchange, market: str) -> None:
    """A position of a signal with both levels, whose stop and target rest."""
    answer = await desk.trade("buy", **LEVELS)
    assert "agreed" == answer["status"], answer
    await desk.until(lambda: len(resting(exchange, market)) == 2)
    await desk.until_ready()


def resting(exchange: Exchange, market: str) -> list[dict[str, Any]]:
    """What rests at the venue to protect a position."""
    return exchange.open_orders("spot") if market == "spot" else exchange.open_algos()


async def is_flat(desk: DeskHere) -> bool:
    """No more than what is less than a step."""
    return abs(Decimal(await desk.held() or 0)) < STEP


@pytest.mark.parametrize(("price", "leg"), [("48950", "stop"), ("51050", "target")])
async def test_on_spot_a_position_ends_by_one_of_a_list(
    exchange: HandExchange, tmp_path: Path, price: str, leg: str
) -> None:
    """Entry, a list of two orders that cancel each other at the venue, one of them fires, and nothing is left: neither
    an order nor more of a coin than a step."""
    async with desk_here(tmp_path, exchange.url, "spot") as desk:
        await bought(desk, exchange, "spot")
        lists = {one["orderListId"] for one in exchange.open_orders("spot")}
        assert (1, True) == (len(lists), -1 not in lists)
        exchange.move(price)
        await desk.until(lambda: not exchange.open_orders("spot"))
        await desk.until(lambda: is_flat(desk))
        summary = await desk.stop()
    assert (3, 2) == (summary.orders, summary.fills)
    assert 2 == len(exchange.trades("spot"))
    assert abs(exchange.balances("spot")["BTC"] - 1) < STEP
    status = {one["clientOrderId"]: one["status"] for one in exchange.orders("spot")}
    assert ["EXPIRED", "FILLED", "FILLED"] == sorted(status.values())


@pytest.mark.parametrize(("price", "leg"), [("48950", "stop"), ("51050", "target")])
async def test_in_hedge_mode_a_position_ends_by_its_stop_or_target(
    exchange: HandExchange, tmp_path: Path, price: str, leg: str
) -> None:
    """Long and short apart at the venue, one net position here: a long one, and then a short one."""
    exchange.hedge()
    async with desk_here(tmp_path, exchange.url, "usdm", HEDGE) as desk:
        await bought(desk, exchange, "usdm")
        assert ["LONG"] == list(exchange.positions())
        exchange.move(price)
        await desk.until(lambda: not exchange.positions() and not exchange.open_algos())
        await desk.until(lambda: is_flat(desk))
        exchange.move("50000")
        answer = await desk.trade("sell", stop_loss=51_000, take_profit=49_000, strategy_id="other")
        assert "agreed" == answer["status"], answer
        await desk.until(lambda: len(exchange.open_algos()) == 2)
        assert ["SHORT"] == list(exchange.positions())
        exchange.move("51050")
        await desk.until(lambda: not exchange.positions() and not exchange.open_algos())
        await desk.until(lambda: is_flat(desk))
        await desk.until_ready()
        await desk.stop()
    assert 4 == len(exchange.trades("usdm"))


async def test_lists_grow_with_what_is_filled(exchange: HandExchange, tmp_path: Path) -> None:
    """An entry that fills a part and then another is behind lists for all that it holds, each time."""
    async with desk_here(tmp_path, exchange.url, "spot", "execution.entry=passive") as desk:
        await desk.trade("buy", **LEVELS)
        await desk.until(lambda: exchange.open_orders("spot"))
        exchange.do(lambda market: market.trade("49990", 0.1, Side.SELL))
        await desk.until(lambda: covers(desk, exchange))
        (small,) = (Decimal(one["origQty"]) for one in stops(exchange))
        exchange.do(lambda market: market.trade("49990", 0.1, Side.SELL))
        await desk.until(lambda: covers(desk, exchange, small))
        entry = exchange.orders("spot")[0]
        assert "PARTIALLY_FILLED" == entry["status"]
        await desk.stop()
    assert "CANCELED" == exchange.orders("spot")[0]["status"], "no entry rests when a desk stops"
    assert 2 == len(stops(exchange)), "what it holds is protected"


def stops(exchange: HandExchange) -> list[dict[str, Any]]:
    return [one for one in exchange.open_orders("spot") if one["type"] == "STOP_LOSS"]


async def covers(desk: DeskHere, exchange: HandExchange, beyond: Decimal = Decimal(0)) -> bool:
    """Whether stops are for all that is held, to a step each, and for more than so much."""
    covered = sum((Decimal(one["origQty"]) for one in stops(exchange)), Decimal(0))
    return covered > beyond and abs(Decimal(await desk.held() or 0) - covered) < 2 * STEP


async def test_an_exit_on_spot_takes_the_list_off_first(exchange: HandExchange, tmp_path: Path) -> None:
    """The balance is locked by the list: it goes, then everything is sold at the market, once."""
    async with desk_here(tmp_path, exchange.url, "spot") as desk:
        await bought(desk, exchange, "spot")
        assert "agreed" == (await desk.trade("close"))["status"]
        await desk.until(lambda: is_flat(desk))
        await desk.stop()
    orders = exchange.orders("spot")
    assert ["CANCELED", "CANCELED", "FILLED", "FILLED"] == sorted(one["status"] for one in orders)
    assert ("MARKET", "FILLED") == (orders[-1]["type"], orders[-1]["status"])
    assert not exchange.open_orders("spot")


@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_a_stop_that_fires_while_the_desk_is_down_is_booked_at_the_start(
    exchange: HandExchange, tmp_path: Path, market: str
) -> None:
    """By the trades that the venue lists; the other order is gone, and there is no second exit."""
    async with desk_here(tmp_path, exchange.url, market) as desk:
        await bought(desk, exchange, market)
        await desk.stop()
    assert 2 == len(resting(exchange, market)), "protection stays when a desk stops"
    exchange.move("48950")
    async with desk_here(tmp_path, exchange.url, market) as desk:
        assert await is_flat(desk)
        assert [] == (await desk.ask("/reconcile"))["findings"]
        await desk.stop()
    assert [] == resting(exchange, market)
    assert 2 == len(exchange.trades(market))


async def test_what_others_do_is_found_and_resolved_by_command(exchange: HandExchange, tmp_path: Path) -> None:
    """A position of somebody is adopted and gets its stop, an order of somebody is taken off, another one is ignored.
    Entries wait in between; what was adopted is closed like any other."""
    order(exchange, type="MARKET", side="BUY", quantity="0.1")
    async with desk_here(tmp_path, exchange.url, "usdm", ready=False) as desk:
        await desk.resolve("adopt", "position_differs")
        await desk.until(lambda: len(exchange.open_algos()) == 2)
        await desk.until_ready()
        assert Decimal("0.1") == Decimal(await desk.held())
        order(exchange, type="LIMIT", side="BUY", quantity="0.01", price="49000", timeInForce="GTC")
        await desk.until(lambda: desk.finding("foreign_order"))
        assert "rejected" == (await desk.trade("buy", **LEVELS))["status"]
        await desk.resolve("flatten", "foreign_order")
        await desk.until(lambda: not exchange.open_orders("usdm"))
        order(exchange, type="LIMIT", side="SELL", quantity="0.01", price="51000", timeInForce="GTC")
        await desk.resolve("ignore", "foreign_order")
        await desk.until_ready()
        assert 1 == len(exchange.open_orders("usdm"))
        assert "agreed" == (await desk.trade("close"))["status"]
        await desk.until(lambda: not exchange.positions() and not exchange.open_algos())
        await desk.stop()


async def test_a_position_of_somebody_while_it_runs_is_guarded_at_once(exchange: HandExchange, tmp_path: Path) -> None:
    """The account's stream tells of it: it counts, is said aloud, and gets a stop."""
    async with desk_here(tmp_path, exchange.url, "usdm") as desk:
        order(exchange, type="MARKET", side="BUY", quantity="0.1")
        await desk.until(lambda: len(exchange.open_algos()) == 2)
        assert Decimal("0.1") == Decimal(await desk.held())
        assert 'petrosa_alarms_total{name="unknown_order"} 1.0' in await desk.text("/metrics")
        await desk.stop()


def order(exchange: HandExchange, **more: str) -> None:
    """Somebody else places an order by the same account."""
    exchange.call("POST", "/fapi/v1/order", symbol="BTCUSDT", **more)


async def test_funding_reaches_the_ledger(exchange: HandExchange, tmp_path: Path) -> None:
    """What the venue pays or takes is in the wallet and told apart; the comparison finds nothing to correct."""
    async with desk_here(tmp_path, exchange.url, "usdm") as desk:
        await bought(desk, exchange, "usdm")
        wallet = exchange.balances("usdm")["USDT"]
        exchange.do(lambda market: market.mark("50000", rate=0.01, due_in_ns=1))
        exchange.mark("50000")
        await desk.until(lambda: exchange.balances("usdm")["USDT"] < wallet - 100)
        paid = exchange.balances("usdm")["USDT"]
        await desk.until(lambda: has_wallet(desk, paid))
        await desk.until_ready()
        await desk.stop()
    told = [turn.event for turn in JournalReader(desk.journal).turns() if isinstance(turn.event, FundingPaid)]
    assert [wallet - paid] == [-one.amount for one in told]


async def has_wallet(desk: DeskHere, total: Decimal) -> bool:
    return Decimal((await desk.ask("/account"))["balances"]["USDT"]) == total


async def test_a_liquidation_by_the_venue_is_taken_in(tmp_path: Path) -> None:
    """The order of the venue's own hand is no mystery that holds a position open: the desk is flat with the venue. All
    who listen hear of it, the desk too."""
    poor = AccountEntry(name="demo", key=demo_account().key, usdm={"USDT": Decimal(1_000)})
    with hand_exchange(accounts=[poor]) as exchange:
        exchange.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage="100")
        async with desk_here(tmp_path, exchange.url, "usdm", "risk.default_stop_loss_fraction=0.2") as desk:
            order(exchange, type="MARKET", side="BUY", quantity="0.15")
            await desk.until(lambda: exchange.open_algos())
            exchange.mark("43500")
            await desk.until(lambda: not exchange.positions())
            await desk.until(lambda: is_flat(desk))
            await desk.until(lambda: counts(desk, 'petrosa_liquidations_total{side="long",symbol="BTCUSDT"} 1.0'))
            assert await counts(desk, 'petrosa_liquidations_total{side="short",symbol="BTCUSDT"} 0.0')
            await desk.until_ready()
            await desk.stop()
        assert any(one["clientOrderId"].startswith("autoclose-") for one in exchange.orders("usdm"))


async def counts(desk: DeskHere, line: str) -> bool:
    return line in (await desk.text("/metrics")).splitlines()


async def test_filters_that_change_are_gone_by(exchange: HandExchange, tmp_path: Path) -> None:
    """A venue that makes its tick coarser is followed before the next order."""
    async with desk_here(tmp_path, exchange.url, "usdm") as desk:
        exchange.do(lambda market: market.coarser(Decimal(5), "usdm"))
        await desk.until(lambda: any("RulesStated" in line for line in told(desk)[4:]))
        await desk.trade("buy", stop_loss=49_001, take_profit=51_001)
        await desk.until(lambda: len(exchange.open_algos()) == 2)
        assert [0, 0] == [Decimal(one["triggerPrice"]) % 5 for one in exchange.open_algos()]
        await desk.stop()


def told(desk: DeskHere) -> list[str]:
    return [type(turn.event).__name__ for turn in JournalReader(desk.journal).turns()]


@pytest.mark.parametrize("name", ["TheHmacKey", "TheRsaKey", "TheEdKey"])
@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_a_key_of_any_kind_trades(tmp_path: Path, market: str, name: str) -> None:
    """Requests and the user stream are signed by it; a private key is read from its file."""
    file = tmp_path / "secret"
    file.write_text(dict(SECRETS)[name])
    environ = {"BINANCE_API_KEY": name, "BINANCE_API_SECRET_FILE": str(file)}
    with hand_exchange(accounts=[signing_account()]) as exchange, Exchange(exchange.url, "TheHmacKey") as hmac:
        async with desk_here(tmp_path / "home", exchange.url, market, environ=environ) as desk:
            await desk.trade("buy", **LEVELS)
            await desk.until(lambda: len(resting(hmac, market)) == 2)
            await desk.stop()


async def test_a_key_that_may_withdraw_is_refused(tmp_path: Path) -> None:
    """Before anything is asked in its name but what it may do."""
    key = KeyEntry(key="TheRichKey", secret="s" * 64, may_withdraw=True)
    environ = {"BINANCE_API_KEY": "TheRichKey", "BINANCE_API_SECRET": "s" * 64}
    with hand_exchange(accounts=[account(key)]) as exchange, pytest.raises(VenueClosed, match="withdraw"):
        async with desk_here(tmp_path, exchange.url, "spot", environ=environ):
            raise AssertionError("it must not start")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_a_stop_entry_waits_at_the_venue_and_is_protected_when_it_fills(
    exchange: HandExchange, tmp_path: Path, market: str
) -> None:
    """It rests as the venue's own conditional order; the market comes, it fills, and stop and target rest behind it."""
    async with desk_here(tmp_path, exchange.url, market) as desk:
        answer = await desk.trade("buy", **LEVELS, price=50_200, current_price=50_000, order_type="stop")
        assert "agreed" == answer["status"], answer
        await desk.until(lambda: len(resting(exchange, market)) == 1)
        assert not await desk.held()
        exchange.move("50210")
        await desk.until(desk.held)
        await desk.until(lambda: len(resting(exchange, market)) == 2)
        await desk.until_ready()
        await desk.stop()


async def test_a_stop_entry_that_nobody_reached_is_taken_off_when_it_ends(
    exchange: HandExchange, tmp_path: Path
) -> None:
    """After `execution.stop_entry_ttl_seconds` nothing waits at the venue any more."""
    async with desk_here(tmp_path, exchange.url, "usdm", "execution.stop_entry_ttl_seconds=1") as desk:
        await desk.trade("buy", **LEVELS, price=50_200, current_price=50_000, order_type="stop")
        await desk.until(lambda: len(exchange.open_algos()) == 1)
        await desk.until(lambda: not exchange.open_algos())
        await desk.until(lambda: desk_orders_are_over(desk))
        await desk.stop()
    assert [] == exchange.trades("usdm")


async def desk_orders_are_over(desk: DeskHere) -> bool:
    return (await desk.ask("/account"))["open_orders"] == 0
