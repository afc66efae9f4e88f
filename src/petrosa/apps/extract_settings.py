"""The section of the configuration that is about extraction: which history, from where, and how much at once."""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from petrosa.core.market.grid import INTERVALS
from petrosa.errors import ConfigError

PREFIX: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
AT: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class ExtractSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `petrosa extract` fetches and keeps whole."""

    symbols: Annotated[tuple[str, ...], Meta(description="Symbols to extract; empty: those of feed.symbols.")] = ()
    intervals: Annotated[
        tuple[str, ...], Meta(description="Intervals of bars, as the venue writes them: 1m, 15m, 1h, 1d, 1w, 1M.")
    ] = ("5m", "15m", "30m", "1h", "1d")
    market: Annotated[
        Literal["", "usdm", "spot"], Meta(description="Market of the history: usdm or spot; empty: feed.market.")
    ] = ""
    source: Annotated[
        Literal["auto", "rest", "archive"],
        Meta(description="Where history comes from: rest, archive, or auto: files where much is missing, then rest."),
    ] = "auto"
    usdm_url: Annotated[str, Meta(description="REST address of futures.")] = "https://fapi.binance.com"
    spot_url: Annotated[str, Meta(description="REST address of spot.")] = "https://api.binance.com"
    archive_url: Annotated[
        str, Meta(description="The public archive: an address, or a folder of the same layout.")
    ] = "https://data.binance.vision"  # fmt: skip
    timeout_seconds: Annotated[float, Meta(gt=0, le=600, description="How long one question may take.")] = 10.0
    attempts: Annotated[
        int, Meta(ge=1, le=20, description="How often a question is sent while the venue is away or in trouble.")
    ] = 6
    workers: Annotated[int, Meta(ge=1, le=16, description="Series and questions under way at the same time.")] = 5
    weight_share: Annotated[
        float,
        Meta(gt=0, le=0.95, description="Part of the address's allowance that is used: a desk may need the rest."),
    ] = 0.6
    ban_wait_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="A ban that ends within this time is waited for; else the job ends.")
    ] = 300.0
    days: Annotated[
        float, Meta(gt=0, le=10_000, description="How far back a series begins that has no bar yet, in days.")
    ] = 30.0
    trade_days: Annotated[
        float, Meta(gt=0, le=10_000, description="How far back trades begin where none is stored, in days.")
    ] = 1.0
    verify_bars: Annotated[
        int, Meta(ge=0, le=1_000, description="Stored bars that `klines` compares with the venue's before it fetches.")
    ] = 10
    gap_recheck_days: Annotated[
        float, Meta(ge=0, le=10_000, description="What the venue did not have is asked for again after so long.")
    ] = 7.0
    delay_seconds: Annotated[
        float, Meta(ge=0, le=600, description="How long after a bar's close `run` asks for it.")
    ] = 2.0
    jitter_seconds: Annotated[
        float, Meta(ge=0, le=600, description="And up to so much later, so that not everybody asks at once.")
    ] = 3.0
    gap_pass_at: Annotated[str, Meta(description="When `run` looks for gaps every day, HH:MM UTC; empty: never.")] = (
        "02:00"  # noqa: S105 - `pass` as in going through
    )
    events: Annotated[bool, Meta(description="Tell every extraction on NATS where nats.url is set.")] = True
    subject_prefix: Annotated[str, Meta(description="Subjects of these events begin so.")] = "binance.extraction"

    def __post_init__(self) -> None:
        check_intervals(self.intervals, "extract.intervals")
        for name in ("usdm_url", "spot_url"):
            if not getattr(self, name).startswith(("http://", "https://")):
                raise ConfigError(
                    f"extract.{name} = {getattr(self, name)!r}; an address begins with https:// or http://"
                )
        if not PREFIX.fullmatch(self.subject_prefix):
            raise ConfigError(
                f"extract.subject_prefix = {self.subject_prefix!r}; write words of a-z A-Z 0-9 _ - joined by dots"
            )
        if self.gap_pass_at and not AT.fullmatch(self.gap_pass_at):
            raise ConfigError(f"extract.gap_pass_at = {self.gap_pass_at!r}; write HH:MM (UTC), for example 02:00")

    @property
    def gap_pass_minute(self) -> int | None:
        """Minutes after midnight UTC; None: never."""
        if not self.gap_pass_at:
            return None
        hour, _, minute = self.gap_pass_at.partition(":")
        return int(hour) * 60 + int(minute)


def check_intervals(intervals: tuple[str, ...], what: str) -> None:
    """Raises `ConfigError` for an interval that the venue does not make."""
    for interval in intervals:
        if interval not in INTERVALS:
            raise ConfigError(
                f"{what} has {interval!r}, which the venue does not make; choose from {', '.join(INTERVALS)}"
            )
