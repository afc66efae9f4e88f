"""A server on loopback that speaks Binance's public history: klines, aggregate trades, funding rates, time, symbols.

Its past is a formula, so that whoever asks can be checked to the last digit. It counts weights as the venue does, and
does on request what a venue does when it is not well: see `FAULTS`. `python -m tests.kit.history_server` runs it.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aiohttp import web

MS = 1_000_000
MINUTE = 60_000
DAY = 86_400_000
LISTED = 1_704_067_200_000
"""2024-01-01, a Monday, in ms."""

LENGTHS = {
    "1s": 1_000, "1m": MINUTE, "3m": 3 * MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "30m": 30 * MINUTE,
    "1h": 60 * MINUTE, "2h": 120 * MINUTE, "4h": 240 * MINUTE, "6h": 360 * MINUTE, "8h": 480 * MINUTE,
    "12h": 720 * MINUTE, "1d": DAY, "3d": 3 * DAY, "1w": 7 * DAY,
}  # fmt: skip
PHASES = {"1w": 4 * DAY, "3d": DAY}
"""Weeks open on Mondays; our days of 3d are not those that multiples of 3 since 1970 would be."""

FAULTS = ("429", "418", "500", "503", "timeout", "drop", "repeat", "half", "empty", "unclosed")
USUAL = ("429", "500", "503", "drop", "repeat", "half", "unclosed")
"""What a busy venue does all day."""

SHARED = {"spot": 6_000, "usdm": 2_400}


class Bar(NamedTuple):
    """Opens and closes in ms; the row as the venue writes it."""

    ts: int
    end: int
    row: list[Any]


def opens(interval: str, since: int, until: int) -> list[int]:
    """When bars open in [since, until), in ms."""
    if interval == "1M":
        found = []
        when = datetime.fromtimestamp(since / 1_000, UTC)
        year, month = when.year, when.month
        while (ts := _month(year, month)) < until:
            found += [ts] if ts >= since else []
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        return found
    length, phase = LENGTHS[interval], PHASES.get(interval, 0)
    first = since + (phase - since) % length
    return list(range(first, until, length))


def _month(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1_000


def end_of(interval: str, ts: int) -> int:
    """When the bar after the one that opens at `ts` opens."""
    if interval != "1M":
        return ts + LENGTHS[interval]
    when = datetime.fromtimestamp(ts / 1_000, UTC)
    return _month(when.year + when.month // 12, when.month % 12 + 1)


def bar(symbol: str, interval: str, ts: int) -> Bar:
    """Numbers that no two bars share, and that no float would keep."""
    seed = (ts // 1_000 * 7_919 + sum(symbol.encode()) * 104_729 + len(interval)) % 99_991
    low, high = 100_00000001 + seed * 1_000, 100_00000001 + seed * 1_000 + 70_003
    volume, end = 10_00000007 + seed, end_of(interval, ts)
    row = [
        ts, _text(low + 10_001), _text(high), _text(low), _text(low + 50_003), _text(volume), end - 1,
        _text(volume * 3), seed + 1, _text(volume // 2), _text(volume), "0",
    ]  # fmt: skip
    return Bar(ts, end, row)


def _text(units: int) -> str:
    return f"{units // 10**8}.{units % 10**8:08d}"


class HistoryServer:
    """One market's history up to `clock()` (ns). Stretches of `outages` (ms) have no bar."""

    def __init__(
        self, market: str = "usdm", symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT"), *, listed: int = LISTED,
        outages: tuple[tuple[int, int], ...] = (), clock: Callable[[], int] = time.time_ns, limit: int | None = None,
    ) -> None:  # fmt: skip
        self.market = market
        self.symbols = symbols
        self.listed = listed
        self.outages = outages
        self.clock = clock
        self.limit = limit or SHARED[market]
        self.requests: Counter[str] = Counter()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.happened: Counter[str] = Counter()
        self.faults: deque[str] = deque()
        """What happens to the next requests that are not for the time or the symbols."""
        self.share = 0.0
        """How often something of `usual` happens by itself."""
        self.usual = USUAL
        self.retry_after = "1"
        self.changed: dict[tuple[str, str, int], dict[int, Any]] = {}
        """(symbol, interval, ts) → field → another value: what the venue says of this bar otherwise."""
        self.delay_s = 0.0
        self.heard: Callable[[int], None] = lambda _: None
        """Is called with the number of every request."""
        self.stuck = asyncio.Event()
        self._chance = random.Random(7)
        self._last: dict[str, str] = {}
        self._minute, self._used = 0, 0

    @property
    def now(self) -> int:
        return self.clock() // MS

    def bars(self, symbol: str, interval: str, since: int, until: int) -> list[Bar]:
        """What there is, the running bar included."""
        found = (bar(symbol, interval, ts) for ts in opens(interval, max(since, self.listed), min(until, self.now + 1)))
        return [one for one in found if not any(begin <= one.ts < end for begin, end in self.outages)]

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._gate])
        root = "/api/v3" if self.market == "spot" else "/fapi/v1"
        app.router.add_get(f"{root}/time", self._time)
        app.router.add_get(f"{root}/exchangeInfo", self._info)
        app.router.add_get(f"{root}/klines", self._klines)
        app.router.add_get(f"{root}/aggTrades", self._trades)
        if self.market == "usdm":
            app.router.add_get(f"{root}/fundingRate", self._funding)
        return app

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        name = request.path.rpartition("/")[2]
        self.requests[name] += 1
        self.asked.append((name, dict(request.query)))
        self.heard(len(self.asked))
        headers = {"X-MBX-USED-WEIGHT-1M": str(self._weigh(name, request))}
        if self._used > self.limit:
            self.happened["over the limit"] += 1
            return self._refusal(429, -1003, "Too many requests.", headers | {"Retry-After": self.retry_after})
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        fault = self._fault(name)
        self.happened[fault] += bool(fault)
        answer = await self._ill(fault, request, name, headers)
        if answer is not None:
            return answer
        response: web.Response = await handler(request)
        text = response.text or ""
        key = name + request.query.get("symbol", "") + request.query.get("interval", "")
        if fault == "repeat":
            text = self._last.get(key, text)
        elif response.status == 200:
            self._last[key] = text
        if fault == "half":
            whole = web.StreamResponse(headers={"Content-Length": str(len(text)), "Content-Type": "application/json"})
            await whole.prepare(request)
            await whole.write(text[: len(text) // 2].encode())
            self._abort(request)
            return whole
        return web.Response(text=text, status=response.status, headers=headers, content_type="application/json")

    async def _ill(
        self, fault: str, request: web.Request, name: str, headers: dict[str, str]
    ) -> web.StreamResponse | None:
        if fault in ("429", "418"):
            words = "Too many requests." if fault == "429" else "Way too many requests; IP banned."
            return self._refusal(int(fault), -1003, words, headers | {"Retry-After": self.retry_after})
        if fault in ("500", "503"):
            return self._refusal(int(fault), -1000, "An unknown error occurred.", headers)
        if fault == "empty" and name != "fundingRate":
            return web.json_response([], headers=headers)
        if fault == "timeout":
            await self.stuck.wait()
        if fault in ("drop", "timeout"):
            self._abort(request)
            return web.Response()
        if fault == "unclosed" and name == "klines":
            asked = request.query
            rows = self._rows(asked["symbol"], asked["interval"], int(asked["startTime"]), self.now + 1)
            return web.json_response(rows[: int(asked["limit"]) - 1] + rows[-1:], headers=headers)
        return None

    def _fault(self, name: str) -> str:
        if name in ("time", "exchangeInfo"):
            return ""
        if self.faults:
            return self.faults.popleft()
        return self._chance.choice(self.usual) if self._chance.random() < self.share else ""

    def _weigh(self, name: str, request: web.Request) -> int:
        minute = self.now // MINUTE
        if minute != self._minute:
            self._minute, self._used = minute, 0
        limit = int(request.query.get("limit", "500"))
        usdm = {"klines": 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1_000 else 10, "aggTrades": 20,
                "fundingRate": 0}  # fmt: skip
        spot = {"klines": 2, "aggTrades": 4, "exchangeInfo": 20}
        self._used += (spot if self.market == "spot" else usdm).get(name, 1)
        return self._used

    @staticmethod
    def _refusal(status: int, code: int, words: str, headers: dict[str, str]) -> web.Response:
        return web.json_response({"code": code, "msg": words}, status=status, headers=headers)

    @staticmethod
    def _abort(request: web.Request) -> None:
        if request.transport is not None:
            request.transport.abort()

    async def _time(self, _: web.Request) -> web.Response:
        return web.json_response({"serverTime": self.now})

    async def _info(self, _: web.Request) -> web.Response:
        limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": self.limit}]
        symbols = [{"symbol": name, "status": "TRADING"} for name in self.symbols]
        return web.json_response({"rateLimits": limits, "symbols": symbols})

    async def _klines(self, request: web.Request) -> web.Response:
        asked = request.query
        symbol, interval = asked["symbol"], asked["interval"]
        limit = int(asked.get("limit", "500"))
        if symbol not in self.symbols:
            return self._refusal(400, -1121, "Invalid symbol.", {})
        if limit > (1_000 if self.market == "spot" else 1_500) or (interval == "1s" and self.market != "spot"):
            return self._refusal(400, -1130, "Data sent for parameter 'limit' or 'interval' is not valid.", {})
        since = int(asked.get("startTime", "0"))
        end = min(int(asked.get("endTime", str(self.now))) + 1, self.now + 1)
        if interval != "1M":  # no more than are given out, or a first page of years of minutes would take long
            gone = sum(until - begin for begin, until in self.outages)
            end = min(end, max(since, self.listed) + (limit + 1) * LENGTHS[interval] + gone)
        return web.json_response(self._rows(symbol, interval, since, end)[:limit])

    def _rows(self, symbol: str, interval: str, since: int, until: int) -> list[list[Any]]:
        rows = []
        for one in self.bars(symbol, interval, since, until):
            row = list(one.row)
            for place, value in self.changed.get((symbol, interval, one.ts), {}).items():
                row[place] = value
            rows.append(row)
        return rows

    async def _trades(self, request: web.Request) -> web.Response:
        """One every ten seconds: trade n is n times ten seconds after the listing."""
        asked = request.query
        limit = int(asked.get("limit", "500"))
        if "fromId" in asked:
            first, end = int(asked["fromId"]), 1 << 60
        else:
            since, until = int(asked["startTime"]), int(asked["endTime"])
            if until - since >= 3_600_000:
                return self._refusal(400, -1127, "More than 1 hour between startTime and endTime.", {})
            first, end = max(0, -(-(since - self.listed) // 10_000)), max(0, (until - self.listed) // 10_000 + 1)
        last = min(end, (self.now - self.listed) // 10_000 + 1, first + limit)
        return web.json_response([self.trade(number) for number in range(first, last)])

    def trade(self, number: int) -> dict[str, Any]:
        return {
            "a": number, "p": _text(100_00000003 + number), "q": _text(1_00000009 + number), "f": number * 2,
            "l": number * 2 + 1, "T": self.listed + number * 10_000, "m": number % 2 == 0,
        }  # fmt: skip

    async def _funding(self, request: web.Request) -> web.Response:
        """Every eight hours, and every four from a year after the listing on."""
        asked = request.query
        since, until = int(asked["startTime"]), min(int(asked["endTime"]), self.now)
        rows = [
            {"symbol": asked["symbol"], "fundingTime": ts, "fundingRate": f"0.0001{ts // 3_600_000 % 10_000:04d}",
             "markPrice": "" if ts < self.listed + DAY else "101.50000000"}
            for ts in self.paid() if since <= ts <= until
        ]  # fmt: skip
        return web.json_response(rows[: int(asked.get("limit", "100"))])

    def paid(self) -> list[int]:
        turn = self.listed + 365 * DAY
        return [*range(self.listed, min(turn, self.now + 1), 8 * 60 * MINUTE),
                *range(turn, self.now + 1, 4 * 60 * MINUTE)]  # fmt: skip


@asynccontextmanager
async def hosted(app: web.Application, port: int = 0) -> AsyncIterator[str]:
    """An application on loopback; yields its address."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def history_server(server: HistoryServer, port: int = 0) -> AsyncIterator[str]:
    """The server on the network; yields its address."""
    async with hosted(server.app(), port) as url:
        try:
            yield url
        finally:
            server.stuck.set()


async def main(port: int) -> None:
    """Serve futures until it is killed."""
    async with history_server(HistoryServer(), port) as url:
        print(url, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    print(json.dumps({"listed": LISTED}), file=sys.stderr)  # noqa: T201
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
