"""The endpoints of USD-M about the account and the rules: balances, positions, leverage, income, listen keys."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from petrosa.adapters.venues.binance.paper import usdm_render as render
from petrosa.adapters.venues.binance.paper.endpoint import Call, Endpoint, Security
from petrosa.adapters.venues.binance.paper.limits import OrderLimit
from petrosa.adapters.venues.binance.paper.listen_keys import ListenKeys
from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ZERO, ms, plain, text
from petrosa.adapters.venues.binance.paper.public_api import PublicApi, by_symbol, required_symbol
from petrosa.adapters.venues.binance.paper.refusals import Refusal, bad_symbol
from petrosa.adapters.venues.binance.paper.rules import UsdmRules
from petrosa.adapters.venues.binance.paper.spot_api import uid, window
from petrosa.adapters.venues.binance.paper.usdm_account import LEVERAGE_MAX, UsdmAccount
from petrosa.adapters.venues.binance.paper.usdm_margin import MAINTENANCE

V1: Final = "/fapi/v1"
V2: Final = "/fapi/v2"
V3: Final = "/fapi/v3"
WEIGHT_MAX: Final = 2_400
NOTIONAL_MAX: Final = Decimal(100_000_000)
Answer = dict[str, Any]


class UsdmAccountApi:
    """Answers requests about accounts and rules. `accounts` and `limits` are by name."""

    def __init__(
        self, markets: Mapping[str, PublicMarket], accounts: Mapping[str, UsdmAccount],
        limits: Mapping[str, OrderLimit], public: PublicApi, keys: ListenKeys,
    ) -> None:  # fmt: skip
        self.markets = markets
        self.accounts = accounts
        self._limits = limits
        self._public = public
        self._keys = keys

    def endpoints(self) -> list[Endpoint]:
        """Everything about accounts, rules and the market, with what each costs."""
        signed, trade, none, key = Security.SIGNED, Security.TRADE, Security.NONE, Security.KEY
        return [
            *self._public.endpoints(V1),
            Endpoint("GET", f"{V2}/ticker/price", none, 2, lambda c: self._each(c, PublicMarket.price_ticker)),
            Endpoint("GET", f"{V1}/exchangeInfo", none, 1, self._info),
            Endpoint(
                "GET", f"{V1}/premiumIndex", none, by_symbol(1, 10), lambda c: self._each(c, PublicMarket.premium)
            ),
            Endpoint("GET", f"{V1}/fundingRate", none, 1, self._funding_rates),
            Endpoint("GET", f"{V1}/fundingInfo", none, 1, lambda _: []),
            Endpoint("GET", f"{V2}/account", signed, 5, lambda c: self._account(c, old=True)),
            Endpoint("GET", f"{V3}/account", signed, 5, lambda c: self._account(c, old=False)),
            Endpoint("GET", f"{V2}/balance", signed, 5, self._balance),
            Endpoint("GET", f"{V3}/balance", signed, 5, self._balance),
            Endpoint("GET", f"{V2}/positionRisk", signed, 5, lambda c: self._positions(c, old=True)),
            Endpoint("GET", f"{V3}/positionRisk", signed, 5, lambda c: self._positions(c, old=False)),
            Endpoint("GET", f"{V1}/userTrades", signed, 5, self._trades),
            Endpoint("GET", f"{V1}/income", signed, 30, self._income),
            Endpoint("POST", f"{V1}/leverage", trade, 1, self._set_leverage),
            Endpoint("POST", f"{V1}/marginType", trade, 1, self._set_margin_type),
            Endpoint("GET", f"{V1}/positionSide/dual", signed, 30, self._position_mode),
            Endpoint("POST", f"{V1}/positionSide/dual", trade, 1, self._set_position_mode),
            Endpoint("GET", f"{V1}/multiAssetsMargin", signed, 30, lambda _: {"multiAssetsMargin": False}),
            Endpoint("GET", f"{V1}/accountConfig", signed, 5, self._account_config),
            Endpoint(
                "GET", f"{V1}/symbolConfig", signed, 5, lambda c: self._each(c, self._symbol_config(c), rows=True)
            ),
            Endpoint("GET", f"{V1}/leverageBracket", signed, 1, lambda c: self._each(c, _bracket)),
            Endpoint("GET", f"{V1}/commissionRate", signed, 20, self._commission),
            Endpoint("GET", f"{V1}/rateLimit/order", signed, 1, lambda c: self._limits[c.account].describe(c.now)),
            Endpoint("POST", f"{V1}/listenKey", key, 1, lambda c: {"listenKey": self._keys.open(c.account, c.now)}),
            Endpoint("PUT", f"{V1}/listenKey", key, 1, lambda c: {"listenKey": self._keys.prolong(c.account, c.now)}),
            Endpoint("DELETE", f"{V1}/listenKey", key, 1, self._close_key),
        ]

    def _each(self, call: Call, row: Any, *, rows: bool = False) -> Any:
        """One symbol's row or everybody's."""
        if "symbol" in call.asked:
            found = row(self._public.market(call.asked))
            return [found] if rows else found
        return [row(market) for market in self.markets.values()]

    # rules

    def _info(self, call: Call) -> Any:
        rules = [UsdmRules(market.instrument).describe() for market in self.markets.values()]
        assets = sorted({market.instrument.settle for market in self.markets.values()})
        limits = next(iter(self._limits.values())).describe()
        weight = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_MAX}
        return {
            "timezone": "UTC", "serverTime": ms(call.now), "futuresType": "U_MARGINED",
            "rateLimits": [weight, *limits], "exchangeFilters": [],
            "assets": [{"asset": asset, "marginAvailable": True, "autoAssetExchange": "0"} for asset in assets],
            "symbols": rules,
        }  # fmt: skip

    def _funding_rates(self, call: Call) -> Any:
        """By `symbol`, or of all of them in order of time; the first ones where a beginning is given."""
        asked = call.asked
        markets = [self._public.market(asked)] if "symbol" in asked else list(self.markets.values())
        start, end = asked.integer("startTime", 0), asked.integer("endTime", 1 << 43)
        settled = [(ts, market.symbol, rate, mark) for market in markets for ts, rate, mark in market.settled()]
        rows = [
            {"symbol": symbol, "fundingTime": ms(ts), "fundingRate": text(rate), "markPrice": text(mark)}
            for ts, symbol, rate, mark in sorted(settled)
            if start <= ms(ts) <= end
        ]
        limit = max(1, asked.integer("limit", 100, 1_000))
        return rows[:limit] if "startTime" in asked else rows[-limit:]

    # the account

    def account(self, call: Call) -> UsdmAccount:
        return self.accounts[call.account]

    def _asset(self, account: UsdmAccount, asset: str) -> Answer:
        margins = account.margins.all_in(asset)
        wallet = account.ledger.balance(asset)
        profit, initial = sum((m.profit for m in margins), ZERO), sum((m.initial for m in margins), ZERO)
        orders, kept = sum((m.orders for m in margins), ZERO), sum((m.maintenance for m in margins), ZERO)
        free = max(ZERO, account.margins.available(asset))
        changed = max((account.ts_update.get(symbol, 0) for symbol in account.margins.settled_in(asset)), default=0)
        return {
            "asset": asset, "walletBalance": text(wallet), "unrealizedProfit": text(profit),
            "marginBalance": text(wallet + profit), "maintMargin": text(kept), "initialMargin": text(initial + orders),
            "positionInitialMargin": text(initial), "openOrderInitialMargin": text(orders),
            "crossWalletBalance": text(wallet), "crossUnPnl": text(profit), "availableBalance": text(free),
            "maxWithdrawAmount": text(min(free, max(ZERO, wallet))), "updateTime": ms(changed),
        }  # fmt: skip

    def _account(self, call: Call, *, old: bool) -> Any:
        account = self.account(call)
        assets = [self._asset(account, asset) for asset in account.assets()]
        dollars = [row for row in assets if row["asset"] in ("USDT", "USDC", "BUSD", "FDUSD")]
        totals = {
            total: text(sum((Decimal(row[name]) for row in dollars), ZERO)) for total, name in _TOTALS.items()
        }  # fmt: skip
        head: Answer = {}
        if old:
            head = {
                "feeTier": 0, "canTrade": True, "canDeposit": False, "canWithdraw": False, "feeBurn": False,
                "tradeGroupId": -1, "updateTime": 0, "multiAssetsMargin": False,
            }  # fmt: skip
            assets = [row | {"marginAvailable": True} for row in assets]
        slots = self._slots(account, held=not old)
        positions = [self._account_position(account, symbol, side, old=old) for symbol, side in slots]
        return {**head, **totals, "assets": assets, "positions": positions}

    def _slots(self, account: UsdmAccount, *, held: bool) -> list[tuple[str, str]]:
        """(symbol, position side) of every position; `held` leaves out those without a quantity or an open order."""
        return [
            (symbol, side) for symbol, market in self.markets.items() for side in account.margins.sides
            if not held or account.ledger.position(market.instrument.id, side)[0]
            or any(order.position_side == side for order in account.ledger.open(symbol))
        ]  # fmt: skip

    def _account_position(self, account: UsdmAccount, symbol: str, side: str, *, old: bool) -> Answer:
        market, margin = self.markets[symbol], account.margins.of(symbol, side)
        quantity, entry = account.ledger.position(market.instrument.id, side)
        written = market.written
        row: Answer = {
            "symbol": symbol, "positionSide": side, "positionAmt": text(quantity, written.quantity_places),
            "unrealizedProfit": text(margin.profit), "isolatedMargin": "0", "notional": plain(margin.notional),
            "isolatedWallet": "0", "initialMargin": plain(_cents(margin.initial + margin.orders)),
            "maintMargin": plain(_cents(margin.maintenance)), "updateTime": ms(account.ts_update.get(symbol, 0)),
        }  # fmt: skip
        if not old:
            return row
        return row | {
            "positionInitialMargin": plain(_cents(margin.initial)),
            "openOrderInitialMargin": plain(_cents(margin.orders)), "isolated": False,
            "leverage": str(account.margins.leverage[symbol]), "entryPrice": plain(entry),
            "breakEvenPrice": plain(_break_even(market, quantity, entry)),
            "maxNotional": plain(NOTIONAL_MAX), "bidNotional": plain(margin.bids), "askNotional": plain(margin.asks),
        }  # fmt: skip

    def _positions(self, call: Call, *, old: bool) -> Any:
        account = self.account(call)
        only = call.asked.optional("symbol")
        if only is not None and only not in self.markets:
            raise bad_symbol()
        slots = self._slots(account, held=not old and only is None)
        return [self._risk(account, symbol, side, old=old) for symbol, side in slots if only in (None, symbol)]

    def _risk(self, account: UsdmAccount, symbol: str, side: str, *, old: bool) -> Answer:
        market, margin = self.markets[symbol], account.margins.of(symbol, side)
        quantity, entry = account.ledger.position(market.instrument.id, side)
        ends = account.margins.liquidation_price(symbol) if quantity else ZERO
        row: Answer = {
            "symbol": symbol, "positionSide": side,
            "positionAmt": text(quantity, market.written.quantity_places), "entryPrice": plain(entry),
            "breakEvenPrice": plain(_break_even(market, quantity, entry)), "markPrice": text(market.reference),
            "unRealizedProfit": text(margin.profit), "liquidationPrice": text(ends),
            "isolatedMargin": "0", "notional": plain(_cents(margin.notional)), "isolatedWallet": "0",
            "updateTime": ms(account.ts_update.get(symbol, 0)),
        }  # fmt: skip
        if old:
            return row | {
                "marginType": "cross", "isAutoAddMargin": "false", "leverage": str(account.margins.leverage[symbol]),
                "maxNotionalValue": plain(NOTIONAL_MAX),
            }  # fmt: skip
        return row | {
            "marginAsset": market.instrument.settle, "initialMargin": plain(_cents(margin.initial + margin.orders)),
            "maintMargin": plain(_cents(margin.maintenance)), "positionInitialMargin": plain(_cents(margin.initial)),
            "openOrderInitialMargin": plain(_cents(margin.orders)), "adl": 2 if quantity else 0,
            "bidNotional": plain(_cents(margin.bids)), "askNotional": plain(_cents(margin.asks)),
        }  # fmt: skip

    def _balance(self, call: Call) -> Any:
        account = self.account(call)
        rows = []
        for asset in account.assets():
            found = self._asset(account, asset)
            rows.append(
                {
                    "accountAlias": f"paper{uid(call.account) % 10_000:04d}", "asset": asset,
                    "balance": found["walletBalance"], "marginAvailable": True,
                    **{name: found[name] for name in _BALANCE_FIELDS},
                }
            )  # fmt: skip
        return rows

    def _trades(self, call: Call) -> Any:
        market = required_symbol(call.asked, self.markets)
        wanted, rules = call.asked.maybe_integer("orderId"), market.instrument
        fills = (
            fill for fill in self.account(call).ledger.executions
            if fill.instrument == rules.id and wanted in (None, fill.order_id)
        )  # fmt: skip
        found = window(fills, call.asked, "fromId", lambda fill: (fill.trade_id, fill.ts))
        return [render.trade_row(fill, market.symbol, market.written, rules.settle) for fill in found]

    def _income(self, call: Call) -> Any:
        symbol, kind = call.asked.optional("symbol"), call.asked.optional("incomeType")
        rows = (
            row for row in self.account(call).ledger.income
            if symbol in (None, row.symbol) and kind in (None, row.kind)
        )  # fmt: skip
        found = window(rows, call.asked, "tranId", lambda row: (row.id, row.ts))
        return [
            {
                "symbol": row.symbol, "incomeType": row.kind, "income": text(row.amount), "asset": row.asset,
                "time": ms(row.ts), "info": row.kind, "tranId": row.id, "tradeId": "",
            }
            for row in found
        ]  # fmt: skip

    # choices

    def _set_leverage(self, call: Call) -> Any:
        symbol, leverage = required_symbol(call.asked, self.markets).symbol, call.asked.integer("leverage")
        if not 1 <= leverage <= LEVERAGE_MAX:
            raise Refusal(-4028, f"Leverage {leverage} is not valid")
        margins = self.account(call).margins
        before, margins.leverage[symbol] = margins.leverage[symbol], leverage
        if margins.available(self.markets[symbol].instrument.settle) < 0:
            margins.leverage[symbol] = before
            raise Refusal(-2028, "Leverage is smaller than permitted: insufficient margin balance.")
        return {"leverage": leverage, "maxNotionalValue": plain(NOTIONAL_MAX), "symbol": symbol}

    def _set_margin_type(self, call: Call) -> Any:
        required_symbol(call.asked, self.markets)
        if call.asked.text("marginType") == "CROSSED":
            raise Refusal(-4046, "No need to change margin type.")
        raise Refusal(-4048, "Margin type cannot be changed: this paper exchange has cross margin only.")

    def _position_mode(self, call: Call) -> Any:
        return {"dualSidePosition": self.account(call).margins.hedged}

    def _set_position_mode(self, call: Call) -> Any:
        call.asked.text("dualSidePosition")
        self.account(call).set_hedged(call.asked.boolean("dualSidePosition"))
        return {"code": 200, "msg": "success"}

    def _account_config(self, call: Call) -> Any:
        return {
            "feeTier": 0, "canTrade": True, "canDeposit": False, "canWithdraw": False,
            "dualSidePosition": self.account(call).margins.hedged, "updateTime": 0,
            "multiAssetsMargin": False, "tradeGroupId": -1,
        }  # fmt: skip

    def _symbol_config(self, call: Call) -> Any:
        leverage = self.account(call).margins.leverage
        return lambda market: {
            "symbol": market.symbol, "marginType": "CROSSED", "isAutoAddMargin": False,
            "leverage": leverage[market.symbol], "maxNotionalValue": plain(NOTIONAL_MAX),
        }  # fmt: skip

    def _commission(self, call: Call) -> Any:
        rules = required_symbol(call.asked, self.markets).instrument
        return {
            "symbol": rules.symbol, "makerCommissionRate": text(rules.maker_fee_rate, 6),
            "takerCommissionRate": text(rules.taker_fee_rate, 6), "rpiCommissionRate": text(ZERO, 6),
        }  # fmt: skip

    def _close_key(self, call: Call) -> Any:
        self._keys.close(call.account)
        return {}


_BALANCE_FIELDS: Final = ("crossWalletBalance", "crossUnPnl", "availableBalance", "maxWithdrawAmount", "updateTime")
_TOTALS: Final = {
    "totalInitialMargin": "initialMargin", "totalMaintMargin": "maintMargin", "totalWalletBalance": "walletBalance",
    "totalUnrealizedProfit": "unrealizedProfit", "totalMarginBalance": "marginBalance",
    "totalPositionInitialMargin": "positionInitialMargin", "totalOpenOrderInitialMargin": "openOrderInitialMargin",
    "totalCrossWalletBalance": "crossWalletBalance", "totalCrossUnPnl": "crossUnPnl",
    "availableBalance": "availableBalance", "maxWithdrawAmount": "maxWithdrawAmount",
}  # fmt: skip


def _bracket(market: PublicMarket) -> Answer:
    """One bracket for everybody: the first of Binance's, without the higher ones."""
    bracket = {
        "bracket": 1, "initialLeverage": LEVERAGE_MAX, "notionalCap": int(NOTIONAL_MAX), "notionalFloor": 0,
        "maintMarginRatio": float(MAINTENANCE), "cum": 0.0,
    }  # fmt: skip
    return {"symbol": market.symbol, "notionalCoef": 1.0, "brackets": [bracket]}


def _break_even(market: PublicMarket, quantity: Decimal, entry: Decimal) -> Decimal:
    return render.mean_break_even(quantity, entry, market.instrument.taker_fee_rate)


def _cents(value: Decimal) -> Decimal:
    """Rounded to the eight decimals that Binance writes at most."""
    return value.quantize(Decimal("1e-8")) if value else ZERO
