"""What must be known of a venue before a desk is built on it: clock, key, rules, fees, position mode, balances."""

import difflib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Final, NamedTuple

from petrosa.adapters.net.aiohttp_socket import Session
from petrosa.adapters.net.rate_limit import Ledger
from petrosa.adapters.net.signing import Signer
from petrosa.adapters.venues.binance.live.environments import Urls, urls
from petrosa.adapters.venues.binance.live.limits import DEFAULTS, read_limits
from petrosa.adapters.venues.binance.live.permissions import check_permissions
from petrosa.adapters.venues.binance.live.product import Product
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.rest import Rest
from petrosa.adapters.venues.binance.live.rules import commission, read_commission, read_rules, with_fees
from petrosa.adapters.venues.binance.live.server_clock import ServerClock
from petrosa.adapters.venues.binance.live.spot import Spot
from petrosa.adapters.venues.binance.live.usdm import Usdm
from petrosa.adapters.venues.binance.live.usdm_choices import position_mode, read_position_mode
from petrosa.apps.live.margin import choose_margin
from petrosa.apps.live.secret import VenueKey
from petrosa.apps.running import Report
from petrosa.apps.settings import Settings
from petrosa.apps.venue_settings import PositionMode, WorkingPrice
from petrosa.apps.wiring import Instruments, choose_instruments
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId, instrument_id, symbol_of
from petrosa.errors import ConfigError, TransportError, VenueClosed, VenueRefused

INFO = {"spot": "/api/v3/exchangeInfo", "usdm": "/fapi/v1/exchangeInfo"}
INFO_WEIGHT = {"spot": 20, "usdm": 1}
SHOWN: Final = 5
"""Symbols that are named in a message."""


class Prepared(NamedTuple):
    """A venue that may be traded on: how it is asked, the rules of our instruments there, the wallets."""

    rest: Rest
    urls: Urls
    session: Session
    signer: Signer
    key: VenueKey
    clock: ServerClock
    product: Product
    instruments: Instruments
    balances: Mapping[str, Decimal]


@asynccontextmanager
async def prepared(
    settings: Settings, key: VenueKey, report: Report, on_written: Callable[[], None] | None = None
) -> AsyncIterator[Prepared]:
    """Ask everything, in the order in which a wrong answer is cheapest; leverage and margin mode are set if asked for.

    Raises `TransportError` where nobody answers, `VenueClosed` for a key, clock or position mode that will not do,
    `ConfigError` for a symbol that is not traded there, and what `Rest.call` raises.
    """
    venue, market = settings.venue, settings.feed.market
    where = urls(venue.environment.value, market, venue.url)
    signer, clock = Signer(key.secret), ServerClock(offset_max_ms=venue.max_clock_offset_ms)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(Session())

        async def opened(product: str) -> Rest:
            told = on_written if product == market else None
            return await stack.enter_async_context(rest_of(settings, product, key, signer, clock, told))

        rest = await opened(market)
        await first_answer(settings, rest, where)
        report(
            f"venue: {venue.environment.value} {market}, clock {clock.offset_ms:+.1f} ms ± {clock.uncertainty_ms:.1f}"
        )
        spot = rest if market == "spot" else await opened("spot")
        for remark in await check_permissions(spot, venue.environment.value, [market]):
            report(f"venue: {remark}")
        instruments = await rules_of(settings, rest)
        product = await product_of(settings, rest, instruments)
        if market != "spot":
            await choose_margin(settings, rest, sorted(instruments), report)
        balances = await _balances(rest, product)
        yield Prepared(rest, where, session, signer, key, clock, product, instruments, balances)


def rest_of(
    settings: Settings, product: str, key: VenueKey, signer: Signer, clock: ServerClock,
    on_written: Callable[[], None] | None = None,
) -> Rest:  # fmt: skip
    """How a product of the venue is asked by this key; to be opened."""
    venue = settings.venue
    where, ledger = urls(venue.environment.value, product, venue.url), Ledger(DEFAULTS[product], clock.now)
    return Rest(
        product, where, key.key, signer, clock, ledger, recv_window_ms=venue.recv_window_ms, on_written=on_written
    )


