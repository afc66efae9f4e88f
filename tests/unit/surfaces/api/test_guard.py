"""What a request must look like before anybody answers it."""

import logging
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from petrosa.errors import ConfigError
from petrosa.surfaces.access import Scope
from petrosa.surfaces.api.serve import bind, serving
from tests.kit.access import Guarded, desk

JSON = {"content-type": "application/json"}


async def ask(
    guarded: Guarded,
    method: str = "POST",
    path: str = "/config",
    headers: Any = (),
    peer: str = "127.0.0.1",
    host: str = "127.0.0.1:8080",
    content: bytes = b"{}",
) -> httpx.Response:
    """The answer to a request from that peer; JSON in a POST unless the headers say otherwise."""
    transport = httpx.ASGITransport(app=desk(guarded.access), client=(peer, 40_000))
    given = [*dict(headers).items()] if isinstance(headers, dict) else [*headers]
    if method != "GET" and not any(name.lower() == "content-type" for name, _ in given):
        given += JSON.items()
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        return await client.request(method, path, headers=given, content=content if method != "GET" else b"")


async def status(guarded: Guarded, **asked: Any) -> int:
    return (await ask(guarded, **asked)).status_code


async def test_the_actor_is_the_keys_name() -> None:
    """Over either header; the word Bearer in any case."""
    guarded = Guarded()
    token = await guarded.key("alice")
    for name, value in [
        ("Authorization", f"Bearer {token}"),
        ("authorization", f"bearer  {token} "),
        ("X-API-Key", token),
    ]:
        answer = await ask(guarded, headers={name: value}, peer="203.0.113.9", host="desk.example")
        assert (200, "alice") == (answer.status_code, answer.json()["actor"])


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", "Basic YTpi")],
        [("authorization", "")],
        [("authorization", "Bearer")],
        [("x-api-key", "")],
        [("authorization", "Bearer pk_x"), ("x-api-key", "pk_y")],
        [("x-api-key", "pk_x"), ("x-api-key", "pk_y")],
    ],
)
async def test_a_credential_that_is_not_understood_is_401(headers: list[tuple[str, str]]) -> None:
    """It is not taken for none, even where none would do; and the answer says what is expected."""
    answer = await ask(Guarded(), headers=headers)
    assert (401, 'Bearer realm="petrosa"') == (answer.status_code, answer.headers["www-authenticate"])


async def test_one_key_twice_is_one_key_and_a_proxys_password_is_none() -> None:
    """A client that sends both headers, and a proxy that adds its own."""
    guarded = Guarded()
    token = await guarded.key()
    assert 200 == await status(guarded, headers=[("authorization", f"Bearer {token}"), ("x-api-key", token)])
    assert 200 == await status(guarded, headers=[("authorization", "Basic YTpi"), ("x-api-key", token)])


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "::1%lo"])
async def test_this_machine_has_many_addresses(peer: str) -> None:
    """IPv4, IPv6, one in the other, and with a zone."""
    assert 200 == await status(Guarded(), peer=peer)


