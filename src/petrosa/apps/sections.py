"""The sections of the configuration that are about the surroundings; the core's stand beside what they set."""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from petrosa.adapters.stores.documents.address import check_database, hosts_of
from petrosa.adapters.stores.klines.address import parse as parse_klines_url
from petrosa.errors import ConfigError
from petrosa.surfaces.redaction import redact

REPLICA: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")


class InstrumentSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The rules that orders must pass, and what we allow ourselves beyond them."""

    file: Annotated[str, Meta(description="TOML file of instruments; empty: the one that comes with Petrosa.")] = ""
    allow_shorts: Annotated[
        bool, Meta(description="Whether short positions may be opened where the instrument allows them.")
    ] = True


class FeedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What market data is taken in, and how it is timed."""

    venue: Annotated[str, Meta(description="Venue whose market data is read.")] = "binance"
    market: Annotated[str, Meta(description="Market of the venue: usdm (perpetuals) or spot.")] = "usdm"
    symbols: Annotated[
        tuple[str, ...], Meta(description="Symbols to process; BTCUSDT and BTC/USDT:USDT are both understood.")
    ] = ("BTCUSDT", "ETHUSDT", "BNBUSDT")
    latency_ms: Annotated[
        float, Meta(ge=0, le=60_000, description="Feed latency of recorded data: how late a fact is heard.")
    ] = 10.0
    recordings: Annotated[
        tuple[str, ...],
        Meta(description="Folders of recordings that have names, besides our own and the data directory's."),
    ] = ()
    speed: Annotated[
        float, Meta(ge=0, le=100_000, description="Run time per wall time of recorded data; 0 is as fast as it goes.")
    ] = 1.0
    stale_after_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="Without news for this long a feed is not fresh and `/ready` says so.")
    ] = 30.0
    backfill_max_trades: Annotated[
        int, Meta(ge=0, le=1_000_000, description="Of more missed trades only the newest are fetched; 0 fetches none.")
    ] = 20_000
    backfill_max_seconds: Annotated[
        float, Meta(ge=0, le=3_600, description="Trades that were missed longer ago than this are not fetched.")
    ] = 900.0
    streams: Annotated[
        tuple[str, ...],
        Meta(
            description="What feed and record listen to: trade, agg_trade, ticker, depth20, depth, book_ticker, kline,"
            " mark_price, liquidation; empty: what suits the market."
        ),
    ] = ()
    kline_intervals: Annotated[
        tuple[str, ...], Meta(description="Intervals of the stream kind kline: 1m, 5m, 1h, …")
    ] = ("1m",)
    subjects: Annotated[
        Literal["bare", "per_symbol"],
        Meta(description="Where a live feed publishes: on nats.market_subject, or on a subject for each symbol."),
    ] = "bare"
    mirror: Annotated[bool, Meta(description="Publish every message on both kinds of subject.")] = False
    partitions: Annotated[
        int, Meta(ge=1, le=1_024, description="Among how many partitions the subjects of symbols are divided.")
    ] = 1
    buffer_messages: Annotated[
        int,
        Meta(ge=64, le=10_000_000, description="Messages that wait for NATS or the disk before any are left out."),
    ] = 20_000
    keep_seconds: Annotated[
        float, Meta(ge=1, le=86_400, description="How long the stream of a live feed keeps a message.")
    ] = 300.0
    keep_mb: Annotated[
        int, Meta(ge=1, le=1_000_000, description="The stream of a live feed forgets its oldest messages above this.")
    ] = 1_024
    heartbeat_seconds: Annotated[
        float, Meta(ge=0.1, le=3_600, description="Time between two heartbeats of a live feed on NATS.")
    ] = 30.0


class RecordSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How market data is written down by `petrosa record`."""

    segment_mb: Annotated[
        float, Meta(ge=0.001, le=4_096, description="A segment is closed at so many MB on disk, compressed.")
    ] = 64.0
    segment_minutes: Annotated[float, Meta(gt=0, le=1_440, description="A segment is closed after so long.")] = 60.0
    flush_seconds: Annotated[
        float,
        Meta(gt=0, le=3_600, description="What was heard longer ago than this survives the death of the process."),
    ] = 1.0


class OutsideSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sources outside the venue that a desk or a feed on one listens to; `docs/outside-facts.md` has what each says."""

    sources: Annotated[
        tuple[Literal["coinbase", "kraken", "bybit", "bybit-linear", "coingecko", "blockchain"], ...],
        Meta(description="coinbase, kraken, bybit, bybit-linear, coingecko, blockchain; empty: none."),
    ] = ()
    subjects: Annotated[
        tuple[str, ...], Meta(description="Pairs to ask for, as BTC/USDT,USDT/USD; empty: those of feed.symbols.")
    ] = ()
    every_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="Pause between two readings of a source; 0: what suits the source.")
    ] = 0.0
    addresses: Annotated[
        tuple[str, ...], Meta(description="Other hosts of sources, as bybit=http://127.0.0.1:8091.")
    ] = ()

    def __post_init__(self) -> None:
        for text in self.addresses:
            name, equals, address = text.partition("=")
            if not equals or not name or not address.startswith(("http://", "https://")):
                raise ConfigError(f"outside.addresses: {text!r}; write a source and its host as bybit=https://host")


class JournalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is remembered on disk, and for how long."""

    durable: Annotated[
        bool, Meta(description="Intents are on disk (fdatasync) before they may leave. Off is for measuring only.")
    ] = True
    tape: Annotated[bool, Meta(description="Keep the market data of live and synthetic runs beside the journal.")] = (
        True
    )
    segment_mb: Annotated[int, Meta(ge=1, le=4096, description="A segment is closed at this size, in MB.")] = 64
    segment_minutes: Annotated[
        float,
        Meta(
            gt=0, le=1_440, description="A live desk's segment is closed after so long: it starts again from the last."
        ),
    ] = 10.0
    retention_days: Annotated[int, Meta(ge=1, le=36_500, description="`journal prune` removes older runs.")] = 90
    retention_mb: Annotated[
        int, Meta(ge=16, le=100_000_000, description="`journal prune` removes the oldest runs above this size, in MB.")
    ] = 20_480
    free_mb_min: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Below this much free disk, in MB, `doctor` and `/ready` object.")
    ] = 256


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where configuration and its history, watchlists and audit are kept."""

    url: Annotated[
        str,
        Meta(
            description="mongodb://… or mongodb+srv://…, or sqlite:PATH; empty: documents.sqlite in the data directory."
        ),
    ] = ""
    database: Annotated[str, Meta(description="Database on the MongoDB server.")] = "petrosa"
    timeout_seconds: Annotated[
        float, Meta(ge=0.1, le=300, description="How long a call to the MongoDB server may take.")
    ] = 5.0
    cache_ttl_seconds: Annotated[
        float,
        Meta(
            ge=1, le=86_400, description="What is stored is read again after so long, though nobody told of a change."
        ),
    ] = 60.0

    def __post_init__(self) -> None:
        check_database(self.database)
        if self.is_mongo:
            hosts_of(self.url)
        elif self.url and self.sqlite_path is None:
            raise ConfigError(
                f"store.url = {redact('url', self.url)} is no store; write mongodb://host:27017, mongodb+srv://host or"
                " sqlite:PATH, or leave it empty for a file in the data directory"
            )

    @property
    def is_mongo(self) -> bool:
        """Whether it is a server, which may be away, and not a file."""
        return self.url.startswith("mongodb")

    @property
    def sqlite_path(self) -> str | None:
        """The file of `sqlite:PATH`."""
        return self.url.removeprefix("sqlite:") or None if self.url.startswith("sqlite:") else None


class KlineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where history is kept: bars, funding rates, trades, known gaps."""

    url: Annotated[
        str,
        Meta(description="mysql://user:password@host:3306/database (?ssl-mode=verify-identity&ssl-ca=PATH), or"
             " sqlite:PATH; empty: klines.sqlite in the data directory."),
    ] = ""  # fmt: skip
    timeout_seconds: Annotated[
        float, Meta(ge=0.1, le=300, description="How long one statement may take on the server.")
    ] = 10.0

    def __post_init__(self) -> None:
        if self.url:
            parse_klines_url(self.url)


class AuditSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is told of trading besides the journal: records in the document store, events on NATS."""

    enabled: Annotated[
        bool, Meta(description="Write what run, demo and trade do to the collection trade_audit_log of the store.")
    ] = True
    events: Annotated[
        bool, Meta(description="Let trade publish what becomes of orders on execution.events.<strategy_id>.")
    ] = True
    finish_seconds: Annotated[
        float,
        Meta(
            ge=0, le=300, description="How long the end of a run may wait for its last records; the rest comes later."
        ),
    ] = 2.0


class LeaseSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who may send for an account: one process at a time."""

    kind: Annotated[
        Literal["file", "nats"],
        Meta(description="Where the lease is: a file of the data directory (one machine), or NATS (a cluster)."),
    ] = "file"
    ttl_seconds: Annotated[
        float,
        Meta(ge=1, le=300, description="On NATS: after so long without a renewal another process may take over."),
    ] = 10.0
    name: Annotated[
        str, Meta(max_length=100, description="What this process is called as a holder; empty: its host's name.")
    ] = ""


class ServiceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which of several like processes this one is."""

    replica: Annotated[
        str,
        Meta(description="Name of this replica among those that share a data directory: 1 to 63 of a-z A-Z 0-9 _ -."),
    ] = ""

    def __post_init__(self) -> None:
        if self.replica and not REPLICA.fullmatch(self.replica):
            raise ConfigError(
                f"replica = {self.replica!r}; a name is 1 to 63 of a-z A-Z 0-9 _ -, for example PETROSA_REPLICA=b"
            )


class HttpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the HTTP surface listens."""

    enabled: Annotated[bool, Meta(description="Serve HTTP at all.")] = True
    listen: Annotated[
        str, Meta(description="Address to bind; anything but loopback shows the desk to the network.")
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="Port of run and strategies; 0 takes a free one.")] = 8080
    engine_port: Annotated[int, Meta(ge=0, le=65_535, description="Port of trade; 0 takes a free one.")] = 8000


class AccessSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often the configuration may be changed over HTTP."""

    writes_per_key: Annotated[
        int, Meta(ge=1, le=10_000, description="Writes over HTTP that one key may make in quick succession.")
    ] = 10
    write_cooldown_seconds: Annotated[
        float,
        Meta(gt=0, le=86_400, description="In this time a key that has used up its writes gets all of them back."),
    ] = 300.0


class NatsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How processes are joined. Without a url nothing connects anywhere by itself."""

    url: Annotated[
        str, Meta(description="Server, for example nats://127.0.0.1:4222; empty: what `petrosa broker` left.")
    ] = ""
    market_subject: Annotated[str, Meta(description="Subject that market data is on.")] = "binance.websocket.data"
    heartbeat_subject: Annotated[str, Meta(description="Subject on which a live feed says that it is there.")] = (
        "heartbeat.socket-client"
    )
    signal_subject: Annotated[str, Meta(description="Subject that signals are published to and read from.")] = (
        "signals.trading"
    )
    consumer_group: Annotated[str, Meta(description="Name under which the strategies service consumes.")] = (
        "realtime-strategies-group"
    )
    allow_core_signals: Annotated[
        bool, Meta(description="Let signals travel at most once where the server has no JetStream.")
    ] = False
    connect_timeout_seconds: Annotated[float, Meta(gt=0, le=300, description="How long to try to connect.")] = 5.0


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is said on standard error."""

    level: Annotated[str, Meta(description="Least level that is written: DEBUG, INFO, WARNING, ERROR.")] = "INFO"
    format: Annotated[str, Meta(description="json, plain, or auto: plain on a terminal and JSON otherwise.")] = "auto"
    heartbeat_interval_seconds: Annotated[
        float, Meta(gt=0, le=86_400, description="Wall time between two heartbeat lines.")
    ] = 60.0
    heartbeat_enabled: Annotated[bool, Meta(description="Write heartbeat lines.")] = True
