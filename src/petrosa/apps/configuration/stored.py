"""What is stored of the configuration of strategies and of trading, and the history of its changes.

One change is one write of two documents: the configuration of a scope (a strategy, on all symbols or on one) and an
audit record. The record's key counts the changes of the strategy, and must not exist yet: of two who change the same
strategy at the same time one is told so and reads again, on whichever scopes. So no version is given twice, none is
left out, and what was checked together is what is stored together.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from petrosa.apps.configuration.checking import checked
from petrosa.apps.configuration.declarations import CONFIGURABLE, key_of
from petrosa.apps.layers import Given, Known, Origin, with_symbol
from petrosa.apps.settings import STORED
from petrosa.core.signals.symbols import plain_symbol
from petrosa.errors import DataError, StorageError
from petrosa.ports import Documents, Versioned, Write
from petrosa.surfaces.configuration import TRADING, AuditRecord, InvalidParameters, Unreadable

FOR_ALL: Final = "strategy_configs_global"
FOR_SYMBOL: Final = "strategy_configs_symbol"
AUDIT: Final = "strategy_config_audit"
TRADING_FOR_ALL: Final = "trading_configs_global"
TRADING_AUDIT: Final = "trading_configs_audit"
PAGE: Final = 200
SYMBOLS_MAX: Final = 10_000
"""Most documents for single symbols that are kept for one strategy, and read."""
UNREADABLE_MAX: Final = 20
"""Most audit records that are passed over at once because they cannot be read."""


class Scope(NamedTuple):
    """What a stored configuration is for: a strategy on one symbol, or on all (None); or trading."""

    strategy_id: str
    symbol: str | None

    @property
    def collection(self) -> str:
        if self.strategy_id == TRADING:
            return TRADING_FOR_ALL
        return FOR_ALL if self.symbol is None else FOR_SYMBOL

    @property
    def key(self) -> str:
        return self.strategy_id if self.symbol is None else f"{self.strategy_id}:{self.symbol}"

    def __str__(self) -> str:
        return f"{self.strategy_id} on {self.symbol or 'all symbols'}"


class StoredConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration as it is kept. Fields of other software beside these are left out."""

    strategy_id: str
    symbol: str | None = None
    parameters: dict[str, Any]
    version: Annotated[int, Meta(ge=1, le=2**53)]
    created_at: datetime
    updated_at: datetime
    created_by: str
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def given(self) -> list[Given]:
        """The values as a layer of settings."""
        origin = Origin(STORED, f"{self.symbol or 'all'} v{self.version}")
        found = []
        for name, value in self.parameters.items():
            key = key_of(self.strategy_id, name)
            key = with_symbol(key, self.symbol) if self.symbol else key
            entries = [(f"{key}.{entry}", one) for entry, one in value.items()] if isinstance(value, dict) else None
            found += [Given(at, one, origin) for at, one in ([(key, value)] if entries is None else entries)]
        return found


class Slot(NamedTuple):
    """The place of a scope in the store: how often its document was put, and the configuration, or what is wrong."""

    document_version: int
    config: StoredConfig | None
    problem: str = ""


Slots = Mapping[Scope, Slot]


class Change(NamedTuple):
    """A change that is ready to be stored; `config` None forgets the scope's document."""

    scope: Scope
    record: AuditRecord
    config: StoredConfig | None
    document_version: int


class History(NamedTuple):
    """Audit records, newest first, and what is wrong with those that cannot be read; whole: there are none before."""

    records: tuple[AuditRecord, ...]
    problems: tuple[str, ...]
    is_whole: bool


