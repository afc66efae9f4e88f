"""The market-metrics routes, served for real: what they answer, what they refuse, and how fresh it is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from math import ceil
from typing import Any

import httpx
import msgspec
import pytest
from starlette.requests import Request

from petrosa.core.model.market import FeedState
from petrosa.surfaces.access import Scope
from petrosa.surfaces.api import market_metrics_examples
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.market_metrics import market_metrics
from petrosa.surfaces.api.market_metrics_paths import NOT_ALLOWED, SCHEMAS
from petrosa.surfaces.api.market_table import LIMIT_MAX, MetricsPage
from petrosa.surfaces.api.part import NO_KEY, Failure
from petrosa.surfaces.api.serve import serving
from petrosa.surfaces.desk_metrics import ROWS_AT_ONCE, DeskMetrics
from petrosa.surfaces.market_metrics import DepthReport, MarketSummary, PressureReport
from tests.kit.access import Fragile, Guarded
from tests.kit.books import BTC, LIQUIDATIONS, Heard, depth
from tests.kit.instruments import instrument
from tests.kit.market_story import ETH, examples_of, metrics_of, story
from tests.unit.surfaces.api.test_api import Fixed

ROOT = "/api/v1/metrics"
PATHS = ("/depth/BTCUSDT", "/pressure/BTCUSDT", "/summary", "/all")
TYPES: dict[str, type[msgspec.Struct]] = {struct.__name__: struct for struct in SCHEMAS}


@asynccontextmanager
async def served(metrics: DeskMetrics | None) -> AsyncIterator[Callable[[str], Any]]:
    """A function that gets a path below the metrics from a server that is up."""
    app = api(Fixed(), [market_metrics(lambda: metrics, Guarded().access)])
    async with serving(app, "127.0.0.1", 0) as url, httpx.AsyncClient(base_url=url) as client:
        yield lambda path: client.get(ROOT + path)


async def get(metrics: DeskMetrics | None, path: str) -> httpx.Response:
    async with served(metrics) as ask:
        answer: httpx.Response = await ask(path)
        return answer


def asked(query: str = "", **path: str) -> Request:
    """A request from this machine, as a route gets it."""
    scope = {"type": "http", "method": "GET", "scheme": "http", "client": ("127.0.0.1", 1), "path_params": path}
    return Request({**scope, "path": "/", "query_string": query.encode(), "headers": [(b"host", b"localhost")]})


def refused(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a no, which is in the envelope and complete."""
    no = msgspec.json.decode(response.content, type=Failure)
    assert (False, None) == (no.success, no.data)
    assert no.error.message
    return response.status_code, no.error.code


async def test_the_examples_of_the_document_are_real_answers() -> None:
    """The story is told again and every route says what stands in the document, to the digit."""
    _, metrics = story()
    made = examples_of(metrics)
    assert {name: getattr(market_metrics_examples, name) for name in made} == made
    async with served(metrics) as ask:
        answers = {
            "DEPTH": msgspec.json.decode((await ask("/depth/BTCUSDT")).content, type=DepthReport),
            "PRESSURE": msgspec.json.decode((await ask("/pressure/BTCUSDT")).content, type=PressureReport),
            "SUMMARY": msgspec.json.decode((await ask("/summary")).content, type=MarketSummary),
            "PAGE": msgspec.json.decode(
                (await ask("/all?min_pressure=-50&sort_by=pressure&sort_order=desc")).content, type=MetricsPage
            ),
        }
    assert answers == made


