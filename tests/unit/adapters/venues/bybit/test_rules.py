"""Bybit's instruments and answers, from its documented shapes."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from petrosa.adapters.venues.bybit.live.environments import urls
from petrosa.adapters.venues.bybit.live.rest import Rest
from petrosa.adapters.venues.bybit.live.rules import read_rules
from petrosa.apps.commands.readings import NAMES
from petrosa.apps.readings import SOURCES
from petrosa.apps.settings import load
from petrosa.errors import ConfigError, DataError, PetrosaError, RateLimited, TransportError, VenueRefused

LINEAR: dict[str, Any] = {
    "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC", "quoteCoin": "USDT",
    "settleCoin": "USDT", "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
    "lotSizeFilter": {"maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001",
                      "maxMktOrderQty": "500.000", "minNotionalValue": "5"},
}  # fmt: skip
SPOT: dict[str, Any] = {
    "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "innovation": "0", "status": "Trading",
    "lotSizeFilter": {"basePrecision": "0.000001", "quotePrecision": "0.00000001", "minOrderQty": "0.000048",
                      "maxOrderQty": "71.73956243", "minOrderAmt": "1", "maxOrderAmt": "4000000"},
    "priceFilter": {"tickSize": "0.01"},
}  # fmt: skip


def answer(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": {"category": "x", "list": rows}}).encode()


def test_linear_has_a_step_and_a_least_value() -> None:
    (rules,) = read_rules("linear", answer(LINEAR)).values()
    assert ("bybit:linear:BTCUSDT", "BTC", "USDT", "USDT", True) == (
        rules.id, rules.base, rules.quote, rules.settle, rules.short_allowed,
    )  # fmt: skip
    assert (Decimal("0.1"), Decimal("0.001"), Decimal(1190), Decimal(5)) == (
        rules.tick, rules.step, rules.max_quantity, rules.min_notional,
    )  # fmt: skip


def test_spot_calls_them_by_other_names() -> None:
    (rules,) = read_rules("spot", answer(SPOT)).values()
    assert (Decimal("0.01"), Decimal("0.000001"), Decimal(1), False) == (
        rules.tick, rules.step, rules.min_notional, rules.short_allowed,
    )  # fmt: skip


def test_what_is_not_traded_now_or_is_no_perpetual_is_left_out() -> None:
    rows = (LINEAR | {"status": "PreLaunch"}, LINEAR | {"contractType": "LinearFutures", "symbol": "BTC-26JUN26"})
    assert {} == read_rules("linear", answer(*rows))


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"result":{}}', b"\xff", answer(LINEAR | {"priceFilter": {"tickSize": "0"}}),
     answer(LINEAR | {"priceFilter": {"tickSize": "NaN"}}), answer(LINEAR | {"priceFilter": {"tickSize": "-1"}})],
)  # fmt: skip
def test_an_answer_that_cannot_be_is_refused(body: bytes) -> None:
    with pytest.raises(DataError):
        read_rules("linear", body)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [(403, b"", RateLimited), (500, b"", TransportError), (200, b"<html>", TransportError),
     (200, b'{"retCode":10006,"retMsg":"Too many visits!"}', RateLimited),
     (200, b'{"retCode":10001,"retMsg":"symbol invalid"}', VenueRefused)],
)  # fmt: skip
async def test_what_the_venue_answers_says_what_to_do(status: int, body: bytes, error: type[PetrosaError]) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        rest = Rest(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(error):
            await rest.get("/v5/market/instruments-info", {"category": "spot"})
        await rest.close()


def test_addresses_are_those_of_the_venue_unless_another_host_is_named() -> None:
    assert ("https://api.bybit.com", "wss://stream.bybit.com/v5/public/linear") == urls("linear")
    assert ("http://h:1", "ws://h:1/v5/public/spot") == urls("spot", "http://h:1/")
    for market, address in (("usdm", ""), ("spot", "h:1")):
        with pytest.raises(ConfigError):
            urls(market, address)


def test_a_source_has_one_name_wherever_it_is_named() -> None:
    """On the command line, in settings, and where it is made."""
    assert set(NAMES) == set(SOURCES)
    said = load(sets=[f"outside.sources={','.join(SOURCES)}"], environ={}).outside.sources
    assert tuple(SOURCES) == said
    for text in ("outside.sources=kraken2", "outside.addresses=bybit", "outside.addresses=bybit=h:1"):
        with pytest.raises(ConfigError):
            load(sets=[text], environ={})
