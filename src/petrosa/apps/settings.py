"""The whole configuration as one struct tree, and the only place that reads the environment.

Precedence: `--set` > stored for the symbol > stored for all > environment > file > default, merged key by key; the
origin of every value is kept. Everything is checked here, before anything connects. What is stored is read by others
and handed in (`Settings.restored`).
"""

import functools
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from petrosa.apps import environment
from petrosa.apps.desk_settings import DeskSettings
from petrosa.apps.extract_settings import ExtractSettings
from petrosa.apps.fields import describe, plain
from petrosa.apps.layers import (
    RANKS,
    Alias,
    Given,
    Known,
    Merged,
    Origin,
    given_by_tables,
    known_of,
    merge,
)
from petrosa.apps.sections import (
    AccessSettings,
    AuditSettings,
    FeedSettings,
    HttpSettings,
    InstrumentSettings,
    JournalSettings,
    KlineSettings,
    LeaseSettings,
    LogSettings,
    NatsSettings,
    OutsideSettings,
    RecordSettings,
    ServiceSettings,
    StoreSettings,
)
from petrosa.apps.ta_settings import TaSettings
from petrosa.apps.venue_settings import Environment, TriggerSettings, VenueSettings
from petrosa.core.analytics.params import MetricsParams
from petrosa.core.execution.params import AccountParams, ExecutionParams
from petrosa.core.risk.params import RiskParams
from petrosa.core.signals.params import SignalParams
from petrosa.core.signals.symbols import plain_symbol
from petrosa.core.simulation.params import SimulationParams
from petrosa.core.strategies.base import StrategyParams
from petrosa.core.strategies.catalog import CATALOG
from petrosa.errors import ConfigError

DEFAULT_HOME: Final = "./petrosa-data"
STORED: Final = "stored"

SECTIONS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "account": AccountParams,
    "instruments": InstrumentSettings,
    "feed": FeedSettings,
    "desk": DeskSettings,
    **{f"strategies.{name}": entry.params for name, entry in CATALOG.items()},
    "signals": SignalParams,
    "risk": RiskParams,
    "execution": ExecutionParams,
    "simulation": SimulationParams,
    "venue": VenueSettings,
    "triggers": TriggerSettings,
    "metrics": MetricsParams,
    "outside": OutsideSettings,
    "journal": JournalSettings,
    "record": RecordSettings,
    "store": StoreSettings,
    "klines": KlineSettings,
    "extract": ExtractSettings,
    "ta": TaSettings,
    "audit": AuditSettings,
    "lease": LeaseSettings,
    "service": ServiceSettings,
    "http": HttpSettings,
    "access": AccessSettings,
    "nats": NatsSettings,
    "log": LogSettings,
}

Switch = Annotated[bool, Meta(description="Run this strategy.")]
Simulated = Annotated[bool, Meta(description="Orders go to the simulated exchange; else to the venue of `venue`.")]


NOT_DECISIVE: Final = (
    "instruments.file",
    "venue.",
    "triggers.",
    "metrics.",
    "outside.",
    "journal.",
    "store.",
    "klines.",
    "extract.",
    "ta.poll_seconds",
    "ta.overdue_bars",
    "audit.",
    "lease.",
    "service.",
    "http.",
    "access.",
    "nats.",
    "log.",
    "feed.recordings",
    "feed.speed",
    "feed.stale_after_seconds",
    "feed.backfill_max_trades",
    "feed.backfill_max_seconds",
    "feed.streams",
    "feed.kline_intervals",
    "feed.subjects",
    "feed.mirror",
    "feed.partitions",
    "feed.buffer_messages",
    "feed.keep_seconds",
    "feed.keep_mb",
    "feed.heartbeat_seconds",
    "record.",
)
"""Keys that a journal does not hold because they cannot change a decision: where things are, how fast, how loud. The
instruments' rules stand in a journal themselves, whichever file they came from."""


