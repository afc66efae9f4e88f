"""Asks Binance what an account holds: orders, positions, balances, trades. Reads only; asking again is always safe."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from petrosa.adapters.venues.binance.live.names import KnownNames
from petrosa.adapters.venues.binance.live.product import Product
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.core.model.account import StatedOrder, StatedPosition
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Intent, OrderFilled
from petrosa.errors import DataError, VenueRefused

Call = Callable[[Request], Awaitable[bytes]]
"""Sends a request and returns the body of the answer. Raises what `petrosa.errors` has for venues and connections."""

PAGE_LEAST: Final = 500
"""A page of fewer trades than this is the last one, however many the venue puts on a full page."""
PAGES_MAX: Final = 1_000
SPAN_MS: Final = {"spot": 86_400_000, "usdm": 7 * 86_400_000}
"""How much time one page by time covers at most."""
FEW: Final = 4
"""Up to so many orders are asked for their names one by one; for more the history of the instrument is asked first."""


class BinanceAccount:
    """One market of one account. This is `ports.VenueAccount`.

    `names` remembers what orders are called, from every answer; whoever places orders can share it. A trade whose order
    the venue does not tell about any more keeps the venue's name of it, `SYMBOL:orderId`: it is told all the same.
    """

    def __init__(self, product: Product, call: Call, now: Callable[[], int], names: KnownNames | None = None) -> None:
        self.names = names if names is not None else KnownNames()
        self._product = product
        self._call = call
        self._now = now

    async def orders(self) -> Sequence[StatedOrder]:
        stated: list[StatedOrder] = []
        for request in self._product.opened():
            stated.extend(self._product.read_opened(request, await self._call(request)))
        for order in stated:
            self.names.learn_from(order)
        return stated

    async def order(self, intent: Intent) -> StatedOrder | None:
        for request in self._product.query(intent):
            stated = await self._asked(request, intent.client_order_id)
            if stated is not None:
                return stated
        return None

    async def positions(self) -> Sequence[StatedPosition]:
        return [position for _, positions in await self._stated() for position in positions]

    async def balances(self) -> Mapping[str, Decimal]:
        return {asset: total for balances, _ in await self._stated() for asset, total in balances.items()}

    async def fills(self, instrument: InstrumentId, since: int) -> Sequence[OrderFilled]:
        """Page by page until there is no more: by time until there is a trade, from there by trade id.

        Raises `DataError` when there is no end of it.
        """
        found: dict[tuple[str, str], OrderFilled] = {}
        begin, last, span = since // NS_PER_MS, None, SPAN_MS[self._product.market]
        for _ in range(PAGES_MAX):
            is_to_the_end = last is not None or self._now() // NS_PER_MS - begin < span
            page = await self._page(instrument, self._product.trades(instrument, begin, last))
            fresh = [fill for fill in page if (fill.trade_id, fill.side.name) not in found]
            found.update({(fill.trade_id, fill.side.name): fill for fill in fresh})
            if is_to_the_end and len(page) < PAGE_LEAST:
                return [fill for fill in found.values() if fill.ts_event >= since]
            if page and not fresh:
                raise DataError(f"trades of {instrument} from {last} on: a full page with nothing new on it")
            if found:
                last = max(int(trade_id) for trade_id, _ in found)
            else:
                begin += span
        raise DataError(f"trades of {instrument} since {since}: no end after {PAGES_MAX} pages")

    async def _page(self, instrument: InstrumentId, request: Request) -> Sequence[OrderFilled]:
        """One page of trades, each with the name of its order."""
        body = await self._call(request)
        fills, unnamed = self._product.read_trades(body, self.names, self._now())
        if len(unnamed) > FEW:
            await self._learn_history(instrument)
            fills, unnamed = self._product.read_trades(body, self.names, self._now())
        if not unnamed:
            return fills
        names = dict(self.names)
        for order in unnamed:
            stated = await self._asked(self._product.name_of(order))
            names[order] = stated.client_order_id if stated is not None else order
            self.names.learn(order, names[order])
        fills, unnamed = self._product.read_trades(body, names, self._now())
        if unnamed:
            raise DataError(f"trades of orders {', '.join(unnamed)}, which have names and are not read")
        return fills

    async def _learn_history(self, instrument: InstrumentId) -> None:
        for request in self._product.history(instrument):
            for order in self._product.read_opened(request, await self._call(request)):
                self.names.learn_from(order)

    async def _asked(self, request: Request, client_order_id: str = "") -> StatedOrder | None:
        """One order, followed to the one that its trigger made. None where the venue knows no such order."""
        body = await self._known(request)
        if body is None:
            return None
        stated = self._product.queried(body, client_order_id)
        if isinstance(stated, Request):
            body = await self._known(stated)
            if body is None:
                raise DataError(f"{client_order_id or request.path} has made an order that is not listed; ask again")
            stated = self._product.queried(body, client_order_id)
        if isinstance(stated, Request):
            raise DataError(f"{client_order_id or request.path}: no order at the end of {stated.path}")
        self.names.learn_from(stated)
        return stated

    async def _known(self, request: Request) -> bytes | None:
        try:
            return await self._call(request)
        except VenueRefused as refused:
            if self._product.is_unknown_order(refused.code):
                return None
            raise

    async def _stated(self) -> list[tuple[Mapping[str, Decimal], Sequence[StatedPosition]]]:
        return [self._product.read_account(request, await self._call(request)) for request in self._product.account()]
