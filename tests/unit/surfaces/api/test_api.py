"""The HTTP surface answers what its document says it answers."""

import asyncio
import socket
from typing import Any

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from petrosa import __version__
from petrosa.errors import ConfigError
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.openapi import INFO, NOT_READY, READY, Health, HealthReport, Problem, Version
from petrosa.surfaces.api.serve import bind, serving
from petrosa.surfaces.observation import ConfigurationSeen, Info, Observation, Readiness


class Fixed:
    """A state that says what it is told to say."""

    def __init__(self, observation: Observation | None = None, readiness: Readiness = READY) -> None:
        self.seen = observation or Observation()
        self.found = readiness

    def observe(self) -> Observation:
        return self.seen

    def readiness(self) -> Readiness:
        return self.found

    def info(self) -> Info:
        return INFO


def document() -> dict[str, Any]:
    """The document as it is served."""
    app = api(Fixed())
    described = next(route for route in app.routes if route.path == "/openapi.json")  # type: ignore[attr-defined]
    return msgspec.json.decode(asyncio.run(described.endpoint(None)).body)  # type: ignore[attr-defined,no-any-return]


async def get(path: str, state: Fixed | None = None, method: str = "GET") -> httpx.Response:
    transport = httpx.ASGITransport(app=api(state or Fixed()))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        return await client.request(method, path)


async def test_healthz_says_that_the_process_lives() -> None:
    """Whatever its dependencies do."""
    answer = await get("/healthz", Fixed(readiness=NOT_READY))
    assert (200, {"status": "ok"}) == (answer.status_code, answer.json())


@pytest.mark.parametrize(("readiness", "status"), [(READY, 200), (NOT_READY, 503)])
async def test_ready_is_503_when_a_dependency_is_not_well(readiness: Readiness, status: int) -> None:
    """With every check and what was found."""
    answer = await get("/ready", Fixed(readiness=readiness))
    assert (status, readiness) == (answer.status_code, msgspec.json.decode(answer.content, type=Readiness))


async def test_info_says_what_the_process_is() -> None:
    """Version, profile, strategies and symbols."""
    assert msgspec.json.decode((await get("/info")).content, type=Info) == INFO


async def test_health_names_what_is_not_well() -> None:
    """A process that lives answers 200 either way: whoever wants to know whether to send work asks /ready."""
    well = (await get("/health", Fixed(readiness=READY))).json()
    ill = (await get("/health", Fixed(readiness=NOT_READY))).json()
    assert ("healthy", {"ok"}) == (well["status"], set(well["components"].values()))
    assert ("degraded", "no market data for 41.2 s, limit 30 s (BTCUSDT)") == (ill["status"], ill["components"]["feed"])
    assert __version__ == (await get("/version")).json()["version"]
    assert (await get("/live")).json() == (await get("/healthz")).json()


async def test_the_page_shows_every_operation_and_asks_nobody() -> None:
    """No script, no picture, no style from elsewhere, and a header that would forbid them."""
    page = await get("/docs")
    paths = (await get("/openapi.json")).json()["paths"]
    assert [] == [path for path in paths if f"GET {path}<" not in page.text]
    assert [] == [word for word in ("<script", "<img", "<link", "http://", "https://", "@import") if word in page.text]
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_an_unknown_path_is_a_problem_in_json() -> None:
    """With a pointer to what there is."""
    answer = await get("/nope")
    assert (404, "application/json") == (answer.status_code, answer.headers["content-type"])
    assert "/openapi.json" in answer.json()["error"]


async def test_nothing_can_be_changed() -> None:
    """The surface is read-only."""
    paths = (await get("/openapi.json")).json()["paths"]
    answers = [await get(path, method="POST") for path in paths]
    assert {405} == {answer.status_code for answer in answers}
    assert {"GET, HEAD"} == {", ".join(sorted(answer.headers["allow"].split(", "))) for answer in answers}


async def test_the_document_and_the_routes_are_the_same() -> None:
    """Every route is declared and every declaration is a route."""
    assert {route.path for route in api(Fixed()).routes} == set((await get("/openapi.json")).json()["paths"])  # type: ignore[attr-defined]


SCHEMAS: dict[str, type[msgspec.Struct]] = {
    one.__name__: one for one in (Health, HealthReport, Version, Readiness, Info, Problem)
}


@pytest.mark.parametrize("path", sorted(document()["paths"]))
async def test_a_route_answers_as_declared(path: str) -> None:
    """Status, media type and schema of each answer, and of each example, are the declared ones."""
    declared = (await get("/openapi.json")).json()["paths"][path]["get"]["responses"]
    for state in (Fixed(readiness=READY), Fixed(readiness=NOT_READY)):
        answer = await get(path, state)
        (kind, content), *_ = declared[str(answer.status_code)]["content"].items()
        assert answer.headers["content-type"].startswith(kind)
        if "$ref" in content["schema"]:
            schema = content["schema"]["$ref"].rpartition("/")[2]
            msgspec.json.decode(answer.content, type=SCHEMAS[schema], strict=True)
    for response in declared.values():
        for content in response["content"].values():
            if "$ref" in content["schema"]:
                msgspec.convert(content["example"], SCHEMAS[content["schema"]["$ref"].rpartition("/")[2]], strict=True)


