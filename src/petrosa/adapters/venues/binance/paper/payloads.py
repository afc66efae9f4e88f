"""What market streams say: the events of spot and USD-M, field by field."""

from typing import Any, Final

from petrosa.adapters.venues.binance.paper.market import BUY, SELL, PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ms, text
from petrosa.adapters.venues.binance.paper.tape import Aggregate
from petrosa.core.model.market import BestQuote, BookDiff, Trade

Event = dict[str, object]


def trade(market: PublicMarket, event: Trade) -> Event:
    row = market.trade_row(event)
    made: Event = {
        "e": "trade", "E": row["time"], "s": market.symbol, "t": row["id"], "p": row["price"], "q": row["qty"],
        "T": row["time"], "m": row["isBuyerMaker"],
    }  # fmt: skip
    return made | ({"M": True} if market.is_spot else {"X": "MARKET"})


def agg_trade(market: PublicMarket, one: Aggregate) -> Event:
    row = market.agg_row(one)
    return {"e": "aggTrade", "E": row["T"], "s": market.symbol, **row, **({} if market.is_spot else {"st": 1})}


def difference(event: BookDiff, market: PublicMarket) -> Event:
    """`depthUpdate` of changed levels, chained as the product chains them. A level off the tick is not in the book that
    is shown here."""
    shown, written = market.shown, market.written
    sides = {
        name: [
            [written.price(ticks), written.quantity(shown.steps(q))]
            for ticks, q in ((shown.place(p), q) for p, q in levels)
            if isinstance(ticks, int)
        ]
        for name, levels in (("b", event.bids), ("a", event.asks))
    }
    head: Event = {"e": "depthUpdate", "E": ms(event.ts_event)}
    if not market.is_spot:
        head["T"] = ms(event.ts_event)
    head |= {"s": market.symbol, "U": event.first_update_id, "u": event.last_update_id}
    if not market.is_spot:
        head["pu"] = event.previous_update_id
    return head | sides


def depth(market: PublicMarket, levels: int, now: int) -> Event:
    bids, asks = (market.levels(side, levels, quoted=False) for side in (BUY, SELL))
    if market.is_spot:
        return {"lastUpdateId": market.update_id, "bids": bids, "asks": asks}
    last = market.update_id
    return {
        "e": "depthUpdate", "E": ms(now), "T": ms(market.shown.as_of), "s": market.symbol, "U": last, "u": last,
        "pu": last - 1, "b": bids, "a": asks,
    }  # fmt: skip


def quote(market: PublicMarket, event: BestQuote) -> Event:
    shown, written = market.shown, market.written
    made: Event = {
        "u": event.update_id, "s": market.symbol,
        "b": written.price(shown.ticks(event.bid)), "B": written.quantity(shown.steps(event.bid_quantity)),
        "a": written.price(shown.ticks(event.ask)), "A": written.quantity(shown.steps(event.ask_quantity)),
    }  # fmt: skip
    if market.is_spot:
        return made
    return {"e": "bookTicker", **made, "T": ms(event.ts_event), "E": ms(event.ts_event)}


TICKER_FIELDS: Final = {
    "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice", "c": "lastPrice", "Q": "lastQty",
    "o": "openPrice", "h": "highPrice", "l": "lowPrice", "v": "volume", "q": "quoteVolume", "O": "openTime",
    "C": "closeTime", "F": "firstId", "L": "lastId", "n": "count",
}  # fmt: skip
SPOT_TICKER_FIELDS: Final = {"x": "prevClosePrice", "b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty"}


def ticker(market: PublicMarket, now: int) -> Event:
    rows = market.ticker_24h()
    fields = TICKER_FIELDS | (SPOT_TICKER_FIELDS if market.is_spot else {})
    return {"e": "24hrTicker", "E": ms(now), "s": market.symbol, **{k: rows[name] for k, name in fields.items()}}


def mini_ticker(market: PublicMarket, now: int) -> Event:
    rows = market.ticker_24h()
    short = {key: rows[TICKER_FIELDS[key]] for key in ("c", "o", "h", "l", "v", "q")}
    return {"e": "24hrMiniTicker", "E": ms(now), "s": market.symbol, **short}


def mark_price(market: PublicMarket, now: int) -> Event:
    return {
        "e": "markPriceUpdate", "E": ms(now), "s": market.symbol, "p": text(market.mark), "ap": text(market.mark),
        "i": text(market.index), "P": text(market.index), "r": text(market.rate), "T": ms(market.ts_funding), "st": 1,
    }  # fmt: skip


ORDER_FIELDS: Final = ("s", "S", "q", "p", "ap", "X", "l", "z", "T")


def force_order(update: dict[str, Any]) -> Event:
    """`forceOrder` of the `ORDER_TRADE_UPDATE` that closed a position. Where Binance tells its limit stands what it was
    filled at: here it has none."""
    order = update["o"]
    told = {name: order[name] for name in ORDER_FIELDS} | {"p": order["ap"]}
    return {"e": "forceOrder", "E": update["E"], "o": {**told, "o": "LIMIT", "f": "IOC"}, "st": 1}
