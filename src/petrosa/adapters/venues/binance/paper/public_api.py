"""Market data endpoints that spot and USD-M have in common."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from petrosa.adapters.venues.binance.paper.endpoint import Call, Endpoint, Security
from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ms
from petrosa.adapters.venues.binance.paper.parameters import Parameters
from petrosa.adapters.venues.binance.paper.refusals import Refusal, bad_symbol, missing
from petrosa.core.model.market import Trade

SPOT_DEPTH_MAX: Final = 5_000
USDM_DEPTHS: Final = (5, 10, 20, 50, 100, 500, 1_000)


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
        table: tuple[tuple[str, int, Callable[[Call], Any]], ...] = (
            ("ping", 1, lambda _: {}),
            ("time", 1, lambda call: {"serverTime": ms(call.now)}),
            ("depth", 5, self._depth),
            ("trades", 25, lambda call: self._trades(call, PublicMarket.trade_row)),
            ("historicalTrades", 25, lambda call: self._trades(call, PublicMarket.trade_row)),
            ("aggTrades", 4, lambda call: self._trades(call, PublicMarket.agg_row)),
            ("klines", 2, lambda c: self.market(c.asked).klines(c.asked)),
            ("ticker/24hr", 2, lambda c: self._some(c, PublicMarket.ticker_24h)),
            ("ticker/price", 2, lambda c: self._some(c, PublicMarket.price_ticker)),
            ("ticker/bookTicker", 2, lambda c: self._some(c, PublicMarket.book_ticker)),
        )  # fmt: skip
        return [Endpoint("GET", f"{root}/{path}", Security.NONE, weight, handler) for path, weight, handler in table]

    def _trades(self, call: Call, row: Callable[[PublicMarket, Trade], Any]) -> Any:
        market = self.market(call.asked)
        return [row(market, trade) for trade in market.some_trades(call.asked)]

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
