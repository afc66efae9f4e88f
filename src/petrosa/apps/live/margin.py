"""Leverage and margin mode of our futures symbols: said at the start, and set where the settings ask for it."""

from petrosa.adapters.venues.binance.live.rest import Rest
from petrosa.adapters.venues.binance.live.usdm_choices import (
    MarginChoice,
    is_set_already,
    margin_choice,
    read_margin_choice,
    set_leverage,
    set_margin_mode,
)
from petrosa.apps.running import Report
from petrosa.apps.settings import Settings
from petrosa.apps.venue_settings import MarginMode
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.errors import VenueRefused


async def choose_margin(settings: Settings, rest: Rest, instruments: list[InstrumentId], report: Report) -> None:
    """Set what is asked for, and say where the venue allows less than the desk would use.

    Raises `VenueRefused`, for example while a position is open (a margin mode cannot be changed then).
    """
    for key in instruments:
        found = read_margin_choice(key, await rest.call(margin_choice(key)))
        chosen = await _chosen(settings, rest, key, found)
        mode = "isolated" if chosen.isolated else "crossed"
        report(f"venue: {symbol_of(key)} has leverage {chosen.leverage}, {mode} margin")
        if chosen.leverage < settings.risk.margin_leverage:
            report(
                f"venue: {symbol_of(key)}: risk.margin_leverage = {settings.risk.margin_leverage:g} counts on more than"
                f" the {chosen.leverage} that is set there, so orders may be refused for margin; set venue.leverage"
            )


async def _chosen(settings: Settings, rest: Rest, key: InstrumentId, found: MarginChoice) -> MarginChoice:
    venue = settings.venue
    if venue.leverage and venue.leverage != found.leverage:
        await rest.call(set_leverage(key, venue.leverage))
        found = found._replace(leverage=venue.leverage)
    wanted = venue.margin_mode is MarginMode.ISOLATED
    if venue.margin_mode is not MarginMode.LEAVE and wanted is not found.isolated:
        try:
            await rest.call(set_margin_mode(key, isolated=wanted))
        except VenueRefused as refused:
            if not is_set_already(refused.code):
                raise
        found = found._replace(isolated=wanted)
    return found