async def test_liquidations_are_null_with_a_reason_until_somebody_tells() -> None:
    """Zero is said only where a liquidation would have been told."""
    heard = Heard()
    metrics = metrics_of(heard)

    async def told(state: FeedState | None, at: float) -> dict[str, Any]:
        if state is not None:
            heard.feed(state, at, LIQUIDATIONS)
        heard.book(50.0, at)
        figures: dict[str, Any] = (await get(metrics, "/depth/BTCUSDT")).json()["liquidations"]
        return figures

    names = ("long_notional", "short_notional", "longs", "shorts", "heard_seconds")
    unheard, live, lost = await told(None, 0), await told(FeedState.LIVE, 1), await told(FeedState.STALE, 11)
    assert [None] * 10 == [one[name] for one in (unheard, lost) for name in names]
    assert "add liquidation" in unheard["reason"]
    assert "not live" in lost["reason"]
    assert ({"1m": 0.0, "5m": 0.0, "15m": 0.0}, None) == (live["long_notional"], live["reason"])


async def test_the_document_and_the_routes_agree() -> None:
    """Every route is described, every example is of its schema, every reference leads somewhere."""
    app = api(Fixed(), [market_metrics(lambda: None, Guarded().access)])
    async with serving(app, "127.0.0.1", 0) as url, httpx.AsyncClient() as client:
        document = (await client.get(f"{url}/openapi.json")).json()
    paths = {path: item["get"] for path, item in document["paths"].items() if path.startswith(ROOT)}
    assert set(paths) == {route.path_format for route in app.routes if route.path.startswith(ROOT)}  # type: ignore[attr-defined]
    for operation in paths.values():
        assert operation["description"]
        for response in operation["responses"].values():
            content = response["content"]["application/json"]
            name = content["schema"]["$ref"].rpartition("/")[2]
            msgspec.convert(content["example"], TYPES[name], strict=False)
            assert name in document["components"]["schemas"]


@pytest.mark.parametrize("name", ["BTCUSDT", "btcusdt", "BTC/USDT", "btc/usdt:usdt", "BTC%2FUSDT%3AUSDT", BTC.id])
async def test_a_symbol_is_found_however_it_is_written(name: str) -> None:
    """Also with a slash in the path."""
    _, metrics = story()
    answer = await get(metrics, f"/depth/{name}")
    assert (200, "BTCUSDT") == (answer.status_code, answer.json()["symbol"])


@pytest.mark.parametrize("path", PATHS)
async def test_before_the_first_data_there_is_nothing_to_say(path: str) -> None:
    """503 with the time after which to ask again, whether the desk is up or not."""
    for metrics in (None, metrics_of(Heard())):
        answer = await get(metrics, path)
        assert (503, "NO_DATA_YET") == refused(answer)
        assert "1" == answer.headers["retry-after"]