class StrategySettings(msgspec.Struct, frozen=True):
    """One strategy: whether it runs, its parameters, and both for symbols that have their own."""

    enabled: bool
    params: StrategyParams
    enabled_by_symbol: Mapping[str, bool]
    by_symbol: Mapping[str, StrategyParams]

    def for_symbol(self, symbol: str) -> StrategyParams:
        """The parameters that hold for a symbol."""
        return self.by_symbol.get(symbol, self.params)

    def is_enabled(self, symbol: str) -> bool:
        """Whether it runs on a symbol."""
        return self.enabled_by_symbol.get(symbol, self.enabled)

    @property
    def runs(self) -> bool:
        """Whether it runs on any symbol."""
        return self.enabled or any(self.enabled_by_symbol.values())


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a process is told at its start. `profile` is the name of the file that came last."""

    profile: str
    home: Path
    account: AccountParams
    instruments: InstrumentSettings
    feed: FeedSettings
    desk: DeskSettings
    strategies: Mapping[str, StrategySettings]
    signals: SignalParams
    risk: RiskParams
    execution: ExecutionParams
    simulation: SimulationParams
    simulated: bool
    venue: VenueSettings
    triggers: TriggerSettings
    metrics: MetricsParams
    outside: OutsideSettings
    journal: JournalSettings
    record: RecordSettings
    store: StoreSettings
    klines: KlineSettings
    extract: ExtractSettings
    ta: TaSettings
    audit: AuditSettings
    lease: LeaseSettings
    service: ServiceSettings
    http: HttpSettings
    access: AccessSettings
    nats: NatsSettings
    log: LogSettings
    crash_at: str
    merged: Merged
    given: tuple[Given, ...] = ()

    def restored(self, stored: Iterable[Given]) -> "Settings":
        """These settings with what is stored, in place of whatever stored values were in them.

        Raises `ConfigError` naming every stored value that cannot be.
        """
        given = [item for item in self.given if item.origin.kind != STORED]
        place = next((n for n, item in enumerate(given) if item.origin.rank > RANKS[STORED]), len(given))
        given[place:place] = stored
        return _settings(merge(self.merged.known, given), self.profile, self.home, self.crash_at, tuple(given))

    def also(self, *more: Given) -> "Settings":
        """These settings with what is known only now."""
        given = (*self.given, *more)
        return _settings(merge(self.merged.known, given), self.profile, self.home, self.crash_at, given)

    @property
    def runs(self) -> Path:
        """Where the journals of this data directory are, one folder a run."""
        return self.home / "runs"

    def decisive(self) -> bytes:
        """Every value that decisions depend on, as JSON by key; `load_recorded` takes it back."""
        values = self.merged.values
        return msgspec.json.encode(
            {key: plain(values[key]) for key in sorted(values) if not key.startswith(NOT_DECISIVE)}
        )


def load_recorded(decisive: bytes, home: Path) -> Settings:
    """The settings of an earlier run, from what its journal holds; everything else is default, no source is read."""
    values = msgspec.json.decode(decisive, type=dict[str, Any])
    known = known_keys()
    merged = merge(known, [Given(key, value, Origin("journal")) for key, value in values.items()])
    return _settings(merged, "recorded", home, "", ())


def load(
    files: Sequence[str] = (),
    sets: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    home: str | None = None,
    options: Mapping[str, tuple[str, str]] | None = None,
) -> Settings:
    """Read every source and check all of it.

    `files` are paths or names of packaged profiles (`paper`, `demo`), later ones stronger; `sets` are `key=value`, and
    `options` what a command line said in its own words, key → (option, value): both are strongest.
    Raises `ConfigError`, which names key, value, origin, limit and remedy.
    """
    environ = process_environment() if environ is None else environ
    if not files and environ.get(environment.CONFIG):
        files = [environ[environment.CONFIG]]
    known = known_keys()
    given: list[Given] = []
    for name in files:
        path = profile_path(name)
        given += given_by_tables(known, _read_toml(path), Origin("file", str(path)))
    given += environment.given_by_environment(known, CATALOG, environ)
    given += [_parse_set(text) for text in sets]
    given += [Given(key, text, Origin(option), is_text=True) for key, (option, text) in (options or {}).items()]
    merged = merge(known, given)
    chosen_home = home or environ.get(environment.HOME) or DEFAULT_HOME
    profile = profile_path(files[-1]).stem if files else "default"
    return _settings(merged, profile, Path(chosen_home), environ.get(environment.CRASH_AT, ""), tuple(given))


def process_environment() -> Mapping[str, str]:
    """The environment of this process; nobody else asks for it."""
    return os.environ


@functools.cache
def known_keys() -> Known:
    """Every key there is, with the aliases that the parameter structs declare; made once a process."""
    switches = [describe(f"strategies.{name}.enabled", Switch, entry.enabled) for name, entry in CATALOG.items()]
    switches.append(describe("simulation.enabled", Simulated, True))
    aliases = {
        f"strategies.{name}.{old}": Alias(f"strategies.{name}.{alias.target}", Decimal(str(alias.factor)))
        for name, entry in CATALOG.items()
        for old, alias in entry.params.ALIASES.items()
    } | {
        f"{section}.{old}": Alias(f"{section}.{alias.target}", Decimal(str(alias.factor)))
        for section, struct in (("risk", RiskParams), ("signals", SignalParams))
        for old, alias in struct.ALIASES.items()
    }
    return known_of(SECTIONS, switches, aliases)


def profile_path(name: str) -> Path:
    """The file meant by a path, or by the bare name of a profile that comes with Petrosa."""
    path = Path(name)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return path
    packaged = {file.stem: file for file in sorted(config_folder().glob("*.toml"))}
    if name in packaged:
        return packaged[name]
    profiles = ", ".join(sorted(set(packaged) - {"instruments"}))
    raise ConfigError(f"no configuration file {name!r}; give a path, or one of the profiles {profiles}")


def config_folder() -> Path:
    """Where the files that come with Petrosa are: inside the package, or beside `src` in a checkout."""
    inside = Path(__file__).parents[1] / "config"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "config"


def _settings(merged: Merged, profile: str, home: Path, crash_at: str, given: tuple[Given, ...]) -> Settings:
    simulated, venue = bool(merged.values["simulation.enabled"]), merged.build(VenueSettings, "venue")
    if not simulated and venue.environment is Environment.LIVE and not venue.real_money:
        raise ConfigError(
            f"venue.environment = live ({merged.origins['venue.environment']}) is real money, which needs a second"
            " switch: set venue.real_money = true as well, or use testnet, demo or paper"
        )
    account = merged.build(AccountParams, "account")
    for asset, amount in account.balances.items():
        if amount < 0:
            raise ConfigError(f"account.balances.{asset} = {amount}; a wallet holds 0 or more")
    feed = merged.build(FeedSettings, "feed")
    symbols = tuple(dict.fromkeys(plain_symbol(symbol) for symbol in feed.symbols))
    if not symbols or not all(symbols):
        raise ConfigError(
            f"feed.symbols = {list(feed.symbols)} ({merged.origins['feed.symbols']}); name at least one symbol"
        )
    return Settings(
        profile=profile,
        home=home,
        account=account,
        instruments=merged.build(InstrumentSettings, "instruments"),
        feed=msgspec.structs.replace(feed, symbols=symbols),
        desk=merged.build(DeskSettings, "desk"),
        strategies={name: _strategy(merged, name) for name in CATALOG},
        signals=merged.build(SignalParams, "signals"),
        risk=merged.build(RiskParams, "risk"),
        execution=merged.build(ExecutionParams, "execution"),
        simulation=merged.build(SimulationParams, "simulation"),
        simulated=simulated,
        venue=venue,
        triggers=merged.build(TriggerSettings, "triggers"),
        metrics=merged.build(MetricsParams, "metrics"),
        outside=merged.build(OutsideSettings, "outside"),
        journal=merged.build(JournalSettings, "journal"),
        record=merged.build(RecordSettings, "record"),
        store=merged.build(StoreSettings, "store"),
        klines=merged.build(KlineSettings, "klines"),
        extract=merged.build(ExtractSettings, "extract"),
        ta=merged.build(TaSettings, "ta"),
        audit=merged.build(AuditSettings, "audit"),
        lease=merged.build(LeaseSettings, "lease"),
        service=merged.build(ServiceSettings, "service"),
        http=merged.build(HttpSettings, "http"),
        access=merged.build(AccessSettings, "access"),
        nats=merged.build(NatsSettings, "nats"),
        log=merged.build(LogSettings, "log"),
        crash_at=crash_at,
        merged=merged,
        given=given,
    )


def _strategy(merged: Merged, name: str) -> StrategySettings:
    prefix, struct = f"strategies.{name}", CATALOG[name].params
    symbols = sorted(merged.below(f"{prefix}.symbols"))
    switches = {symbol: merged.values.get(f"{prefix}.symbols.{symbol}.enabled") for symbol in symbols}
    return StrategySettings(
        enabled=bool(merged.values[f"{prefix}.enabled"]),
        params=merged.build(struct, prefix),
        enabled_by_symbol={symbol: bool(on) for symbol, on in switches.items() if on is not None},
        by_symbol={symbol: merged.build(struct, f"{prefix}.symbols.{symbol}", base=prefix) for symbol in symbols},
    )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as problem:
        raise ConfigError(f"configuration file {path} cannot be read: {problem.strerror}; check --config") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(f"configuration file {path} is not TOML: {problem}") from problem


def _parse_set(text: str) -> Given:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {text!r} is not key=value; for example --set orderbook_skew.cooldown_seconds=5")
    return Given(key.strip(), value, Origin("--set"), is_text=True)
