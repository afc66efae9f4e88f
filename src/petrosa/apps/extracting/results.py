"""What extraction comes to: for each series, and for all of them."""

from typing import Any

import msgspec

from petrosa.core.market.gaps import Span


class Result(msgspec.Struct):
    """One series: `kind` is klines, funding or trades. Times are texts.

    `fetched` rows were believed and `written` of them changed the store. Of `gaps_found` stretches of missing bars
    `gaps_filled` are whole now. What is not: `outage_bars` the venue does not have, `missing_bars` nobody could say.
    `refused` rows made no sense; `differences` are stored bars that the venue has otherwise, and were repaired.
    """

    kind: str
    market: str
    symbol: str
    interval: str
    since: str = ""
    until: str = ""
    fetched: int = 0
    written: int = 0
    gaps_found: int = 0
    gaps_filled: int = 0
    missing_bars: int = 0
    outage_bars: int = 0
    verified: int = 0
    differences: list[str] = []
    refused: int = 0
    refusals: list[str] = []
    notes: list[str] = []
    errors: list[str] = []
    gaps: list[dict[str, Any]] = []
    elapsed_s: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.symbol} {self.interval or self.kind}"

    def refuse(self, why: str) -> None:
        """Count a row that made no sense; the first few in words."""
        self.refused += 1
        if len(self.refusals) < REFUSALS_SHOWN:
            self.refusals.append(why)


REFUSALS_SHOWN = 5


class Summary(msgspec.Struct):
    """What a job came to. `requests` went to the venue, `files` came from the archive; `bars_per_s` is end to end."""

    job: str
    market: str
    source: str
    dry_run: bool
    results: list[Result]
    requests: int
    files: int
    elapsed_s: float
    events: int = 0
    events_lost: int = 0

    @property
    def failed(self) -> list[Result]:
        return [one for one in self.results if one.errors]


def merged(spans: list[Span], since: int, until: int) -> None:
    """Add a stretch to stretches that come in order; one that goes on where the last ended is the same one."""
    if spans and spans[-1].until == since:
        spans[-1] = Span(spans[-1].since, until)
    else:
        spans.append(Span(since, until))