@pytest.mark.parametrize("peer", ["10.0.0.1", "0.0.0.0", "::", "::ffff:10.0.0.1", "fe80::1%eth0", "localhost", ""])
async def test_everything_else_is_elsewhere(peer: str) -> None:
    """A private network is not this machine, nor is what is no address."""
    assert 401 == await status(Guarded(), peer=peer)


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"])
@pytest.mark.parametrize("value", ["127.0.0.1", "for=127.0.0.1", ""])
async def test_what_was_forwarded_is_from_elsewhere(name: str, value: str) -> None:
    """A proxy on this machine speaks for others, whatever it says for whom."""
    guarded = Guarded()
    assert (401, 200) == (
        await status(guarded, headers={name: value}),
        await status(guarded, headers={name: value}, method="GET"),
    )
    token = await guarded.key()
    assert (200, 401) == (
        await status(guarded, headers={name: value, "x-api-key": token}),
        await status(guarded, headers={name: value}, method="GET"),
    )


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8080"])
async def test_a_host_of_loopback_is_ours(host: str) -> None:
    """With a port or without."""
    assert 200 == await status(Guarded(), headers={"host": host})


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "0.0.0.0:8080",
        "[::1",
        "[::1]x",
        "",
        "localhost.",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_name_that_was_made_to_mean_this_machine_is_refused(host: str, method: str) -> None:
    """For reading too: what a page reads it can send on. With a key the name does not matter."""
    guarded = Guarded()
    answer = await ask(guarded, method=method, headers={"host": host})
    assert (403, True) == (answer.status_code, "is no name of loopback" in answer.json()["error"]["message"])
    token = await guarded.key()
    assert 200 == await status(guarded, method=method, headers={"host": host, "x-api-key": token})


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"origin": "http://127.0.0.1:8080"}, 200),
        ({"origin": "HTTP://127.0.0.1:8080", "sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "http://127.0.0.1:3000"}, 403),
        ({"origin": "http://localhost:8080"}, 403),
        ({"origin": "https://127.0.0.1:8080"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
async def test_a_page_of_another_site_may_not_write(headers: dict[str, str], expected: int) -> None:
    """Another port is another site, and so is a page without an origin."""
    assert expected == await status(Guarded(), headers=headers)


async def test_a_link_from_another_site_may_be_followed() -> None:
    """A plain visit reads, and what is read stays in the window of the visitor."""
    assert 200 == await status(Guarded(), method="GET", headers={"sec-fetch-site": "cross-site"})


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=application/json", 415),
        ("application/jsonp", 415),
        ("", 415),
    ],
)
async def test_a_body_is_json(kind: str, expected: int) -> None:
    """What a form can send is not taken, with a key as without."""
    guarded = Guarded()
    assert expected == await status(guarded, headers={"content-type": kind})
    token = await guarded.key()
    assert expected == await status(guarded, headers={"content-type": kind, "x-api-key": token})


async def test_an_empty_body_needs_no_type_but_in_a_form() -> None:
    """A DELETE or PUT cannot come from a form; a POST can, unless a key came with it."""
    guarded = Guarded()
    empty: dict[str, Any] = {"headers": {"content-type": ""}, "content": b""}
    assert (200, 200, 415) == (
        await status(guarded, method="DELETE", **empty),
        await status(guarded, method="PUT", **empty),
        await status(guarded, method="POST", **empty),
    )
    keyed = {"content-type": "", "x-api-key": await guarded.key()}
    assert 200 == await status(guarded, headers=keyed, content=b"")


async def test_a_missing_scope_is_403_and_named() -> None:
    """So that whoever administrates knows what to give."""
    guarded = Guarded()
    answer = await ask(guarded, path="/trade", headers={"x-api-key": await guarded.key()})
    assert (403, True) == (answer.status_code, "scope trade" in answer.json()["error"]["message"])


async def test_too_many_writes_are_429_with_the_time_to_wait() -> None:
    """In whole seconds, never too few."""
    guarded = Guarded(writes=7)
    assert {200} == {await status(guarded) for _ in range(7)}
    answer = await ask(guarded)
    assert (429, "43") == (answer.status_code, answer.headers["retry-after"])
    guarded.hands.seconds += 43.0
    assert 200 == await status(guarded)


async def test_a_store_that_is_away_is_503() -> None:
    """For writers; readers go on."""
    guarded = Guarded()
    token = await guarded.key("alice", Scope.ADMIN)
    assert 200 == await status(guarded, headers={"x-api-key": token})
    guarded.store.is_away = True
    guarded.hands.seconds += 60.0
    assert (503, 200) == (
        await status(guarded, headers={"x-api-key": token}),
        await status(guarded, method="GET", headers={"x-api-key": token}),
    )


@pytest.mark.parametrize("trusted", ["*", "127.0.0.1"])
async def test_no_header_changes_who_the_peer_is(trusted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Served for real, whatever the environment tells the server to trust."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    spoofed = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    async with serving(desk(Guarded().access), "127.0.0.1", 0) as url, httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/peer", headers=spoofed)
        assert {"peer": "127.0.0.1", "scheme": "http"} == answer.json()
        assert (
            401 == (await client.post(f"{url}/config", json={}, headers={"x-forwarded-for": "127.0.0.1"})).status_code
        )


def can_listen(address: str) -> bool:
    """Some machines have no IPv6."""
    try:
        bind(address, 0).close()
    except ConfigError:
        return False
    return True


V6 = pytest.param("::1", marks=pytest.mark.skipif(not can_listen("::1"), reason="this machine has no IPv6 loopback"))


@pytest.mark.parametrize("listen", ["127.0.0.1", V6])
async def test_a_served_desk_keeps_the_rule(listen: str) -> None:
    """From no key over a key to a revoked one, on IPv4 and IPv6, with a real client and a real socket."""
    guarded = Guarded()
    async with serving(desk(guarded.access), listen, 0) as url, httpx.AsyncClient() as client:

        async def post(**headers: str) -> tuple[int, str | None]:
            answer = await client.post(f"{url}/config", json={}, headers=headers)
            return answer.status_code, answer.json().get("actor")

        assert (200, "local") == await post()
        token = await guarded.key("alice")
        assert (401, None) == await post()
        assert (200, "alice") == await post(authorization=f"Bearer {token}")
        assert (403, None) == await post(origin="https://evil.example")
        await guarded.ring.revoke("alice")
        assert (401, None) == await post(authorization=f"Bearer {token}")
        assert (401, None) == await post()
        assert 200 == (await client.get(f"{url}/config")).status_code


async def test_secrets_are_in_no_answer_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """Good, bad, unknown, revoked, in the wrong header or in the address."""
    guarded = Guarded(writes=1)
    token = await guarded.key("alice")
    secret = token[20:60]
    with caplog.at_level(logging.DEBUG), capture_logs() as logs:
        sent = (
            {"x-api-key": token},
            {"x-api-key": token},
            {"x-api-key": token[:-2]},
            {"authorization": f"Token {token}"},
            {"authorization": f"Bearer {token}", "x-api-key": token[:-1]},
            {"host": token},
            {"origin": token},
        )
        answers = [await ask(guarded, headers=headers) for headers in sent]
        answers.append(await ask(guarded, path="/trade", headers={"x-api-key": token}))
        await guarded.ring.revoke("alice")
        answers.append(await ask(guarded, headers={"x-api-key": token}))
    told = [answer.text + str(answer.headers) for answer in answers]
    assert [200, 429, 401, 401, 401, 403, 403, 403, 401] == [answer.status_code for answer in answers]
    assert [] == [text for text in (*told, caplog.text, str(logs)) if secret in text]