class StoredConfigurations:
    """Reads and writes the documents. Raises what `Documents` raises."""

    def __init__(self, documents: Documents, known: Known) -> None:
        self._documents = documents
        self._known = known
        self._judged: dict[Scope, tuple[Versioned, Slot]] = {}
        """What was read last, as it was judged then: most documents are what they were."""

    async def slots(self, strategy_id: str | None = None) -> dict[Scope, Slot]:
        """Every document of a strategy, or of all that this version knows; those of others are not ours to judge."""
        found: dict[Scope, tuple[Versioned, Slot]] = {}
        where = None if strategy_id is None else {"strategy_id": strategy_id}
        names = CONFIGURABLE if strategy_id is None else (strategy_id,)
        for name in names:
            scope = Scope(name, None)
            if (held := await self._documents.get(scope.collection, scope.key)) is not None:
                found[scope] = held, self._slot(scope, held)
        async for key, held in _pages(self._documents, FOR_SYMBOL, where, SYMBOLS_MAX * len(names)):
            name, _, symbol = key.partition(":")
            if name in names:
                found[Scope(name, symbol)] = held, self._slot(Scope(name, symbol), held)
        self._judged = {**{at: one for at, one in self._judged.items() if at.strategy_id not in names}, **found}
        return {scope: slot for scope, (_, slot) in found.items()}

    async def newest(self, strategy_id: str) -> tuple[int, AuditRecord | None]:
        """How many changes of a strategy there were, and the last one; none when it cannot be read."""
        page = await self._documents.find(audit_of(strategy_id), after=_end(strategy_id), descending=True, limit=1)
        if not page or not page[0][0].startswith(f"{strategy_id}:"):
            return 0, None
        key, held = page[0]
        count = key.removeprefix(f"{strategy_id}:")
        if not (count.isascii() and count.isdigit()):
            raise Unreadable(f"{audit_of(strategy_id)}/{key} is no audit record of ours; remove it from the store")
        try:
            return int(count), _record(key, held)
        except DataError:
            return int(count), None

    async def version(self, scope: Scope, slot: Slot) -> int:
        """The last version that was given to a scope; 0 before the first. Raises `Unreadable` when it cannot be known.

        Where records cannot be read their versions are taken as given: one may be missing, none is given twice.
        """
        if slot.config is not None:
            return slot.config.version
        history = await self.history(scope.strategy_id, {"symbol": scope.symbol}, 1)
        if not history.records and not history.is_whole:
            raise Unreadable(f"the last records of {scope} cannot be read: {history.problems[0]}; put them right")
        return (history.records[0].version_after if history.records else 0) + len(history.problems)

    async def history(self, strategy_id: str, where: Mapping[str, object], limit: int, before: str = "") -> History:
        """Audit records of a strategy whose fields equal `where`, newest first; unreadable ones are passed over."""
        where = {"strategy_id": strategy_id, **where}
        records: list[AuditRecord] = []
        problems: list[str] = []
        after = before or _end(strategy_id)
        audit = audit_of(strategy_id)
        while page := await self._documents.find(audit, where=where, after=after, descending=True, limit=PAGE):
            for after, held in page:
                if not after.startswith(f"{strategy_id}:"):
                    return History(tuple(records), tuple(problems), is_whole=True)
                try:
                    records.append(_record(after, held))
                except DataError as problem:
                    problems.append(str(problem))
                if len(records) >= limit or len(problems) >= UNREADABLE_MAX:
                    return History(tuple(records), tuple(problems), is_whole=False)
        return History(tuple(records), tuple(problems), is_whole=True)

    async def record(self, audit_id: str) -> AuditRecord | None:
        """One audit record. Raises `DataError` when what is there is none."""
        if not 1 <= len(audit_id) <= PAGE:
            return None
        held = await self._documents.get(audit_of(audit_id.partition(":")[0]), audit_id)
        return None if held is None else _record(audit_id, held)

    async def write(self, change: Change) -> None:
        """Store a configuration and its audit record, both or neither.

        Raises `VersionConflict` when the strategy was changed since it was read. After a `StorageError` nothing has
        changed, or its message says that this is not known.
        """
        document = None if change.config is None else _document(change.config)
        record = msgspec.to_builtins(change.record)
        scope = change.scope
        try:
            await self._documents.write(
                [
                    Write(audit_of(scope.strategy_id), change.record.id, record, 0),
                    Write(scope.collection, scope.key, document, change.document_version),
                ]
            )
        except StorageError as problem:
            if not await self._was_written(change.record, problem):
                raise

    async def _was_written(self, record: AuditRecord, problem: StorageError) -> bool:
        """Whether a write that failed on the way has been made after all."""
        try:
            return await self.record(record.id) == record
        except StorageError:
            raise StorageError(
                f"{problem}; whether version {record.version_after} is stored is not known: ask for the audit record"
                f" {record.id} when the store is back"
            ) from None

    def _slot(self, scope: Scope, held: Versioned) -> Slot:
        before = self._judged.get(scope)
        if before is not None and before[0] == held:
            return before[1]
        try:
            return Slot(held.version, self._config(scope, held))
        except (msgspec.ValidationError, InvalidParameters, ValueError) as problem:
            return Slot(
                held.version,
                None,
                f"{scope.collection}/{scope.key} cannot be believed: {problem}; delete the configuration of {scope} or"
                " put the document right in the store",
            )

    def _config(self, scope: Scope, held: Versioned) -> StoredConfig:
        config = msgspec.convert(held.document, StoredConfig)
        if (config.strategy_id, config.symbol) != scope:
            raise ValueError(f"it is for {Scope(config.strategy_id[:80], config.symbol and config.symbol[:40])}")
        if scope.symbol is not None and plain_symbol(scope.symbol) != scope.symbol:
            raise ValueError(f"symbol {scope.symbol[:40]!r} is written {plain_symbol(scope.symbol)[:40]} here")
        parameters = dict(checked(self._known, scope.strategy_id, config.parameters).values)
        aware = {name: _aware(getattr(config, name)) for name in ("created_at", "updated_at")}
        return msgspec.structs.replace(config, parameters=parameters, **aware)


def audit_of(strategy_id: str) -> str:
    """The collection of a strategy's audit records."""
    return TRADING_AUDIT if strategy_id == TRADING else AUDIT


def audit_id(strategy_id: str, count: int) -> str:
    """The key of the audit record of a strategy's change; keys sort as the changes happened."""
    return f"{strategy_id}:{count:012d}"


def _end(strategy_id: str) -> str:
    """What sorts after every key of a strategy's audit records, and before those of the next."""
    return f"{strategy_id};"


def _record(key: str, held: Versioned) -> AuditRecord:
    try:
        record = msgspec.convert(held.document, AuditRecord)
    except msgspec.ValidationError as problem:
        raise DataError(f"{audit_of(key.partition(':')[0])}/{key} is no audit record: {problem}") from None
    if record.id != key:
        raise DataError(f"{audit_of(key.partition(':')[0])}/{key} holds the record {record.id[:80]!r}")
    return record


def _document(config: StoredConfig) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(config)
    if config.symbol is None:
        del document["symbol"]
    return document


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


async def _pages(
    documents: Documents, collection: str, where: Mapping[str, object] | None, most: int
) -> AsyncIterator[tuple[str, Versioned]]:
    """Every document that is meant, page by page. Raises `StorageError` for more than there may be."""
    after, seen = "", 0
    while page := await documents.find(collection, where=where, after=after, limit=PAGE):
        seen += len(page)
        if seen > most:
            raise StorageError(
                f"{collection} holds more than {most} documents; remove those of symbols you do not trade"
            )
        for found in page:
            yield found
        after = page[-1][0]
