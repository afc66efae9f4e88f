"""One contract for every source outside the venue: the file, and each service as its documents describe it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from petrosa.adapters.outside.blockchain import Blockchain
from petrosa.adapters.outside.coinbase import Coinbase
from petrosa.adapters.outside.coingecko import CoinGecko
from petrosa.adapters.outside.file import FileReadings
from petrosa.adapters.outside.http import JsonOverHttp
from petrosa.adapters.outside.kraken import Kraken
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.readings import encode_reading, line_of, parse_reading
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Reading
from petrosa.errors import DataError, PetrosaError, TransportError
from petrosa.ports import Readings
from tests.kit import outside
from tests.kit.outside import Answer, Answering, Service

NOW = (outside.SECOND + 10 * 86_400) * NS_PER_SECOND
SUBJECTS = ("BTC/USD", "USDT/USD")

Make = Callable[[JsonOverHttp], Readings]
OVER_HTTP: dict[str, tuple[Make, Answering]] = {
    "coinbase": (lambda http: Coinbase(http, SUBJECTS, lambda: NOW), outside.coinbase),
    "kraken": (lambda http: Kraken(http, SUBJECTS, lambda: NOW), outside.kraken),
    "coingecko": (lambda http: CoinGecko(http, lambda: NOW), outside.coingecko),
    "blockchain": (lambda http: Blockchain(http, lambda: NOW), outside.blockchain),
}


class Bench:
    """A source over HTTP at a service that can be told to misbehave. `pauses` are those it made, in seconds."""

    def __init__(self, service: Service, make: Make) -> None:
        self.service = service
        self.pauses: list[float] = []
        self.source = make(JsonOverHttp(service.url, timeout_s=0.3, pause=self._pause))

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def trouble(self, answer: Answer) -> PetrosaError:
        """What a poll raises when every answer is this."""
        self.service.answering = lambda _path, _query: answer
        with pytest.raises(PetrosaError) as caught:
            await self.source.poll()
        return caught.value


@pytest.fixture(params=list(OVER_HTTP))
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    make, answering = OVER_HTTP[request.param]
    async with outside.service(answering) as service:
        made = Bench(service, make)
        yield made
        await made.source.close()


@pytest.fixture(params=["file", *OVER_HTTP])
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Readings]:
    async with AsyncExitStack() as stack:
        if request.param == "file":
            quote = Reading("file", "quote", "BTC/USD", NOW - 5, NOW, {"bid": 1.0, "ask": 2.0})
            path = tmp_path / "readings.jsonl"
            path.write_bytes(line_of(quote))
            yield FileReadings(Recording([path]).batches())
            return
        make, answering = OVER_HTTP[request.param]
        service = await stack.enter_async_context(outside.service(answering))
        made = make(JsonOverHttp(service.url))
        stack.push_async_callback(made.close)
        yield made


async def test_a_poll_gives_readings_that_travel(source: Readings) -> None:
    """By its own name, heard after they happened, and each goes through a frame unchanged."""
    readings = await source.poll()
    assert readings
    for one in readings:
        assert source.source == one.source
        assert one.ts_event <= one.ts_seen == NOW
        assert one == parse_reading(RawFrame(one.ts_seen, encode_reading(one)))


async def test_a_source_may_be_closed_twice(source: Readings) -> None:
    """Letting go of what is gone is harmless."""
    await source.poll()
    await source.close()
    await source.close()


async def test_a_busy_service_is_asked_again(bench: Bench) -> None:
    """After one 429, with a pause of about half a second, the answer is as if nothing had been."""
    usual = await bench.source.poll()
    answers = [Answer(status=429)]
    given = bench.service.answering
    bench.service.answering = lambda path, query: answers.pop() if answers else given(path, query)
    assert [one.values for one in usual] == [one.values for one in await bench.source.poll()]
    (pause,) = bench.pauses
    assert 0.25 <= pause <= 0.5


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_service_that_stays_busy_is_away(bench: Bench, status: int) -> None:
    """Three attempts, growing pauses, and then it is for the caller to ask later."""
    problem = await bench.trouble(Answer(status=status))
    assert isinstance(problem, TransportError)
    assert f"HTTP {status}" in str(problem)
    assert 3 == len(bench.service.asked)
    assert 0.25 <= bench.pauses[0] <= 0.5 <= bench.pauses[1] <= 1.0


async def test_a_service_that_asks_for_peace_gets_it(bench: Bench) -> None:
    """Retry-After is waited for, and where it is long the poll ends instead."""
    await bench.trouble(Answer(status=429, headers=("Retry-After: 7",)))
    assert [7.0, 7.0] == bench.pauses
    bench.service.asked.clear()
    problem = await bench.trouble(Answer(status=429, headers=("Retry-After: 3600",)))
    assert "asks for 3600 s of peace" in str(problem)
    assert 1 == len(bench.service.asked)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"<html>maintenance</html>"),
        Answer(b""),
        Answer(b"[]"),
        Answer(b'{"error":"x"}'),
        Answer(b"\xff\xfe"),
        Answer(b"[" * 100_000),
        Answer(b'{"data":' + b" " * (1 << 20) + b"1}"),
        Answer(status=404),
        Answer(status=301, headers=("Location: http://127.0.0.1:1/",)),
        Answer(headers=("Content-Encoding: gzip",)),
    ],
    ids=["html", "empty", "list", "error", "binary", "deep", "huge", "missing", "moved", "packed"],
)
async def test_what_is_no_answer_is_believed_in_nothing(bench: Bench, answer: Answer) -> None:
    """It is refused at once and not asked for again: the same answer would come."""
    assert isinstance(await bench.trouble(answer), DataError)
    assert ([], 1) == (bench.pauses, len(bench.service.asked))


async def test_a_service_that_never_ends_is_away(bench: Bench) -> None:
    """The head and half a body, and then nothing, three times."""
    problem = await bench.trouble(Answer(b'{"data":', hangs=True))
    assert isinstance(problem, TransportError)
    assert "no answer within 0.3 s" in str(problem)


@pytest.mark.parametrize("name", list(OVER_HTTP))
async def test_nobody_at_the_address_is_away(name: str) -> None:
    """A refused connection is for the caller to try later."""

    async def at_once(_seconds: float) -> None:
        """Nobody waits."""

    source = OVER_HTTP[name][0](JsonOverHttp(outside.refusing(), pause=at_once))
    with pytest.raises(TransportError, match="ask again later"):
        await source.poll()
    await source.close()


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b'"NaN"', b'"inf"', b"-1", b"null", b"1e999", b'"x"'])
async def test_a_number_that_is_none_is_no_answer(bench: Bench, text: bytes) -> None:
    """Every number of a documented answer replaced by each of these: nothing of it is believed."""
    given = bench.service.answering

    def spoiled(path: str, query: dict[str, str]) -> Answer:
        body = given(path, query).body
        for number in (b'"61837.63"', b'"0.9995"', b'"30300.0"', b"52.3", b'"y":500000.0', b'"y":4000000000.0'):
            body = body.replace(number, (b'"y":' if number.startswith(b'"y"') else b"") + text)
        return Answer(body)

    bench.service.answering = spoiled
    with pytest.raises(DataError):
        await bench.source.poll()
