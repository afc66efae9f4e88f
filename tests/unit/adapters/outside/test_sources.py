"""What each service's documented answer becomes, value by value, and what is asked of it."""

from collections.abc import Callable

import pytest

from petrosa.adapters.outside.blockchain import Blockchain
from petrosa.adapters.outside.coinbase import Coinbase
from petrosa.adapters.outside.coingecko import CoinGecko
from petrosa.adapters.outside.http import JsonOverHttp
from petrosa.adapters.outside.kraken import Kraken
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Reading
from petrosa.errors import DataError, FrameError
from petrosa.ports import Readings
from tests.kit import outside
from tests.kit.outside import Answering, json

AT = outside.SECOND * NS_PER_SECOND
NOW = AT + 5 * NS_PER_SECOND


async def polled(make: Callable[[JsonOverHttp], Readings], answering: Answering) -> tuple[list[Reading], list[str]]:
    """What a source says, and what it asked."""
    async with outside.service(answering) as service:
        source = make(JsonOverHttp(service.url))
        try:
            return list(await source.poll()), service.asked
        finally:
            await source.close()


async def test_coinbase() -> None:
    """Bid and ask of the ticker, at its time."""
    said, asked = await polled(lambda http: Coinbase(http, ["BTC/USD", "USDT/USD"], lambda: NOW), outside.coinbase)
    at = AT + 123_456_000
    assert [
        Reading("coinbase", "quote", "BTC/USD", at, NOW, {"bid": 61_837.63, "ask": 61_837.63}),
        Reading("coinbase", "quote", "USDT/USD", at, NOW, {"bid": 0.9995, "ask": 0.9995}),
    ] == said
    assert ["/products/BTC-USD/ticker", "/products/USDT-USD/ticker"] == asked


async def test_kraken() -> None:
    """The first of `b` and of `a`, by Kraken's own names of coins, at the time of asking."""
    said, asked = await polled(lambda http: Kraken(http, ["BTC/USD"], lambda: NOW), outside.kraken)
    assert [Reading("kraken", "quote", "BTC/USD", NOW, NOW, {"bid": 30_300.0, "ask": 30_300.1})] == said
    assert ["/0/public/Ticker?pair=XBTUSD"] == asked


async def test_coingecko() -> None:
    """Bitcoin's share in %, at the time of the figures; without it there is nothing to say."""
    said, asked = await polled(lambda http: CoinGecko(http, lambda: NOW), outside.coingecko)
    assert [Reading("coingecko", "dominance", "BTC", AT, NOW, {"share_pct": 52.3})] == said
    assert ["/api/v3/global"] == asked
    without = json({"data": {"market_cap_percentage": {"eth": 16.1}, "updated_at": outside.SECOND}})
    assert [] == (await polled(lambda http: CoinGecko(http, lambda: NOW), lambda _path, _query: without))[0]


async def test_blockchain() -> None:
    """Three charts laid side by side, a reading a day; a day that one chart lacks has the others' figures."""

    def answering(path: str, query: dict[str, str]) -> outside.Answer:
        if path == "/charts/hash-rate":
            return json({"status": "ok", "values": [{"x": outside.SECOND, "y": 6e8}]})
        return outside.blockchain(path, query)

    said, asked = await polled(lambda http: Blockchain(http, lambda: NOW), answering)
    figures = {"active_addresses": 5e5, "transaction_volume_usd": 4e9, "hash_rate_ths": 6e8}
    assert Reading("blockchain", "onchain", "BTC", AT, NOW, figures) == said[0]
    assert {"active_addresses", "transaction_volume_usd"} == set(said[1].values)
    assert [AT + day * 86_400 * NS_PER_SECOND for day in range(8)] == [one.ts_event for one in said]
    assert "/charts/n-unique-addresses?timespan=8days&format=json&sampled=false" == asked[0]


@pytest.mark.parametrize(
    ("make", "answer", "said"),
    [
        (lambda http: Kraken(http, ["X/USD"]), {"error": ["EQuery:Unknown asset pair"]}, "Unknown asset pair"),
        (lambda http: Kraken(http, ["X/USD"]), {"error": [], "result": {}}, "0 pairs in place of one"),
        (
            lambda http: Kraken(http, ["X/USD"]),
            {"error": [], "result": {"X": {"a": ["1"], "b": ["2"]}}},
            "bid 2.0 is above ask 1.0",
        ),
        (
            lambda http: Coinbase(http, ["X/USD"]),
            {"bid": "2", "ask": "1", "time": "2026-01-01T00:00:00Z"},
            "bid 2.0 is above ask 1.0",
        ),
        (lambda http: Blockchain(http), {"status": "error", "values": []}, "not the answer that was expected"),
    ],
)
async def test_an_answer_that_says_no_is_data_that_cannot_be_used(
    make: Callable[[JsonOverHttp], Readings], answer: object, said: str
) -> None:
    """With what the service said, or what is wrong with it."""
    with pytest.raises(DataError, match=said):
        await polled(make, lambda _path, _query: json(answer))


async def test_a_time_that_is_none_is_refused() -> None:
    """A quote without a moment cannot be aged."""
    answer = json({"bid": "1", "ask": "2", "time": "yesterday"})
    with pytest.raises(FrameError, match="time = 'yesterday' is not a time"):
        await polled(lambda http: Coinbase(http, ["BTC/USD"]), lambda _path, _query: answer)