async def from_elsewhere(guarded: Guarded, path: str, peer: str = "203.0.113.9", **headers: str) -> httpx.Response:
    """The answer to somebody at another address, who asks for the desk by its name there."""
    _, metrics = story()
    app = api(Fixed(), [market_metrics(lambda: metrics, guarded.access)])
    transport = httpx.ASGITransport(app=app, client=(peer, 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example:8080") as client:
        return await client.get(ROOT + path, headers=headers)


@pytest.mark.parametrize("path", PATHS)
async def test_metrics_are_read_by_the_rule_of_every_reading(path: str) -> None:
    """By everybody as long as there is no key; then by keys of any scope, and by this machine."""
    guarded = Guarded()
    assert 200 == (await from_elsewhere(guarded, path)).status_code
    keys = [await guarded.key(scope, scope) for scope in Scope]
    no = await from_elsewhere(guarded, path)
    assert (401, NO_KEY.code) == refused(no)
    assert NO_KEY.message == no.json()["error"]["message"]
    assert (401, NO_KEY.code) == refused(await from_elsewhere(guarded, path, **{"X-API-Key": keys[0][:-1] + "?"}))
    for key in keys:
        assert 200 == (await from_elsewhere(guarded, path, Authorization=f"Bearer {key}")).status_code
    no = await from_elsewhere(guarded, path, peer="127.0.0.1")
    assert (403, NOT_ALLOWED.code, NOT_ALLOWED.message) == (*refused(no), no.json()["error"]["message"])
    no = await from_elsewhere(guarded, path, peer="127.0.0.1", Host="localhost:8080")
    assert 200 == no.status_code


async def test_metrics_are_refused_while_nobody_can_say_whether_there_are_keys() -> None:
    """503 from elsewhere; this machine needs no key to read."""
    store = Fragile()
    store.is_away = True
    assert (503, "STORE_UNAVAILABLE") == refused(await from_elsewhere(Guarded(store), "/summary"))
    here = await from_elsewhere(Guarded(store), "/summary", peer="127.0.0.1", Host="127.0.0.1:8080")
    assert 200 == here.status_code


async def test_an_unknown_symbol_is_not_found() -> None:
    """404, and how many there are."""
    _, metrics = story()
    for path in ("/depth/XYZUSDT", "/pressure/XYZUSDT"):
        answer = await get(metrics, path)
        assert (404, "SYMBOL_UNKNOWN") == refused(answer)
        assert "'XYZUSDT' is not followed; 2 symbols are" in answer.text


async def test_a_stale_symbol_is_not_found_while_others_are_fresh() -> None:
    """Age in the desk's time: BTC was heard 61 s before ETH."""
    heard = Heard((BTC, ETH), ttl_seconds=60.0)
    heard.book(10.0, 0.0)
    heard.book(10.0, 61.0, ETH)
    async with served(metrics_of(heard)) as ask:
        assert (404, "METRICS_STALE") == refused(await ask("/depth/BTCUSDT"))
        assert 200 == (await ask("/depth/ETHUSDT")).status_code
        assert ["ETHUSDT"] == [row["symbol"] for row in (await ask("/all")).json()["data"]]
        assert 1 == (await ask("/summary")).json()["symbols_tracked"]


@pytest.mark.parametrize(("silence", "status"), [(59.9, 200), (60.1, 503)])
async def test_silence_makes_everything_stale(silence: float, status: int) -> None:
    """The desk's time stands still when nothing is heard; the wall's does not."""
    heard = Heard(ttl_seconds=60.0)
    heard.book(10.0, 0.0)
    for path in ("/depth/BTCUSDT", "/summary", "/all"):
        answer = await get(metrics_of(heard, silence), path)
        assert status == answer.status_code
        assert ("NO_FRESH_DATA" in answer.text) is (status == 503)


async def test_a_book_with_a_gap_is_stale() -> None:
    """It is not to be believed before the next snapshot."""
    heard = Heard((BTC, ETH))
    heard.book(10.0, 0.0, ETH)
    heard.book(10.0, 0.0)
    heard.gap(0.5)
    answer = await get(metrics_of(heard), "/depth/BTCUSDT")
    assert (404, "METRICS_STALE") == refused(answer)
    assert "no book that can be believed" in answer.text


async def test_a_wrong_timeframe_is_refused() -> None:
    """422 with the value and what there is."""
    _, metrics = story()
    answer = await get(metrics, "/pressure/BTCUSDT?timeframe=2m")
    assert (422, "BAD_TIMEFRAME") == refused(answer)
    assert {"value": "2m", "allowed": ["1m", "5m", "15m"]} == answer.json()["error"]["details"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=ten", "limit=1.5", "limit=", "offset=-1", "offset=9999999999999",
        "min_pressure=high", "min_pressure=nan", "max_pressure=101", "min_pressure=10&max_pressure=5", "trend=up",
        "sort_by=price", "sort_order=down", "symbols=", "symbols=%2C", "min_presure=20",
    ],
)  # fmt: skip
async def test_a_wrong_query_is_refused_and_named(query: str) -> None:
    """422, never a guess: a misspelt filter would answer with everything."""
    _, metrics = story()
    answer = await get(metrics, f"/all?{query}")
    assert (422, "BAD_QUERY") == refused(answer)
    details = answer.json()["error"]["details"]
    assert query.partition("=")[0] == details["parameter"]
    assert details["parameter"] in answer.json()["error"]["message"]


def many(count: int) -> Heard:
    """Symbols with pressures from -99 on, each two more than the one before it in the alphabet, modulo their range."""
    coins = [instrument(f"C{number:03}USDT") for number in range(count)]
    heard = Heard(coins)
    for number, rules in enumerate(coins):
        heard.book((number * 2) % 199 - 99.0, 0.0, rules)
    return heard


async def test_pages_hold_every_symbol_once() -> None:
    """In order, with the counts that lead from one page to the next."""
    seen, metrics = [], metrics_of(many(7))
    async with served(metrics) as ask:
        for offset in (0, 3, 6):
            page = (await ask(f"/all?limit=3&offset={offset}")).json()
            seen += [row["symbol"] for row in page["data"]]
            expected = {"total": 7, "limit": 3, "offset": offset, "page": offset // 3 + 1, "pages": 3}
            expected |= {"has_next": offset < 6, "has_previous": offset > 0}
            assert expected == page["pagination"]
    assert [f"C{number:03}USDT" for number in range(7)] == seen


async def test_filters_and_order() -> None:
    """Between two pressures, by pressure downwards; by trend; by name in any spelling."""
    async with served(metrics_of(many(100))) as ask:
        page = (await ask("/all?min_pressure=10&max_pressure=30&sort_by=pressure&sort_order=desc")).json()
        pressures = [row["net_pressure"] for row in page["data"]]
        assert [float(value) for value in range(29, 10, -2)] == pressures
        assert {"by": "pressure", "order": "desc"} == page["sort"]
        assert (10.0, 30.0) == (page["filters_applied"]["min_pressure"], page["filters_applied"]["max_pressure"])
        bearish = (await ask("/all?trend=bearish&limit=200")).json()
        assert {"bearish"} == {row["interpretation"] for row in bearish["data"]}
        assert 40 == bearish["pagination"]["total"]
        named = (await ask("/all?symbols=c001/usdt,C002USDT,NOPE")).json()
        assert (["C001USDT", "C002USDT"], 2) == ([row["symbol"] for row in named["data"]], named["symbols_count"])


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_rows_without_the_figure_come_last(order: str) -> None:
    """A book of one side has no pressure: nulls, in either order behind those that have one; and no zero anywhere."""
    heard = Heard((BTC, ETH, instrument("SOLUSDT")))
    heard.tell(depth([(100.0, 1.0)], []), 0.0)
    heard.book(10.0, 0.0, ETH)
    heard.book(20.0, 0.0, instrument("SOLUSDT"))
    async with served(metrics_of(heard)) as ask:
        rows = (await ask(f"/all?sort_by=pressure&sort_order={order}")).json()["data"]
        assert "BTCUSDT" == rows[-1]["symbol"]
        assert {None} == {rows[-1][name] for name in ("net_pressure", "interpretation", "mid_price", "spread_bps")}
        assert 2 == (await ask("/all?min_pressure=-100")).json()["pagination"]["total"]
        report = (await ask("/depth/BTCUSDT")).json()
    assert (100.0, None, None) == tuple(report["spread"][name] for name in ("best_bid", "best_ask", "spread_abs"))
    assert {None} == set(report["pressure"].values())


async def test_numbers_of_a_cheap_coin_are_not_rounded_away() -> None:
    """A spread of a hundred-millionth is shown as one, and every price comes back as it went in."""
    pepe = instrument("PEPEUSDT", tick="0.00000001", step="1")
    heard = Heard((pepe,))
    heard.tell(depth([(0.00000831, 1e9)], [(0.00000832, 3e9)], pepe), 0.0)
    report = (await get(metrics_of(heard), "/depth/PEPEUSDT")).json()
    assert (8.31e-06, 8.32e-06, 1e-08, 8.315e-06) == tuple(
        report["spread"][name] for name in ("best_bid", "best_ask", "spread_abs", "mid_price")
    )
    assert (12.03, 8.31e-06) == (report["spread"]["spread_bps"], report["vwap"]["bid"])
    assert 8.3125e-06 == report["micro_price"]["price"]


async def test_a_spread_of_a_dear_coin_is_not_nothing_either() -> None:
    """0.01 of 67,500 is 0.00148 basis points: two decimals would make it none."""
    heard = Heard()
    heard.tell(depth([(67_499.99, 0.00001)], [(67_500.0, 0.00002)]), 0.0)
    report = (await get(metrics_of(heard), "/depth/BTCUSDT")).json()
    assert (0.01, 0.001481) == (report["spread"]["spread_abs"], report["spread"]["spread_bps"])
    assert (1e-05, 2e-05, 3e-05) == (
        report["imbalance"]["bid_volume"], report["imbalance"]["ask_volume"], report["liquidity"]["total"],
    )  # fmt: skip


async def test_buy_and_sell_pressure_are_a_hundred_together_and_differ_by_the_net() -> None:
    """As shown, not only before rounding."""
    heard = Heard()
    for number in range(50):
        heard.book((number * 37) % 199 - 99.0, number * 0.37)
        figures = metrics_of(heard).depth(BTC.id).pressure
        assert figures.buy_pressure is not None
        assert figures.sell_pressure is not None
        assert 100.0 == round(figures.buy_pressure + figures.sell_pressure, 9)
        assert figures.net_pressure == round(figures.buy_pressure - figures.sell_pressure, 9)


async def test_liquidity_is_summed_in_quote_currency_and_never_over_two() -> None:
    """One bitcoin and one dogecoin are not two; dollars and bitcoin are not added either."""
    ethbtc = msgspec.structs.replace(instrument("ETHUSDT"), symbol="ETHBTC", quote="BTC", settle="BTC")
    heard = Heard((BTC, ETH, ethbtc))
    heard.tell(depth([(99.0, 1.0)], [(101.0, 1.0)]), 0.0)
    heard.tell(depth([(9.0, 1.0)], [(11.0, 1.0)], ETH), 0.0)
    one = (await get(metrics_of(heard), "/summary")).json()["liquidity"]
    assert (220.0, {"USDT": 220.0}) == (one["total_liquidity"], one["total_liquidity_by_quote"])
    heard.tell(depth([(0.03, 1.0)], [(0.05, 1.0)], ethbtc), 0.0)
    two = (await get(metrics_of(heard), "/summary")).json()["liquidity"]
    assert (None, {"BTC": 0.08, "USDT": 220.0}) == (two["total_liquidity"], two["total_liquidity_by_quote"])


async def test_an_answer_is_made_once_between_two_changes() -> None:
    """The same bytes object until the symbol is heard of again; another symbol's news does not matter."""
    heard, metrics = story()
    part = market_metrics(lambda: metrics, Guarded().access)
    request = asked(symbol="BTCUSDT")
    first, again = [(await part.routes[0].endpoint(request)).body for _ in range(2)]
    heard.book(10.0, 12.0, ETH)
    other = (await part.routes[0].endpoint(request)).body
    assert first is again
    assert first is other
    heard.book(10.0, 12.0)
    assert first != (await part.routes[0].endpoint(request)).body


async def test_a_table_lets_others_run_between_its_rows() -> None:
    """As many steps as there are slices of it, however many symbols there are."""
    metrics = metrics_of(many(150))
    assert ceil(150 / ROWS_AT_ONCE) == len(list(metrics.refresh()))
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    part = market_metrics(lambda: metrics, Guarded().access)
    request = asked(f"limit={LIMIT_MAX}")
    page = msgspec.json.decode((await part.routes[3].endpoint(request)).body, type=MetricsPage)
    beside.cancel()
    assert (150, ceil(150 / ROWS_AT_ONCE)) == (page.symbols_count, turns)


def test_a_row_that_went_during_a_refresh_is_no_row() -> None:
    """A symbol dropped between two slices leaves the table."""
    heard = many(150)
    metrics = metrics_of(heard)
    steps = metrics.refresh()
    next(steps)
    heard.analyzer.forget()
    assert [None, None] == list(steps)
    list(metrics.refresh())
    assert [] == list(metrics.standings())
