"""Every strategy there is, by name. A new one is a file and one entry here; a test finds a file that has none."""

from collections.abc import Mapping
from typing import Final

from petrosa.core.model.market import Depth, Ticker, Trade
from petrosa.core.strategies.base import CatalogEntry, ReplayHonesty
from petrosa.core.strategies.tick import orderbook_skew, ticker_velocity, trade_momentum

_ENTRIES: Final = (
    CatalogEntry(
        strategy_id="orderbook_skew",
        version=1,
        listens_to=Depth,
        params=orderbook_skew.Params,
        build=orderbook_skew.OrderbookSkew,
        replay_honesty=ReplayHonesty.YES,
        summary="Bid against ask volume of the best levels, agreed with by recent trades.",
    ),
    CatalogEntry(
        strategy_id="trade_momentum",
        version=1,
        listens_to=Trade,
        params=trade_momentum.Params,
        build=trade_momentum.TradeMomentum,
        replay_honesty=ReplayHonesty.YES,
        summary="A large aggressive trade that moved the price its own way.",
    ),
    CatalogEntry(
        strategy_id="ticker_velocity",
        version=1,
        listens_to=Ticker,
        params=ticker_velocity.Params,
        build=ticker_velocity.TickerVelocity,
        replay_honesty=ReplayHonesty.YES,
        summary="A steady and fast change of the last price over a minute.",
    ),
)

CATALOG: Final[Mapping[str, CatalogEntry]] = {entry.strategy_id: entry for entry in _ENTRIES}
