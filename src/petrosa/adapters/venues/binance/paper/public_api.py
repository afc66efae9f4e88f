"""Market data endpoints that spot and USD-M have in common."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from petrosa.adapters.venues.binance.paper.endpoint import Call, Endpoint, Security
from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ms
from petrosa.adapters.venues.binance.paper.parameters import Parameters
from petrosa.adapters.venues.binance.paper.refusals import Refusal, bad_symbol, missing

SPOT_DEPTH_MAX: Final = 5_000
DIGITS_MAX: Final = 9
USDM_DEPTHS: Final = (5, 10, 20, 50, 100, 500, 1_000)


Cost = int | Callable[[Parameters], int]


def by_limit(default: int, *steps: tuple[int, int]) -> Callable[[Parameters], int]:
    """What a request costs by its `limit`: the first (limit, weight) that holds it, else the last."""

    def cost(asked: Parameters) -> int:
        text = asked.optional("limit") or ""
        limit = int(text) if text.isdigit() and len(text) < DIGITS_MAX else default
        return next((weight for most, weight in steps if limit <= most), steps[-1][1])

    return cost


def by_symbol(one: int, everybody: int) -> Callable[[Parameters], int]:
    """One symbol's price, or that of all of them."""
    return lambda asked: one if "symbol" in asked else everybody


SPOT_COSTS: Final[Mapping[str, Cost]] = {
    "ping": 1, "time": 1, "depth": by_limit(100, (100, 5), (500, 25), (1_000, 50), (5_000, 250)), "trades": 25,
    "historicalTrades": 25, "aggTrades": 4, "klines": 2, "ticker/24hr": by_symbol(2, 80),
    "ticker/price": by_symbol(2, 4), "ticker/bookTicker": by_symbol(2, 4),
}  # fmt: skip
USDM_COSTS: Final[Mapping[str, Cost]] = {
    "ping": 1, "time": 1, "depth": by_limit(500, (50, 2), (100, 5), (500, 10), (1_000, 20)), "trades": 5,
    "historicalTrades": 20, "aggTrades": 20, "klines": by_limit(500, (99, 1), (499, 2), (1_000, 5), (1_500, 10)),
    "ticker/24hr": by_symbol(1, 40), "ticker/price": by_symbol(1, 2), "ticker/bookTicker": by_symbol(2, 5),
}  # fmt: skip
"""Request weight of each endpoint, as Binance charges it."""


class PublicApi:
    """Answers about the markets of one product, by symbol."""

    def __init__(self, markets: Mapping[str, PublicMarket], *, spot: bool) -> None:
        self._markets = markets
        self._spot = spot

    def market(self, asked: Parameters) -> PublicMarket:
        """The market of `symbol`. Raises -1102 and -1121."""
        market = self._markets.get(asked.text("symbol"))
        if market is None:
            raise bad_symbol()
        return market

    def endpoints(self, root: str) -> list[Endpoint]:
        """Below `/api/v3` or `/fapi/v1`."""
        costs = SPOT_COSTS if self._spot else USDM_COSTS
        table: dict[str, Callable[[Call], Any]] = {
            "ping": lambda _: {},
            "time": lambda call: {"serverTime": ms(call.now)},
            "depth": self._depth,
            "trades": self._trades,
            "historicalTrades": self._trades,
            "aggTrades": self._aggregates,
            "klines": lambda c: self.market(c.asked).klines(c.asked),
            "ticker/24hr": lambda c: self._some(c, PublicMarket.ticker_24h),
            "ticker/price": lambda c: self._some(c, PublicMarket.price_ticker),
            "ticker/bookTicker": lambda c: self._some(c, PublicMarket.book_ticker),
        }
        keyed = {} if self._spot else {"historicalTrades": Security.KEY}
        return [
            Endpoint("GET", f"{root}/{path}", keyed.get(path, Security.NONE), costs[path], handler)
            for path, handler in table.items()
        ]

    def _trades(self, call: Call) -> Any:
        market = self.market(call.asked)
        return [market.trade_row(trade) for trade in market.trades.asked(call.asked)]

    def _aggregates(self, call: Call) -> Any:
        market = self.market(call.asked)
        return [market.agg_row(one) for one in market.aggregates.tape.asked(call.asked)]

    def _depth(self, call: Call) -> Any:
        market = self.market(call.asked)
        if self._spot:
            return market.depth(max(1, call.asked.integer("limit", 100, SPOT_DEPTH_MAX)))
        limit = call.asked.integer("limit", 500)
        if limit not in USDM_DEPTHS:
            raise Refusal(-4021, f"{limit} is not valid depth limit.")
        return market.depth(limit)

    def _some(self, call: Call, row: Callable[[PublicMarket], Any]) -> Any:
        """One symbol's row, those of `symbols`, or everybody's."""
        asked = call.asked
        if "symbol" in asked:
            return row(self.market(asked))
        if "symbols" in asked:
            names = [str(name) for name in asked.array("symbols", 100)]
            if any(name not in self._markets for name in names):
                raise bad_symbol()
            return [row(self._markets[name]) for name in names]
        return [row(market) for market in self._markets.values()]


def required_symbol(asked: Parameters, markets: Mapping[str, PublicMarket]) -> PublicMarket:
    """The market of a private request's symbol."""
    if "symbol" not in asked:
        raise missing("symbol")
    market = markets.get(asked.text("symbol"))
    if market is None:
        raise bad_symbol()
    return market
