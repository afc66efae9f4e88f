"""Whatever is asked, with whatever key: what is sent is what was signed, and the exchange verifies it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.net.signing import Signer
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.rest import signed_query
from petrosa.core.model.base import NS_PER_MS
from tests.kit.live import SECRETS, live_client, signing_account
from tests.kit.paper_server import served
from tests.kit.paper_venue import PaperBench

ACCOUNT = "/api/v3/account"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
READ = ("timestamp", "recvWindow", "signature", "omitZeroBalances")
"""Names that say something to the exchange, so that not every value goes with them."""
PARAMS = st.dictionaries(TEXT.filter(lambda name: name not in READ), TEXT, max_size=6)
BENCH = PaperBench([signing_account()])
SIGNERS = [(key, Signer(secret)) for key, secret in SECRETS]


@given(st.sampled_from(SIGNERS), PARAMS)
def test_the_exchange_verifies_whatever_was_signed(signs: tuple[str, Signer], params: dict[str, str]) -> None:
    """Names and values of any letters."""
    key, signer = signs
    query = signed_query(params, signer, 5_000, BENCH.now // NS_PER_MS)
    answer = BENCH.raw("GET", ACCOUNT, query, key=key)
    assert 200 == answer.status, answer.body


@given(st.sampled_from(SIGNERS), PARAMS, st.data())
def test_a_changed_request_does_not_verify(
    signs: tuple[str, Signer], params: dict[str, str], data: st.DataObject
) -> None:
    """One letter of what was signed is enough."""
    key, signer = signs
    query = signed_query({"z": "0", **params}, signer, 5_000, BENCH.now // NS_PER_MS)
    payload, mark, signature = query.rpartition("&signature=")
    at = data.draw(st.sampled_from([place for place, letter in enumerate(payload) if letter.isalnum()]))
    changed = payload[:at] + ("a" if payload[at] != "a" else "b") + payload[at + 1 :]
    assert 200 != BENCH.raw("GET", ACCOUNT, changed + mark + signature, key=key).status


@pytest.mark.parametrize(("key", "secret"), SECRETS)
async def test_it_arrives_as_it_was_signed(key: str, secret: str) -> None:
    """Over a socket: nothing on the way encodes it another time."""
    params = {"symbol": "１２３ +/=&%20~é\n", "list": '["A","B"]'}
    bench = PaperBench([signing_account()])
    async with served(bench) as exchange, live_client(exchange, key=key, secret=secret) as client:
        assert b"balances" in await client.rest.call(Request("GET", ACCOUNT, params))
