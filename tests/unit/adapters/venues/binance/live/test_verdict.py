"""Every answer of the venue comes to one error, by product, and none of those that may have been done to a refusal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.net.http import Answer
from petrosa.adapters.venues.binance.live.codes import TABLE, Meaning, meaning
from petrosa.adapters.venues.binance.live.verdict import judge
from petrosa.errors import OutcomeUnknown, PetrosaError, RateLimited, VenueClosed, VenueRefused

NOW_MS = 1_800_000_000_000


def error(
    product: str, status: int, code: int = 0, msg: str = "", body: bytes | None = None, **headers: str
) -> PetrosaError:
    """What an answer comes to."""
    text = json.dumps({"code": code, "msg": msg}).encode() if body is None else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    verdict = judge(product, Answer(status, named, text), NOW_MS)
    assert verdict is not None
    return verdict.error


@pytest.mark.parametrize(
    ("product", "code", "said", "found"),
    [
        ("spot", -2021, "", Meaning.REFUSED),
        ("usdm", -2021, "", Meaning.WOULD_TRIGGER),
        ("spot", -2022, "", Meaning.REFUSED),
        ("usdm", -2022, "", Meaning.NOT_REDUCING),
        ("usdm", -4116, "", Meaning.DUPLICATE),
        ("spot", -2010, "Duplicate order sent.", Meaning.DUPLICATE),
        ("spot", -2010, "Account has insufficient balance for requested action.", Meaning.NO_FUNDS),
        ("spot", -2010, "Order would immediately match and take.", Meaning.NOT_MAKER),
        ("spot", -2010, "Stop price would trigger immediately.", Meaning.WOULD_TRIGGER),
        ("spot", -2010, "Market is closed.", Meaning.REFUSED),
        ("usdm", -2019, "Margin is insufficient.", Meaning.NO_FUNDS),
        ("usdm", -5022, "", Meaning.NOT_MAKER),
        ("spot", -5022, "", Meaning.REFUSED),
        ("spot", -2011, "Unknown order sent.", Meaning.NO_SUCH_ORDER),
        ("usdm", -2013, "", Meaning.NO_SUCH_ORDER),
        ("spot", -1111, "", Meaning.RULES),
        ("usdm", -1121, "", Meaning.RULES),
        ("usdm", -1125, "", Meaning.REFUSED),
        ("usdm", -4164, "", Meaning.RULES),
        ("usdm", -4400, "", Meaning.ENTRIES_OFF),
        ("spot", -4400, "", Meaning.REFUSED),
        ("usdm", -4061, "", Meaning.POSITION_MODE),
        ("spot", -1021, "", Meaning.CLOCK),
        ("spot", -99_999, "", Meaning.REFUSED),
    ],
)
def test_a_code_means_what_its_product_says(product: str, code: int, said: str, found: Meaning) -> None:
    assert found is meaning(product, code, said)


def test_each_code_stands_once() -> None:
    codes = [row.code for row in TABLE]
    assert sorted(set(codes)) == sorted(codes)


@pytest.mark.parametrize("product", ["spot", "usdm"])
@pytest.mark.parametrize(
    ("status", "code"), [(500, 0), (502, -1), (503, -1000), (504, -1007), (400, -1006), (400, -1001), (408, 0)]
)
def test_what_may_have_been_done_is_unknown(product: str, status: int, code: int) -> None:
    """5xx, the venue's own timeouts, and codes that say so whatever the status."""
    assert isinstance(error(product, status, code, "Unknown error, please check your request."), OutcomeUnknown)


@pytest.mark.parametrize("body", [b"", b"<html>Bad Gateway</html>", b"\xff\xfe", b"[" * 2_000, b"{}", b'{"code":"x"}'])
def test_an_error_without_a_code_is_read_by_its_status(body: bytes) -> None:
    """A proxy's page is not JSON; where it stands decides."""
    assert isinstance(error("usdm", 502, body=body), OutcomeUnknown)
    assert isinstance(error("usdm", 429, body=body), RateLimited)
    assert isinstance(error("usdm", 403, body=body), VenueClosed)
    assert isinstance(error("spot", 451, body=body), VenueClosed)
    refused = error("spot", 404, body=body)
    assert isinstance(refused, VenueRefused)
    assert 0 == refused.code
    assert "HTTP 404" in str(refused)
    assert len(str(refused)) < 300


