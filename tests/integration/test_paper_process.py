"""A paper exchange that outlives its clients: what they left can be read, and the market goes on."""

import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.kit.paper_process import Exchange, HandExchange, Refused, hand_exchange, paper_process

ORDER = {"symbol": "BTCUSDT", "side": "BUY"}
CLIENT = """
import sys
from tests.kit.paper_process import Exchange
with Exchange(sys.argv[1]) as exchange:
    exchange.call("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.02")
    exchange.call("POST", "/fapi/v1/algoOrder", symbol="BTCUSDT", side="SELL", type="STOP_MARKET", quantity="0.02",
        triggerPrice="49000.0", algoType="CONDITIONAL", reduceOnly="true", clientAlgoId="stop")
    exchange.call("POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
        quantity="0.01", price="48000.00", newClientOrderId="limit")
    print("done", flush=True)
    sys.stdin.read()
"""


def usdm(exchange: Exchange, kind: str, quantity: str, **more: str) -> dict[str, str]:
    return dict(exchange.call("POST", "/fapi/v1/order", **ORDER, type=kind, quantity=quantity, **more))


def killed_client(exchange: Exchange) -> None:
    """A client opens a position, protects it, leaves a limit order, and is killed."""
    command = [sys.executable, "-c", CLIENT, exchange.url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as client:
        assert client.stdout is not None
        assert "done\n" == client.stdout.readline()
        client.send_signal(signal.SIGKILL)
    assert -signal.SIGKILL == client.returncode


def left_behind(exchange: Exchange) -> None:
    assert {"BOTH": Decimal("0.02")} == exchange.positions()
    assert ["stop"] == [one["clientAlgoId"] for one in exchange.open_algos()]
    assert ["limit"] == [one["clientOrderId"] for one in exchange.open_orders("spot")]
    assert [] == exchange.open_orders("usdm")
    assert 1 == len(exchange.orders("usdm"))
    assert Decimal("0.02") == sum(Decimal(one["qty"]) for one in exchange.trades("usdm"))


def test_a_slow_request_takes_effect_when_its_client_is_gone() -> None:
    """It has arrived: nobody can take it back."""
    with hand_exchange() as exchange, Exchange(exchange.url) as impatient:
        slow = exchange.fault("latency", delay_ms=300, count=1, path="/fapi/v1/order")
        impatient.timeout(0.05)
        with pytest.raises(httpx.ReadTimeout):
            usdm(impatient, "MARKET", "0.02")
        until = time.monotonic() + 10
        while not exchange.positions():
            assert time.monotonic() < until
        assert {"BOTH": Decimal("0.02")} == exchange.positions()
        assert 1 == exchange.fired(slow)


def test_a_hand_moved_exchange_survives_the_death_of_its_client() -> None:
    """Its stop fires while nobody is there."""
    with hand_exchange() as exchange:
        killed_client(exchange)
        left_behind(exchange)
        exchange.move("48900")
        assert {} == exchange.positions()
        assert ["FINISHED"] == [one["algoStatus"] for one in exchange.algos()]
        exchange.move("47000")
        assert ["FILLED"] == [one["status"] for one in exchange.orders("spot")]
        assert Decimal("1.01") > exchange.balances("spot")["BTC"] > Decimal("1.009")


def test_a_process_survives_the_death_of_its_client(tmp_path: Path) -> None:
    """On a synthetic market that begins where it was told to."""
    words = ("--symbols", "BTCUSDT", "--price", "BTCUSDT=50000", "--speed", "0.1")
    with paper_process(tmp_path, *words) as exchange:
        price = Decimal(exchange.public("/fapi/v1/premiumIndex", symbol="BTCUSDT")["markPrice"])
        assert Decimal("49750") < price < Decimal("50250")
        killed_client(exchange)
        left_behind(exchange)


def test_a_thin_hand_made_book_fills_a_part_and_the_rest_stays() -> None:
    """While the market repeats itself nothing is filled twice; the next quote fills the rest."""
    with hand_exchange() as exchange:
        exchange.quote("50000", size=0.01, levels=1)
        usdm(exchange, "LIMIT", "0.02", price="50010.0", timeInForce="GTC")
        (order,) = exchange.open_orders("usdm")
        assert ("PARTIALLY_FILLED", "0.010") == (order["status"], order["executedQty"])
        exchange.do(lambda market: [market.beat() for _ in range(5)])
        assert {"BOTH": Decimal("0.01")} == exchange.positions()
        exchange.quote("50000", size=1.0)
        assert {"BOTH": Decimal("0.02")} == exchange.positions()


def thin(exchange: HandExchange) -> None:
    number = exchange.fault("thin_book", share=0.5, count=1)
    usdm(exchange, "MARKET", "0.02")
    assert {"BOTH": Decimal("0.01")} == exchange.positions()
    assert 1 == exchange.fired(number)


def test_faults_strike_the_next_order() -> None:
    """A thin book, then a refusal with the code that was asked for, then none."""
    with hand_exchange(beat=0) as exchange:
        thin(exchange)
        exchange.fault("reject", code=-2019, count=1, method="POST", path="/fapi/v1/order")
        with pytest.raises(Refused) as refused:
            usdm(exchange, "MARKET", "0.02")
        assert -2019 == refused.value.code
        assert {"BOTH": Decimal("0.01")} == exchange.positions()
        exchange.clear_faults()
        usdm(exchange, "MARKET", "0.02")
        assert {"BOTH": Decimal("0.03")} == exchange.positions()


def test_it_can_be_had_in_hedge_mode() -> None:
    with hand_exchange() as exchange:
        exchange.hedge()
        usdm(exchange, "MARKET", "0.02", positionSide="LONG")
        assert {"LONG": Decimal("0.02")} == exchange.positions()


def test_the_public_market_goes_on_by_itself() -> None:
    """The chain of update ids has no gap, and the book is where it was put."""
    with hand_exchange() as exchange:
        depth = exchange.public("/fapi/v1/depth", symbol="BTCUSDT", limit=5)
        assert ("49997.50", "50002.50") == (depth["bids"][0][0], depth["asks"][0][0])
        exchange.move("51000")
        later = exchange.public("/fapi/v1/depth", symbol="BTCUSDT", limit=50)
        assert ("50997.40", 5, 5) == (later["bids"][0][0], len(later["bids"]), len(later["asks"]))
        assert later["lastUpdateId"] > depth["lastUpdateId"]
