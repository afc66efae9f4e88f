"""Keys, signatures, time and limits stand before every endpoint."""

import base64
import hashlib
import hmac
import json
from decimal import Decimal

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from petrosa.adapters.venues.binance.paper.accounts import DEMO_SECRET, AccountEntry, KeyEntry, check_accounts
from petrosa.adapters.venues.binance.paper.keys import ApiKey, split_signature
from petrosa.adapters.venues.binance.paper.limits import STRIKES, WeightLimit
from petrosa.adapters.venues.binance.paper.refusals import Refusal
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.errors import ConfigError
from tests.kit.paper_venue import START, PaperBench
from tests.kit.recordings import recordings_dir

ACCOUNT = "/api/v3/account"
OLD_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
PAYLOAD = (
    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
)


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    public = key.public_key()
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()  # fmt: skip


def test_the_published_example_verifies() -> None:
    """The vector of the venue's documentation, and no other signature."""
    key = ApiKey("vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zv", "demo", secret=OLD_SECRET)
    key.verify(PAYLOAD, "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71")
    with pytest.raises(Refusal, match="-1022"):
        key.verify(PAYLOAD, "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b72")


@pytest.mark.recordings
def test_every_recorded_vector_verifies() -> None:
    """Percent-encoded symbols included."""
    vectors = json.loads((recordings_dir() / "signing" / "binance_hmac_vectors.json").read_text())
    key = ApiKey(vectors["apiKey"], "demo", secret=vectors["secretKey"])
    for vector in vectors["vectors"]:
        key.verify(vector["payload"], vector["signature"])


def test_rsa_and_ed25519_signatures_verify() -> None:
    """Base64, as they come in a query; a changed payload does not."""
    curve = ed25519.Ed25519PrivateKey.generate()
    old = rsa.generate_private_key(65_537, 2_048)
    signed = {
        ApiKey("EdKeyForTests", "demo", public_key=pem(curve)): curve.sign(PAYLOAD.encode()),
        ApiKey("RsaKeyForTests", "demo", public_key=pem(old)): old.sign(
            PAYLOAD.encode(), padding.PKCS1v15(), hashes.SHA256()
        ),
    }
    for key, signature in signed.items():
        encoded = base64.b64encode(signature).decode()
        key.verify(PAYLOAD, encoded)
        for payload, given in ((PAYLOAD + "0", encoded), (PAYLOAD, "!"), (PAYLOAD, "")):
            with pytest.raises(Refusal, match="-1022"):
                key.verify(payload, given)


@pytest.mark.parametrize(
    ("query", "body", "payload"),
    [("a=1&signature=s", "", "a=1"), ("", "a=1&signature=s", "a=1"), ("a=1", "b=2&signature=s", "a=1b=2"),
     ("a=1&signature=s", "b=2", "a=1b=2")],
)  # fmt: skip
def test_query_and_body_are_signed_one_after_the_other(query: str, body: str, payload: str) -> None:
    """Wherever the signature stands, it is over what was sent, without itself."""
    assert (payload, "s") == split_signature(query, body)


def test_a_signature_is_the_last_parameter() -> None:
    """Anything after it was not signed."""
    with pytest.raises(Refusal, match="-1022"):
        split_signature("a=1&signature=s&b=2", "")


@pytest.mark.parametrize(
    ("key", "code", "status"), [(None, -2014, 401), ("short", -2014, 401), ("x" * 64, -2015, 401)]
)  # fmt: skip
def test_a_key_must_be_one_that_is_known(key: str | None, code: int, status: int) -> None:
    bench = PaperBench()
    answer = bench.raw("GET", ACCOUNT, bench.signed(), key=key)
    assert (status, code) == (answer.status, msgspec.json.decode(answer.body)["code"])


