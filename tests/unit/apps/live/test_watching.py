"""Each trigger of a desk looks at what it says it does, fires at its limit, and stops as far as it says."""

import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from petrosa.apps.live.triggers import Trigger
from petrosa.apps.live.watching import triggers_of
from petrosa.apps.venue_settings import TriggerSettings
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.surfaces.kill_switch import Level

NOW = 1_800_000_000 * NS_PER_SECOND
LONG_AGO = NOW - 1_000 * NS_PER_SECOND


class Seen:
    """Everything that triggers look at, all of it well."""

    def __init__(self) -> None:
        links = {
            "public": SimpleNamespace(last_heard=NOW, since=LONG_AGO),
            "market": SimpleNamespace(last_heard=0, since=0),
        }
        self.clock = SimpleNamespace(offset_ms=0.5, now=lambda: NOW)
        self.rest = SimpleNamespace(
            ledger=SimpleNamespace(banned_until=0), traffic=SimpleNamespace(errors=Counter({"VenueRefused": 500}))
        )
        self.gateway = SimpleNamespace(unknown=0)
        self.user = SimpleNamespace(state=SimpleNamespace(connected=True, since=LONG_AGO))
        self.feed = SimpleNamespace(links=links)
        self.today = SimpleNamespace(equity=Decimal(1_000), loss=Decimal(-5))
        self.trader = SimpleNamespace(unprotected={}, findings=SimpleNamespace(closed=""), today=self.today)

    def triggers(self, settings: TriggerSettings) -> dict[str, Trigger]:
        process = SimpleNamespace(clock=SimpleNamespace(now=lambda: NOW), parts=SimpleNamespace(trader=self.trader))
        found = triggers_of(settings, cast("Any", self), cast("Any", self), cast("Any", process))
        return {one.name: one for one in found}


def quiet_feed(seen: Seen) -> None:
    seen.feed.links["public"].last_heard = LONG_AGO


def stream_away(seen: Seen) -> None:
    seen.user.state.connected = False


def loses(seen: Seen) -> None:
    seen.today.loss = Decimal(30)


CAUSES: dict[str, tuple[Level, Callable[[Seen], object], str]] = {
    "clock": (Level.PAUSE_ENTRIES, lambda seen: setattr(seen.clock, "offset_ms", -1_500.0), "1500 ms off"),
    "unknown-orders": (Level.PAUSE_ENTRIES, lambda seen: setattr(seen.gateway, "unknown", 3), "3 orders"),
    "venue-errors": (Level.PAUSE_ENTRIES, lambda seen: seen.rest.traffic.errors.update(OutcomeUnknown=20), "20 times"),
    "ban": (Level.PAUSE_ENTRIES, lambda seen: setattr(seen.rest.ledger, "banned_until", NOW + 1), "banned"),
    "feed": (Level.CANCEL_OPENS, quiet_feed, "no market data for 1000 s"),
    "user-stream": (Level.CANCEL_OPENS, stream_away, "away for 1000 s"),
    "unprotected": (Level.CANCEL_OPENS, lambda seen: seen.trader.unprotected.update(x=LONG_AGO), "without a stop"),
    "daily-loss": (Level.FLATTEN, loses, "3.00% of what it began with, limit 2.00%"),
}


@pytest.mark.parametrize("name", CAUSES)
def test_a_trigger_sees_its_cause_and_no_other(name: str) -> None:
    """While everything else is well, answers that say no included: those are no failures."""
    level, cause, says = CAUSES[name]
    seen = Seen()
    triggers = seen.triggers(msgspec.structs.replace(TriggerSettings(), daily_loss_fraction=0.02))
    assert [""] * len(triggers) == [one.why for one in triggers.values()]
    cause(seen)
    assert [name] == [one.name for one in triggers.values() if one.why]
    assert (level, True) == (triggers[name].level, says in triggers[name].why)


def test_an_account_that_differs_for_long_is_a_cause() -> None:
    """Counted from when it was seen first."""
    seen = Seen()
    trigger = seen.triggers(msgspec.structs.replace(TriggerSettings(), unreconciled_seconds=1e-9))["unreconciled"]
    seen.trader.findings.closed = "it differs"
    assert "" == trigger.why
    until = time.monotonic()
    while time.monotonic() == until:
        pass
    assert "differs from ours" in trigger.why