def test_every_reference_of_the_document_leads_somewhere() -> None:
    """No schema is missing, at any depth."""

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [ref for value in node.values() for ref in references(value)]
        return [ref for value in node for ref in references(value)] if isinstance(node, list | tuple) else []

    whole = document()
    there = {f"#/components/schemas/{name}" for name in whole["components"]["schemas"]}
    assert set(references(whole)) <= there


SEEN = Observation(
    uptime_s=12.5,
    messages_processed=150000,
    message_errors_by_reason={"malformed": 3},
    processing_latency_s=0.002,
    signals_by_strategy={"orderbook_skew": 3000, "trade_momentum": 2500},
    refusals_by_check={"cooldown": 41},
    orders_by_leg={"entry": 5},
    fills=6,
    feed_age_s_by_symbol={"BTCUSDT": 0.25},
    drops_by_name={"nats": 2},
    liquidations_by_symbol_and_side={("BTCUSDT", "long"): 7},
    nats_connected=True,
    breaker_state_by_name={"nats": 0},
    configuration=ConfigurationSeen(
        version_by_scope={"orderbook_skew": 3, "orderbook_skew:BTCUSDT": 1},
        age_s=12.5,
        is_away=True,
        refresh_failures=4,
    ),
)


async def scraped(observation: Observation) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = (await get("/metrics", Fixed(observation))).text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("realtime_strategies_messages_processed_total", {}, 150000),
        ("realtime_strategies_messages_errors_total", {}, 3),
        ("realtime_strategies_processing_latency_seconds", {}, 0.002),
        ("realtime_strategies_signals_generated_total", {"strategy": "orderbook_skew"}, 3000),
        ("realtime_strategies_signals_generated_total", {"strategy": "trade_momentum"}, 2500),
        ("realtime_strategies_nats_connected", {}, 1),
        ("realtime_strategies_circuit_breaker_state", {"name": "nats"}, 0),
        ("petrosa_config_version", {"scope": "orderbook_skew"}, 3),
        ("petrosa_config_version", {"scope": "orderbook_skew:BTCUSDT"}, 1),
        ("petrosa_config_age_seconds", {}, 12.5),
        ("petrosa_config_store_away", {}, 1),
        ("petrosa_config_refresh_failures_total", {}, 4),
        ("petrosa_refusals_total", {"check": "cooldown"}, 41),
        ("petrosa_orders_total", {"leg": "entry"}, 5),
        ("petrosa_fills_total", {}, 6),
        ("petrosa_feed_age_seconds", {"symbol": "BTCUSDT"}, 0.25),
        ("petrosa_dropped_total", {"name": "nats"}, 2),
        ("petrosa_liquidations_total", {"symbol": "BTCUSDT", "side": "long"}, 7),
        ("petrosa_uptime_seconds", {}, 12.5),
    ],
)
async def test_a_metric_is_exposed_under_its_name(name: str, labels: dict[str, str], value: float) -> None:
    """The names of the specification, and ours; a parser of the format reads them."""
    assert value == (await scraped(SEEN))[name, frozenset(labels.items())]


async def test_metrics_are_read_when_scraped() -> None:
    """Two scrapes show two states."""
    state = Fixed(Observation(fills=1))
    first = (await get("/metrics", state)).text
    state.seen = Observation(fills=2)
    assert ("petrosa_fills_total 1.0" in first, "petrosa_fills_total 2.0" in (await get("/metrics", state)).text) == (
        True,
        True,
    )


async def test_a_served_api_is_up_inside_the_block_and_gone_after_it() -> None:
    """In our own event loop, on a free port, without signal handlers left behind."""
    async with serving(api(Fixed()), "127.0.0.1", 0) as url, httpx.AsyncClient() as client:
        assert 200 == (await client.get(f"{url}/healthz")).status_code
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{url}/healthz")
    assert {asyncio.current_task()} == asyncio.all_tasks()


@pytest.fixture
def taken() -> Any:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_taken_port_is_refused_with_the_remedy(taken: int) -> None:
    """A service does not move somewhere else by itself."""
    with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{taken} is taken; choose another with --port"):
        bind("127.0.0.1", taken)


def test_a_demo_takes_a_free_port_instead(taken: int) -> None:
    """It prints which."""
    with bind("127.0.0.1", taken, or_free=True) as found:
        assert taken != found.getsockname()[1]


def test_small_answers_do_not_wait_for_an_acknowledgement() -> None:
    """asyncio switches Nagle's algorithm off where a socket says that it is TCP; 40 ms an answer otherwise."""
    with bind("127.0.0.1", 0) as bound:
        assert socket.IPPROTO_TCP == bound.proto


def test_an_address_that_is_not_ours_says_so() -> None:
    """The address is in the message."""
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1:\d+ cannot be bound"):
        bind("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("listen", "expected"), [("127.0.0.1", 0), ("::1", 0), ("localhost", 0), ("0.0.0.0", 1), ("10.1.2.3", 1)]
)
def test_an_open_address_warns(listen: str, expected: int) -> None:
    """What answers everybody answers the network then, so whoever opens it must know, and how keys change that."""
    from structlog.testing import capture_logs

    from petrosa.surfaces.api.serve import warn_if_open

    with capture_logs() as logs:
        warn_if_open(listen)
    assert expected == len(logs)
    assert all("until a key exists (petrosa keys create)" in line["event"] for line in logs)
