"""The paper exchange whole: markets, accounts, endpoints, streams and faults, turned by market facts and requests.

Pure but for listen keys: whoever owns it brings the time. Accounts do not trade with each other: each meets the
recorded or synthetic market on its own, as if the others were not there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from petrosa.adapters.venues.binance.paper.accounts import AccountEntry, check_accounts
from petrosa.adapters.venues.binance.paper.endpoint import Endpoint
from petrosa.adapters.venues.binance.paper.faults import FaultKind, Faults
from petrosa.adapters.venues.binance.paper.gate import Gate, Product
from petrosa.adapters.venues.binance.paper.limits import WeightLimit, spot_orders, usdm_orders
from petrosa.adapters.venues.binance.paper.listen_keys import ListenKeys
from petrosa.adapters.venues.binance.paper.market import PLAIN, Manner, PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ms
from petrosa.adapters.venues.binance.paper.orders import Ids
from petrosa.adapters.venues.binance.paper.public_api import PublicApi
from petrosa.adapters.venues.binance.paper.rights import RESTRICTIONS
from petrosa.adapters.venues.binance.paper.spot_account import SpotAccount
from petrosa.adapters.venues.binance.paper.spot_api import WEIGHT_MAX as SPOT_WEIGHT
from petrosa.adapters.venues.binance.paper.spot_api import SpotApi
from petrosa.adapters.venues.binance.paper.streams import Hub
from petrosa.adapters.venues.binance.paper.usdm_account import UsdmAccount
from petrosa.adapters.venues.binance.paper.usdm_account_api import WEIGHT_MAX as USDM_WEIGHT
from petrosa.adapters.venues.binance.paper.usdm_account_api import UsdmAccountApi
from petrosa.adapters.venues.binance.paper.usdm_api import UsdmOrders
from petrosa.adapters.venues.binance.paper.user_streams import UserStream
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId, MarketEvent
from petrosa.core.simulation.params import SimulationParams

MARKETS: Final = ("spot", "usdm")
Instruments = Mapping[InstrumentId, Instrument]


class PaperVenue:
    """`on_market` and `advance` turn it; `gate` answers requests, `hubs` and `users` hold who listens, by market."""

    def __init__(
        self, instruments: Mapping[str, Instruments], accounts: Sequence[AccountEntry], params: SimulationParams,
        faults: Faults, clock: Callable[[], int], manner: Manner = PLAIN,
    ) -> None:  # fmt: skip
        """`instruments` is by market; one that is not named is not served."""
        self.faults = faults
        self.clock = clock
        self.listen_keys = ListenKeys()
        self.markets = {
            market: {one.symbol: PublicMarket(one, manner) for one in rules.values()}
            for market, rules in instruments.items()
        }
        self.hubs = {market: Hub(known.values(), paced=manner.paced) for market, known in self.markets.items()}
        self.users = {market: {entry.name: UserStream(faults, clock) for entry in accounts} for market in instruments}
        self.spot: dict[str, SpotAccount] = {}
        self.usdm: dict[str, UsdmAccount] = {}
        self._by_id = {one.instrument.id: one for known in self.markets.values() for one in known.values()}
        keys = check_accounts(accounts)
        endpoints: dict[str, list[Endpoint]] = {}
        products: dict[str, Product] = {}
        if "spot" in instruments:
            endpoints["spot"], products["spot"] = self._open_spot(instruments["spot"], accounts, params)
        if "usdm" in instruments:
            endpoints["usdm"], products["usdm"] = self._open_usdm(instruments["usdm"], accounts, params)
        next(iter(endpoints.values())).append(RESTRICTIONS)
        self.gate = Gate(endpoints, products, keys)

    def _open_spot(
        self, rules: Instruments, accounts: Sequence[AccountEntry], params: SimulationParams
    ) -> tuple[list[Endpoint], Product]:  # fmt: skip
        markets, ids = self.markets["spot"], Ids()
        for entry in accounts:
            tell = self.users["spot"][entry.name].tell
            self.spot[entry.name] = SpotAccount(entry.name, markets, rules, entry.spot, ids, params, self.faults, tell)
        limits = {entry.name: spot_orders() for entry in accounts}
        api = SpotApi(markets, self.spot, limits, PublicApi(markets, spot=True))
        return api.endpoints(), Product(WeightLimit(SPOT_WEIGHT), limits)

    def _open_usdm(
        self, rules: Instruments, accounts: Sequence[AccountEntry], params: SimulationParams
    ) -> tuple[list[Endpoint], Product]:  # fmt: skip
        markets, ids = self.markets["usdm"], Ids()
        for entry in accounts:
            tell = self._tapped(self.users["usdm"][entry.name].tell)
            self.usdm[entry.name] = UsdmAccount(entry.name, markets, rules, entry.usdm, ids, params, self.faults, tell)
        limits = {entry.name: usdm_orders() for entry in accounts}
        public = PublicApi(markets, spot=False)
        api = UsdmAccountApi(markets, self.usdm, limits, public, self.listen_keys)
        orders = UsdmOrders(markets, self.usdm)
        return [*api.endpoints(), *orders.endpoints()], Product(WeightLimit(USDM_WEIGHT), limits)

    def _tapped(self, tell: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
        """What an account is told, from which everybody hears of its liquidations."""

        def tapped(event: dict[str, Any]) -> None:
            tell(event)
            order = event.get("o")
            if event.get("e") == "ORDER_TRADE_UPDATE" and isinstance(order, dict) and order["x"] == "CALCULATED":
                self.hubs["usdm"].force_order(event, self.clock())

        return tapped

    def on_market(self, event: MarketEvent, now: int) -> None:
        """A market fact: every account matches against it, then everybody hears of it."""
        market = self._by_id.get(event.instrument)
        if market is None:
            return
        market.freeze(self.faults.is_book_stale)
        market.keep(self.faults.has(FaultKind.OLD_SNAPSHOT))
        market.learn(event, now)
        accounts: Sequence[SpotAccount | UsdmAccount] = list((self.spot if market.is_spot else self.usdm).values())
        for account in accounts:
            account.on_market(event, now)
        self.hubs["spot" if market.is_spot else "usdm"].publish(market, event, now)

    def relay(self, market: str, stream: str, event: bytes) -> None:
        """An event of a stream as it was recorded: it is told instead of what would be made for that stream."""
        self.hubs[market].relay(stream, event)

    @contextmanager
    def looking_back(self, wanted: bool) -> Iterator[None]:
        """Meanwhile answers show the books that were remembered when a fault began."""
        with ExitStack() as stack:
            for known in self.markets.values() if wanted else ():
                for market in known.values():
                    stack.enter_context(market.looking_back())
            yield

    def advance(self, now: int) -> None:
        """Let time pass: what falls due on accounts and streams happens."""
        for name, known in self.markets.items():
            for market in known.values():
                market.advance(now)
            self.hubs[name].advance(now)
        for spot in self.spot.values():
            spot.ledger.drain(now)
        for usdm in self.usdm.values():
            usdm.advance(now)
        for streams in self.users.values():
            for stream in streams.values():
                stream.advance(now)
        for account, key in self.listen_keys.expired(now):
            expired: dict[str, Any] = {"e": "listenKeyExpired", "E": ms(now), "listenKey": key}
            self.users["usdm"][account].tell(expired)