@pytest.mark.parametrize(
    ("product", "status", "code", "msg"),
    [
        ("usdm", 503, -1008, "Request throttled by system-level protection."),
        ("usdm", 503, 0, "Service Unavailable."),
        ("usdm", 400, -1008, ""),
        ("spot", 400, -1008, "Spot server is currently overloaded with other requests."),
        ("spot", 400, -1016, "This service is no longer available."),
    ],
)
def test_what_was_certainly_not_taken_may_be_sent_again(product: str, status: int, code: int, msg: str) -> None:
    """Soon, and it is no ban."""
    found = error(product, status, code, msg)
    assert isinstance(found, RateLimited)
    assert (1.0, False) == (found.retry_after_s, found.is_ban)
    assert isinstance(error("usdm", 503, body=b"Service Unavailable"), RateLimited)


def half_done(code: int, cancel: object, placing: object) -> bytes:
    """A cancelReplace that failed, as documented."""
    data = {"cancelResult": "", "newOrderResult": "", "cancelResponse": cancel, "newOrderResponse": placing}
    return json.dumps({"code": code, "msg": "Order cancel-replace failed.", "data": data}).encode()


def test_a_replacement_that_failed_says_which_part_and_why() -> None:
    """The words of the parts stand beside the venue's own; the part that was done is an order and has no code."""
    taken_off = {"symbol": "BTCUSDT", "orderId": 9, "status": "CANCELED"}
    refused = error("spot", 409, body=half_done(-2021, taken_off, {"code": -2010, "msg": "no balance"}))
    assert isinstance(refused, VenueRefused)
    assert (-2021, True) == (refused.code, refused.said.endswith("; -2010: no balance"))
    neither = error("spot", 400, body=half_done(-2022, {"code": -2011, "msg": "Unknown order sent."}, None))
    assert isinstance(neither, VenueRefused)
    assert neither.said.endswith("; -2011: Unknown order sent.")


def test_a_replacement_of_which_a_part_is_unknown_is_unknown() -> None:
    """The sale may have been done."""
    body = half_done(-2021, {"orderId": 9}, {"code": -1007, "msg": "Timeout waiting for response"})
    assert isinstance(error("spot", 409, body=body), OutcomeUnknown)


@pytest.mark.parametrize("data", [b"7", b"[]", b'{"newOrderResponse":"x"}', b"null"])
def test_parts_that_cannot_be_read_leave_the_venues_own_words(data: bytes) -> None:
    refused = error("spot", 400, body=b'{"code":-2022,"msg":"failed","data":' + data + b"}")
    assert isinstance(refused, VenueRefused)
    assert "failed" == refused.said


def test_on_spot_every_internal_error_is_unknown() -> None:
    """Its documentation makes no exception, whatever the words."""
    for code, words in ((-1008, "overloaded"), (0, "Service Unavailable.")):
        assert isinstance(error("spot", 503, code, words), OutcomeUnknown)


def test_a_pause_is_as_long_as_the_venue_says() -> None:
    """By its header, by its words, or by what such pauses last; a ban is told apart."""
    for headers, msg, status, seconds in (
        ({"Retry_After": "17"}, "", 429, 17.0),
        ({"Retry_After": "0"}, "", 429, 1.0),
        ({"Retry_After": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", 429, 60.0),
        ({"Retry_After": "9" * 9}, "", 418, 345_600.0),
        ({}, f"Way too much request weight used; IP banned until {NOW_MS + 90_000}.", 418, 90.0),
        ({}, "", 418, 120.0),
    ):
        found = error("spot", status, -1003, msg, **headers)
        assert isinstance(found, RateLimited)
        assert (seconds, status == 418) == (found.retry_after_s, found.is_ban)
    found = error("usdm", 429, -1015)
    assert isinstance(found, RateLimited)
    assert 10.0 == found.retry_after_s


@pytest.mark.parametrize("code", [-1002, -1022, -2014, -2015])
def test_a_bad_key_is_for_a_person_to_mend(code: int) -> None:
    with pytest.raises(VenueClosed, match="Check that the key"):
        raise error("spot", 401, code, "Invalid API-key.")


def test_success_is_json() -> None:
    """Anything else with a 200 came from somewhere between, and says nothing about the request."""
    assert judge("spot", Answer(200, {}, b'{"code":200,"msg":"success"}'), NOW_MS) is None
    assert judge("spot", Answer(200, {}, b"[]"), NOW_MS) is None
    for body in (b"", b"<html>", b'{"a":', b"\xff"):
        assert isinstance(error("spot", 200, body=body), OutcomeUnknown)


@given(st.sampled_from(["spot", "usdm"]), st.integers(300, 599), st.binary(max_size=300))
def test_nothing_that_comes_makes_it_stumble(product: str, status: int, body: bytes) -> None:
    """Every answer has a verdict; 5xx is never a refusal."""
    verdict = judge(product, Answer(status, {}, body), NOW_MS)
    assert verdict is not None
    if status >= 500:
        assert not isinstance(verdict.error, VenueRefused)
