"""What an extraction came to, for people: a line a series, and beside the table what concerns somebody."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import click

from petrosa.surfaces.cli.output import show_table

NOTED_MAX = 20


class Extracted(Protocol):
    """One series."""

    @property
    def kind(self) -> str: ...
    @property
    def symbol(self) -> str: ...
    @property
    def interval(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def since(self) -> str: ...
    @property
    def until(self) -> str: ...
    @property
    def fetched(self) -> int: ...
    @property
    def written(self) -> int: ...
    @property
    def gaps_found(self) -> int: ...
    @property
    def gaps_filled(self) -> int: ...
    @property
    def missing_bars(self) -> int: ...
    @property
    def outage_bars(self) -> int: ...
    @property
    def refused(self) -> int: ...
    @property
    def refusals(self) -> Sequence[str]: ...
    @property
    def differences(self) -> Sequence[str]: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def errors(self) -> Sequence[str]: ...
    @property
    def gaps(self) -> Sequence[Mapping[str, object]]: ...


class Extraction(Protocol):
    """All of a job."""

    @property
    def job(self) -> str: ...
    @property
    def market(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def dry_run(self) -> bool: ...
    @property
    def results(self) -> Sequence[Extracted]: ...
    @property
    def requests(self) -> int: ...
    @property
    def files(self) -> int: ...
    @property
    def elapsed_s(self) -> float: ...


COLUMNS = (
    "symbol", "what", "from", "to", "fetched>", "written>", "gaps>", "filled>", "missing>", "outages>", "refused>",
)  # fmt: skip


def show_summary(summary: Extraction) -> None:
    """The table on standard output; gaps that stay, differences, refused rows and errors on standard error."""
    rows = [
        (
            one.symbol, one.interval or one.kind, one.since, one.until, f"{one.fetched:,}", f"{one.written:,}",
            *_known(one, one.gaps_found, one.gaps_filled, one.missing_bars, one.outage_bars), f"{one.refused:,}",
        )
        for one in summary.results
    ]  # fmt: skip
    fetched = sum(one.fetched for one in summary.results)
    rate = fetched / summary.elapsed_s if summary.elapsed_s else 0.0
    missing = sum(one.missing_bars for one in summary.results)
    did = f"{missing:,} bars to fetch" if summary.dry_run else f"fetched {fetched:,} rows ({rate:,.0f}/s)"
    show_table(
        COLUMNS, rows,
        f"{summary.job} of {summary.market} from {summary.source}: {did}, {summary.requests} requests,"
        f" {summary.files} files, {summary.elapsed_s:.2f} s",
    )  # fmt: skip
    for one in summary.results:
        for text in _told(one):
            click.echo(f"petrosa: {one.name}: {text}", err=True)


def _known(one: Extracted, *counts: int) -> Iterator[str]:
    """Counts that are made at the end; what failed has not come to it."""
    yield from ("?" if one.errors else f"{count:,}" for count in counts)


def _told(one: Extracted) -> Iterator[str]:
    for gap in one.gaps[:NOTED_MAX]:
        yield f"{gap['why']}: {gap['bars']:,} bars from {gap['since']} to {gap['until']}"
    if len(one.gaps) > NOTED_MAX:
        yield f"and {len(one.gaps) - NOTED_MAX} gaps more (--json has them)"
    yield from (f"differed, and is repaired: {text}" for text in one.differences)
    yield from (f"not used: {text}" for text in one.refusals)
    yield from one.notes
    yield from (f"failed: {text}" for text in one.errors)