def test_time_is_checked_both_ways() -> None:
    """Older than the window, or more than a second ahead: -1021. The window is at most a minute."""
    bench = PaperBench()
    now = bench.now // NS_PER_MS
    for stamp, window, code in (
        (now - 5_001, None, -1021), (now + 1_500, None, -1021), (now - 6_000, "7000", 0), (now, "60001", -1131),
    ):  # fmt: skip
        more = {} if window is None else {"recvWindow": window}
        body = msgspec.json.decode(bench.raw("GET", ACCOUNT, bench.signed(timestamp=stamp, **more)).body)
        assert code == body.get("code", 0)
    query = "symbol=BTCUSDT"
    signature = hmac.new(DEMO_SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    assert b"'timestamp'" in bench.raw("GET", ACCOUNT, f"{query}&signature={signature}").body


def test_what_is_not_signed_is_refused() -> None:
    """No signature: -1102. A wrong one: -1022. A changed parameter: -1022."""
    bench = PaperBench()
    good = bench.signed(omitZeroBalances="true")
    assert 200 == bench.raw("GET", ACCOUNT, good).status
    assert b"-1022" in bench.raw("GET", ACCOUNT, good.replace("true", "false")).body
    assert b"-1022" in bench.raw("GET", ACCOUNT, good[:-1] + ("0" if good[-1] != "0" else "1")).body
    assert b"-1102" in bench.raw("GET", ACCOUNT, good.partition("&signature")[0]).body


def test_a_key_that_may_only_read_cannot_trade() -> None:
    """-2015 for an order, an answer for a query."""
    entry = AccountEntry(
        name="demo", key=(KeyEntry(key="ReadOnlyKey1", secret=DEMO_SECRET, may_trade=False),),
        spot={"USDT": Decimal(1000)},
    )  # fmt: skip
    bench = PaperBench([entry])
    assert 200 == bench.raw("GET", ACCOUNT, bench.signed(), key="ReadOnlyKey1").status
    order = bench.signed(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1")
    assert b"-2015" in bench.raw("POST", "/api/v3/order", order, key="ReadOnlyKey1").body


def test_weight_is_counted_by_address_and_minute() -> None:
    """In both headers; another address starts from nothing, and so does the next minute."""
    bench = PaperBench()
    for used in ("20", "40"):
        answer = bench.raw("GET", "/api/v3/exchangeInfo", key=None)
        assert used == answer.headers["X-MBX-USED-WEIGHT-1M"]
    assert "20" == bench.raw("GET", "/api/v3/exchangeInfo", key=None, address="10.0.0.9").headers["X-MBX-USED-WEIGHT"]
    bench.wait(60)
    assert "20" == bench.raw("GET", "/api/v3/exchangeInfo", key=None).headers["X-MBX-USED-WEIGHT-1M"]


def test_too_much_weight_is_429_and_going_on_is_418() -> None:
    """Each says when to come back; the ban ends."""
    bench = PaperBench()
    seen = []
    for _ in range(300 + STRIKES + 1):
        answer = bench.raw("GET", "/api/v3/exchangeInfo", key=None)
        seen.append(answer.status)
    assert [200] * 300 + [429] * STRIKES + [418] == seen
    assert 0 < int(answer.headers["Retry-After"]) <= 120
    assert -1003 == msgspec.json.decode(answer.body)["code"]
    bench.wait(121)
    assert 200 == bench.raw("GET", "/api/v3/exchangeInfo", key=None).status


def test_each_further_ban_is_longer() -> None:
    """Two minutes, then four."""
    limit = WeightLimit(10)
    now = START - START % (60 * NS_PER_SECOND)
    lengths = []
    while len(lengths) < 2:
        try:
            limit.charge("a", 11, now)
        except Refusal as refusal:
            if refusal.status == 418:
                lengths.append(refusal.retry_after)
                now += refusal.retry_after * NS_PER_SECOND
    assert [120, 240] == lengths


def test_too_many_orders_are_refused_for_the_window() -> None:
    """A hundred in ten seconds on spot; the header counts, the next window is free."""
    bench = PaperBench()
    bench.wait(10 - (bench.now % (10 * NS_PER_SECOND)) / NS_PER_SECOND)
    order = bench.signed(symbol="BTCUSDT", side="BUY", type="LIMIT_MAKER", quantity="1", price="90.00")
    for count in range(100):
        answer = bench.raw("POST", "/api/v3/order", order)
        assert str(count + 1) == answer.headers["X-MBX-ORDER-COUNT-10S"]
    answer = bench.raw("POST", "/api/v3/order", order)
    assert (429, -1015) == (answer.status, msgspec.json.decode(answer.body)["code"])
    bench.wait(10)
    again = bench.call("GET", "/api/v3/rateLimit/order")
    assert [("SECOND", 0), ("DAY", 100)] == [(row["interval"], row["count"]) for row in again]


def test_a_path_that_is_not_served_says_so() -> None:
    """404 for the path, 405 for the method, in Binance's form."""
    bench = PaperBench()
    assert 404 == bench.raw("GET", "/api/v3/nothing").status
    assert 405 == bench.raw("DELETE", "/api/v3/time").status


@pytest.mark.parametrize(
    "entries",
    [(), (AccountEntry(name="a", key=()),),
     (AccountEntry(name="a", key=(KeyEntry(key="SomeKey12", secret="s"),), spot={"BTC": Decimal(-1)}),),
     (AccountEntry(name="a", key=(KeyEntry(key="SomeKey12", secret="s"), KeyEntry(key="SomeKey12", secret="t"))),),
     (AccountEntry(name="a", key=(KeyEntry(key="SomeKey12"),)),),
     (AccountEntry(name="a", key=(KeyEntry(key="SomeKey12", public_key="no PEM"),)),)],
)  # fmt: skip
def test_impossible_accounts_are_refused(entries: tuple[AccountEntry, ...]) -> None:
    """Before anything is served."""
    with pytest.raises(ConfigError, match="account"):
        check_accounts(entries)
