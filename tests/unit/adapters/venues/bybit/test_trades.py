"""Trades of Bybit over connections that come and go, by chance: each once, in order, and what is not told is named."""

import asyncio
import json
import random
from collections.abc import Mapping

import pytest

from petrosa.adapters.feeds.backfill import Backfill
from petrosa.adapters.feeds.live_feed import outlet
from petrosa.adapters.feeds.outlet import News, TradesUnknown
from petrosa.adapters.venues.bybit.live.expected import expected
from petrosa.adapters.venues.bybit.live.recent import MOST, read_newest
from petrosa.adapters.venues.bybit.live.trades import Trades
from petrosa.adapters.venues.bybit.parse import Parser
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.market import Trade, instrument_id
from petrosa.errors import DataError, TransportError
from tests.kit.bybit_server import MS
from tests.kit.soak import sample
from tests.kit.sockets import running

STREAM = "btcusdt@publicTrade"
CAMPAIGNS = sample(40, 400)


class World:
    """A venue that trades, a connection that is sometimes away, answers that are late, lost, or behind."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = MS * NS_PER_MS
        self.traded: list[int] = []
        self.heard: list[int] = []
        self.frames: list[bytes] = []
        self.news: list[News] = []
        self.is_up = True
        limit = self.chance.choice((0, 5, 10**6))
        out = outlet(
            {STREAM: instrument_id("bybit", "spot", "BTCUSDT")}, expected, self._offer, self.news.append,
            lambda: self.now,
        )  # fmt: skip
        backfill = Backfill(trades=limit, hold_seconds=2.0, hold_max=self.chance.choice((20, 1_000)))
        self.trades = Trades("spot", {STREAM: instrument_id("bybit", "spot", "BTCUSDT")}, self.ask, out, backfill,
                             lambda _seconds: asyncio.sleep(0))  # fmt: skip

    def _offer(self, _arrival: int, _stream: str, frame: bytes) -> None:
        self.frames.append(frame)

    async def ask(self, _path: str, query: Mapping[str, str]) -> bytes:
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)
        if self.chance.random() < 0.2:
            raise TransportError("no answer")
        behind = self.chance.choice((0, 0, 0, 1, 4))
        listed = self.traded[: len(self.traded) - behind][-int(query["limit"]) :]
        rows = [
            {"execId": str(one), "symbol": "BTCUSDT", "price": "1", "size": "1", "side": "Buy", "time": str(MS + one)}
            for one in reversed(listed)
        ]
        return json.dumps({"retCode": 0, "result": {"list": rows}}).encode()

    def trade(self) -> None:
        """One to three trades in one message, which is heard where there is a connection."""
        first = len(self.traded)
        more = list(range(first, first + self.chance.randrange(1, 4)))
        self.traded += more
        self.now = max(self.now, (MS + more[-1]) * NS_PER_MS)
        if self.is_up:
            self.heard += more
            self.tell(more)

    def tell(self, numbers: list[int]) -> None:
        data = [
            {"T": MS + one, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "1", "i": str(one), "BT": False}
            for one in numbers
        ]
        message = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": MS + numbers[-1], "data": data}
        self.trades.hear(STREAM, json.dumps(message).encode(), self.now)

    def turn(self) -> None:
        """Something happens."""
        happens = self.chance.random()
        if happens < 0.08:
            self.is_up = not self.is_up
            if not self.is_up:
                self.trades.away(STREAM)
        elif happens < 0.12 and self.is_up and self.heard:
            self.tell(self.heard[-2:])
        elif happens < 0.14:
            self.now += 700_000_000
            self.trades.look(self.now)
        elif happens < 0.2 and not self.is_up:
            for _ in range(self.chance.randrange(60)):
                self.trade()
        else:
            self.trade()

    def told(self) -> list[int]:
        parser = Parser("bybit", "spot", ["BTCUSDT"])
        facts = [parser.parse(frame, 0) for frame in self.frames]
        return [fact.trade_id for fact in facts if isinstance(fact, Trade)]


@pytest.mark.parametrize("seed", range(CAMPAIGNS))
async def test_each_is_told_once_in_order_and_what_is_not_lies_in_a_hole_that_was_named(seed: int) -> None:
    world = World(seed)
    async with running(world.trades.run()):
        for _ in range(300):
            world.turn()
            for _ in range(world.chance.randrange(4)):
                await asyncio.sleep(0)
        world.is_up = True
        world.trade()
        world.now += 3_000_000_000
        world.trades.look(world.now)
    told = world.told()
    assert sorted(set(told)) == told
    named = [(one.after, one.before) for one in world.news if isinstance(one, TradesUnknown)]
    missing = set(range(told[0], world.traded[-1] + 1)) - set(told)
    assert [] == [
        one for one in sorted(missing)
        if not any(after < (MS + one) * NS_PER_MS < before for after, before in named)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"result":{}}', b'{"result":{"list":[{"execId":"1"}]}}', b'{"result":{"list":[7]}}',
     b'{"result":{"list":[{"execId":"1","symbol":"BTCUSDT","price":"1","size":"1","side":"Buy","time":"x"}]}}',
     b'{"result":{"list":[{"execId":"1","symbol":"ETHUSDT","price":"1","size":"1","side":"Buy","time":"1"}]}}'],
)  # fmt: skip
def test_an_answer_that_cannot_be_is_refused(body: bytes) -> None:
    with pytest.raises(DataError, match="/v5/market/recent-trade of BTCUSDT"):
        read_newest(STREAM, "BTCUSDT", body)


def test_so_much_is_asked_for_as_the_venue_gives() -> None:
    assert {"spot": 60, "linear": 1_000} == MOST