async def rules_of(settings: Settings, rest: Rest) -> Instruments:
    """The venue's own rules of the configured symbols, with what this account pays."""
    market, chosen = settings.feed.market, await listed_rules(settings, rest)
    for key, rules in list(chosen.items()):
        fees = read_commission(market, await rest.call(commission(market, symbol_of(key))))
        chosen[key] = with_fees(rules, fees)
    return chosen


async def listed_rules(settings: Settings, rest: Rest) -> dict[InstrumentId, Instrument]:
    """The venue's own rules of the configured symbols, as it tells everybody. Raises `ConfigError` for others."""
    market = settings.feed.market
    body = await rest.call(Request("GET", INFO[market], signed=False, weight=INFO_WEIGHT[market]))
    rest.ledger.learn(read_limits(body))
    known = read_rules(market, body)
    for symbol in settings.feed.symbols:
        if instrument_id(settings.feed.venue, market, symbol) not in known:
            raise ConfigError(_not_traded(settings, symbol, known))
    return choose_instruments(settings, known, market, settings.feed.symbols)


def _not_traded(settings: Settings, symbol: str, known: Instruments) -> str:
    """Which symbol is wrong, and what it may have been meant to be."""
    traded = sorted(symbol_of(key) for key in known)
    near = difflib.get_close_matches(symbol, traded, n=3) or traded[:SHOWN]
    others = f"{', '.join(near)}{', …' if len(traded) > len(near) else ''}"
    return (
        f"{symbol} is not traded on {settings.venue.environment.value} {settings.feed.market}, which lists {others};"
        f" correct feed.symbols = {','.join(settings.feed.symbols)}, or feed.market"
    )


async def first_answer(settings: Settings, rest: Rest, where: Urls) -> None:
    """Ask for the venue's time: whether anybody is there, and whether it is the market that is meant."""
    venue, market = settings.venue.environment.value, settings.feed.market
    remedy = "see that this machine reaches it"
    if venue == "paper":
        remedy = "start `petrosa paper-exchange`, or correct venue.url"
    try:
        await rest.sync_clock()
    except TransportError as problem:
        raise TransportError(f"{venue} {market} does not answer at {where.rest}: {problem}; {remedy}") from None
    except VenueRefused as problem:
        raise VenueClosed(
            f"venue {venue} at {where.rest} does not serve {market}: {problem}; correct feed.market or venue.url"
        ) from None


async def product_of(settings: Settings, rest: Rest, instruments: Instruments) -> Product:
    """How the market is asked. Raises `VenueClosed` where the account is in another position mode than is meant."""
    account, venue = settings.account.account, settings.venue
    if settings.feed.market == "spot":
        return Spot(account, instruments)
    hedged, wanted = read_position_mode(await rest.call(position_mode())), venue.position_mode is PositionMode.HEDGE
    if hedged is not wanted:
        raise VenueClosed(
            f"the futures account is in {'hedge' if hedged else 'one-way'} mode, venue.position_mode ="
            f" {venue.position_mode.value}; change the one or the other (the account's only while nothing is open)"
        )
    is_mark = venue.working_price is WorkingPrice.MARK
    return Usdm(account, instruments, hedged, "MARK_PRICE" if is_mark else "CONTRACT_PRICE")


async def _balances(rest: Rest, product: Product) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = {}
    for request in product.account():
        wallets, _ = product.read_account(request, await rest.call(request))
        found |= wallets
    return found


def known_venue(settings: Settings) -> None:
    """Raises `ConfigError` for what orders cannot be sent to yet."""
    if settings.feed.venue != "binance" or settings.feed.market not in INFO:
        raise ConfigError(
            f"feed.venue = {settings.feed.venue}, feed.market = {settings.feed.market}: orders go to binance, spot or"
            " usdm; correct them"
        )
