"""Limits of rate are read as the venue states them."""

import pytest

from petrosa.adapters.net.rate_limit import ORDERS, WEIGHT, Limit
from petrosa.adapters.venues.binance.live.limits import DEFAULTS, read_limits
from petrosa.errors import DataError
from tests.kit.paper_venue import PaperBench


@pytest.mark.parametrize(("product", "path"), [("spot", "/api/v3/exchangeInfo"), ("usdm", "/fapi/v1/exchangeInfo")])
def test_what_is_assumed_is_what_the_exchange_says(product: str, path: str) -> None:
    """Weight and orders; further kinds are taken as they come."""
    answer = PaperBench().raw("GET", path, key=None)
    assert {one for one in DEFAULTS[product] if one.kind in (WEIGHT, ORDERS)} <= set(read_limits(answer.body))


def test_windows_are_named_as_in_the_headers() -> None:
    assert ["1M", "10S", "1D", "5M"] == [one.name for one in DEFAULTS["spot"]]


def test_an_unknown_kind_is_left_out() -> None:
    body = (
        b'{"rateLimits":[{"rateLimitType":"CONNECTIONS","interval":"EON","intervalNum":5,"limit":300},'
        b'{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":1200}]}'
    )
    assert (Limit(WEIGHT, 1, "MINUTE", 1_200),) == read_limits(body)


@pytest.mark.parametrize(
    "rows",
    [
        "",
        '{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":5}',
        '{"rateLimitType":"REQUEST_WEIGHT","interval":"EON","intervalNum":1,"limit":5}',
        '{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":0,"limit":5}',
        '{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":-1}',
        '{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1}',
    ],
)
def test_limits_that_are_none_are_refused(rows: str) -> None:
    """Without a limit of weight nobody knows when the venue will ban us."""
    with pytest.raises(DataError, match="exchangeInfo"):
        read_limits(f'{{"rateLimits":[{rows}]}}'.encode())
