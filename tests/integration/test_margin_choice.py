"""Leverage and margin mode are set at the start where that is asked for, and told in any case."""

import pytest

from petrosa.adapters.venues.binance.live.usdm_choices import margin_choice, read_margin_choice
from petrosa.apps import settings
from petrosa.apps.live.margin import choose_margin
from petrosa.core.model.market import InstrumentId
from petrosa.errors import VenueRefused
from tests.kit.live import live_client
from tests.kit.paper_server import served
from tests.kit.paper_venue import PaperBench

KEY = InstrumentId("binance:usdm:BTCUSDT")


async def test_what_is_asked_for_is_set_and_what_is_short_is_said() -> None:
    """Nothing is changed without being asked for; what is set already is set once more without harm."""
    async with served(PaperBench(live=True)) as exchange, live_client(exchange, "usdm") as client:
        rest = client.rest
        before = read_margin_choice(KEY, await rest.call(margin_choice(KEY)))
        said: list[str] = []
        await choose_margin(settings.load([], [], {}), rest, [KEY], said.append)
        assert before == read_margin_choice(KEY, await rest.call(margin_choice(KEY)))
        asked = settings.load([], ["venue.leverage=3", "venue.margin_mode=crossed", "risk.margin_leverage=9"], {})
        for _ in range(2):
            await choose_margin(asked, rest, [KEY], said.append)
        assert (3, False) == read_margin_choice(KEY, await rest.call(margin_choice(KEY)))
    assert "venue: BTCUSDT has leverage 3, crossed margin" == said[-2]
    assert "counts on more than the 3 that is set there" in said[-1]


async def test_a_margin_mode_that_the_venue_does_not_take_ends_the_start() -> None:
    """The paper exchange has cross margin only; nothing is begun on another than was asked for."""
    async with served(PaperBench(live=True)) as exchange, live_client(exchange, "usdm") as client:
        asked = settings.load([], ["venue.margin_mode=isolated"], {})
        with pytest.raises(VenueRefused, match="-4048"):
            await choose_margin(asked, client.rest, [KEY], str)
