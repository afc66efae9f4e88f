"""The live configuration: what holds is answered from memory, what changes is stored first and then applied."""

import asyncio
import difflib
import re
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from petrosa.apps.configuration.applying import Announce, Applying, NoDesk
from petrosa.apps.configuration.checking import check, checked, contradiction, fixes_of, impact_of
from petrosa.apps.configuration.declarations import CONFIGURABLE, defaults_of, parameters_of, schema_of
from petrosa.apps.configuration.drafting import (
    NOTHING,
    Draft,
    Editing,
    Parameters,
    change_of,
    changed_names,
    check_act,
    require_expected,
    require_room,
)
from petrosa.apps.configuration.held import Held, conflicts_of, strategies_that_differ, view_of
from petrosa.apps.configuration.stored import Change, Scope, Slot, Slots, StoredConfigurations
from petrosa.apps.settings import Settings
from petrosa.core.signals.symbols import plain_symbol
from petrosa.core.strategies.catalog import CATALOG
from petrosa.errors import ConfigError, LimitExceeded, PetrosaError, StorageError, VersionConflict
from petrosa.ports import Documents
from petrosa.surfaces.configuration import (
    AUDIT_MAX,
    TRADING,
    Act,
    Applied,
    AuditMetadata,
    AuditPage,
    AuditRecord,
    Changed,
    ChangeMetadata,
    InvalidParameters,
    NotThere,
    ParameterSchema,
    Refreshed,
    StoreState,
    StrategyConfig,
    StrategyListed,
    Unreadable,
    Validation,
)

ATTEMPTS_MAX: Final = 16
"""How often a change is tried again because another process changed the same strategy meanwhile."""
WEIGHTS: Final = "strategy_weights"
WAITING_MAX: Final = 64
"""Most changes and refreshes that wait for the one under way."""
SYMBOL = re.compile(r"[A-Z0-9]{2,30}")

INSTEAD: Final = (
    "leave the symbol out. allowed_symbols, enable_longs and enable_shorts say what may be entered, and a strategy's"
    " `enabled` can be set for one symbol"
)

Now = Callable[[], datetime]

log = structlog.get_logger("petrosa.configuration")


class ConfigService:
    """A `Configuration` over a document store. Made by `open`; whoever opened the store closes it."""

    def __init__(
        self, held: Held, stored: StoredConfigurations, *, symbols: Collection[str], applying: Applying,
        announce: Announce | None, now: Now,
    ) -> None:  # fmt: skip
        self._held = held
        self._stored = stored
        self._symbols = frozenset(symbols)
        self._applying = applying
        self._announce = announce
        self._now = now
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._away: tuple[datetime, str] | None = None
        self._unapplied: dict[str, str] = {}
        """Strategies that the desk has not confirmed, and why."""

    @classmethod
    async def open(
        cls, settings: Settings, documents: Documents, *, symbols: Collection[str] = (),
        applying: Applying | None = None, announce: Announce | None = None, now: Now = lambda: datetime.now(UTC),
        lenient: bool = False,
    ) -> "ConfigService":  # fmt: skip
        """Read what is stored; `settings` of the service then hold it. Nothing is applied yet.

        `symbols` are those that this desk follows. Raises `StorageError` when the store cannot be read, and
        `ConfigError` naming every document that cannot be believed, unless `lenient` leaves those out.
        """
        stored = StoredConfigurations(documents, settings.merged.known)
        read_at = now()
        held = Held(settings, {}, {}, read_at).with_slots(CONFIGURABLE, await stored.slots())
        if held.problems and not lenient:
            raise ConfigError("\n".join(held.problems.values()))
        return cls(held, stored, symbols=symbols, applying=applying or NoDesk(), announce=announce, now=now)

    @property
    def settings(self) -> Settings:
        """Everything that holds now, with what is stored."""
        return self._held.settings

    def strategies(self) -> Sequence[StrategyListed]:
        return [self._listed(name) for name in CATALOG]

    def schema(self, strategy_id: str) -> Sequence[ParameterSchema]:
        return schema_of(self.settings.merged.known, self._scope(strategy_id, None).strategy_id)

    def defaults(self, strategy_id: str) -> Mapping[str, Any]:
        return defaults_of(self.settings.merged.known, self._scope(strategy_id, None).strategy_id)

    def config(self, strategy_id: str, symbol: str | None) -> StrategyConfig:
        return view_of(self._held, self._scope(strategy_id, symbol))

    def state(self) -> StoreState:
        age = max(0.0, (self._now() - self._held.read_at).total_seconds())
        problems = (*self._held.problems.values(), *self._unapplied.values())
        if self._away is None:
            return StoreState("ok", self._held.read_at, age, None, problems)
        since, problem = self._away
        return StoreState("away", self._held.read_at, age, since, (problem, *problems))

    async def validate(self, strategy_id: str, symbol: str | None, parameters: Parameters) -> Validation:
        scope = self._scope(strategy_id, symbol)
        edit, errors = check(self.settings.merged.known, strategy_id, parameters)
        held, stored = self._held, self._held.configs.get(scope)
        slot = Slot(0, stored)
        before = None if stored is None else stored.parameters
        after = edit.over(before or {})
        if not errors:
            version = 0 if stored is None else stored.version
            change = change_of(scope, slot, after, Act("validate", "validate"), NOTHING, (0, version), self._now())
            try:
                held = await asyncio.to_thread(self._with, held.slots(), change)
            except InvalidParameters as problem:
                errors = problem.errors
        conflicts = conflicts_of(held, scope, edit.values, self._symbols)
        return Validation(
            validation_passed=not errors,
            errors=errors,
            warnings=tuple(f"{found.description}; {found.resolution}" for found in conflicts),
            suggested_fixes=fixes_of(errors),
            estimated_impact=impact_of(strategy_id, scope.symbol, changed_names(before, after)),
            conflicts=conflicts,
        )

    async def change(self, strategy_id: str, symbol: str | None, parameters: Parameters, act: Act) -> Changed:
        scope = self._scope(strategy_id, symbol)
        edit = checked(self.settings.merged.known, strategy_id, parameters)
        return await self._make(scope, act, lambda before: edit.over(before or {}))

    async def after(self, strategy_id: str, symbol: str | None, parameters: Parameters, act: Act) -> Settings:
        """Everything that would hold after such a change; raises what the change would, and stores nothing."""
        scope = self._scope(strategy_id, symbol)
        edit = checked(self.settings.merged.known, strategy_id, parameters)
        check_act(act)
        async with self._alone():
            with self._noting_absence():
                draft = await self._draft(scope, act, lambda before: edit.over(before or {}), NOTHING)
        return draft.held.settings

    async def weigh(self, strategy_id: str, weight: float, act: Act) -> Changed:
        edit = checked(self.settings.merged.known, TRADING, {WEIGHTS: {strategy_id: weight}})

        def among(before: Parameters | None) -> Parameters:
            stored = before or NOTHING
            return {**stored, WEIGHTS: {**stored.get(WEIGHTS, {}), **edit.values[WEIGHTS]}}

        return await self._make(Scope(TRADING, None), act, among)

    async def delete(self, strategy_id: str, symbol: str | None, act: Act) -> Changed:
        return await self._make(self._scope(strategy_id, symbol), act, lambda _before: {}, must_exist=True)

    async def roll_back(self, strategy_id: str, symbol: str | None, target: int | str, act: Act) -> Changed:
        scope, record = await self._target(self._scope(strategy_id, symbol), target)
        return await self._put_back(scope, act, record.new_parameters, rolled_back_to=record.version_after)

    async def restore(self, strategy_id: str, symbol: str | None, target: int | str, act: Act) -> Changed:
        scope, record = await self._target(self._scope(strategy_id, symbol), target)
        wanted = record.old_parameters if record.action == "DELETE" else record.new_parameters
        return await self._put_back(scope, act, wanted, restored_from=record.id)

    async def audit(self, strategy_id: str, symbol: str | None, limit: int, before: str) -> AuditPage:
        scope = self._scope(strategy_id, symbol)
        where = {} if symbol is None else {"symbol": scope.symbol}
        limit = max(1, min(limit, AUDIT_MAX))
        with self._noting_absence():
            history = await self._stored.history(strategy_id, where, limit, before)
        more = None if history.is_whole or not history.records else history.records[-1].id
        return AuditPage(history.records, AuditMetadata(more, history.problems))

    async def refresh(self, strategy_id: str | None = None) -> Refreshed:
        names = CONFIGURABLE if strategy_id is None else (self._scope(strategy_id, None).strategy_id,)
        async with self._alone():
            with self._noting_absence():
                slots = await self._stored.slots(strategy_id)
                after = await asyncio.to_thread(self._held.with_slots, names, slots)  # the loop has to trade
                differ = {*strategies_that_differ(self.settings, after.settings), *self._unapplied}
                newest = {name: (await self._stored.newest(name))[1] for name in names if name in differ}
            self._held = after if strategy_id is not None else after._replace(read_at=self._now())
            applied = {name: await self._apply(name, record) for name, record in newest.items()}
        return Refreshed(self._held.read_at, applied, self.state().problems)

    async def _target(self, scope: Scope, target: int | str) -> tuple[Scope, AuditRecord]:
        """The audit record that is meant, and what it is about. Raises `NotThere`."""
        with self._noting_absence():
            if isinstance(target, str):
                record = await self._stored.record(target)
            else:
                where = {"symbol": scope.symbol, "version_after": target}
                record = next(iter((await self._stored.history(scope.strategy_id, where, 1)).records), None)
        if record is not None and scope.symbol is None:
            scope = Scope(scope.strategy_id, record.symbol)
        if record is None or (record.strategy_id, record.symbol) != scope:
            what = f"audit record {target[:80]!r}" if isinstance(target, str) else f"version {target}"
            raise NotThere(f"there is no {what} of {scope}; its audit lists those there are")
        return scope, record

    async def _put_back(self, scope: Scope, act: Act, wanted: Parameters | None, **note: Any) -> Changed:
        edit = checked(self.settings.merged.known, scope.strategy_id, wanted or {})
        return await self._make(scope, act, lambda _before: dict(edit.values), note)

    async def _make(
        self, scope: Scope, act: Act, edit: Editing, note: Parameters = NOTHING, *, must_exist: bool = False
    ) -> Changed:
        """Store what `edit` makes of what is stored, again and again while others change the same strategy."""
        check_act(act)
        async with self._alone():
            for _ in range(ATTEMPTS_MAX):
                with self._noting_absence():
                    draft = await self._draft(scope, act, edit, note)
                    if must_exist and not draft.slot.document_version:
                        raise NotThere(f"nothing is stored for {scope}, so there is nothing to delete")
                    if act.validate_only or not draft.is_change:
                        return self._unmade(draft, act)
                    try:
                        await self._stored.write(draft.change)
                    except VersionConflict:
                        continue
                return await self._made(draft)
        raise VersionConflict(f"{scope} was changed {ATTEMPTS_MAX} times by others meanwhile; read it and try again")

    async def _draft(self, scope: Scope, act: Act, edit: Editing, note: Parameters) -> Draft:
        """The change as it would be stored now. The count of changes is read first, so that whatever is changed
        after that makes the write fail."""
        count, _ = await self._stored.newest(scope.strategy_id)
        slots = await self._stored.slots(scope.strategy_id)
        slot = slots.get(scope, Slot(0, None))
        version = await self._stored.version(scope, slot)
        require_expected(act.expected_version, scope, slot)
        before = None if slot.config is None else slot.config.parameters
        if wanted := edit(before):
            require_room(scope, slots)
            if slot.problem:
                raise Unreadable(slot.problem)
        change = change_of(scope, slot, wanted, act, note, (count, version), self._now())
        changed = changed_names(before, wanted)
        if changed or slot.problem:
            return Draft(slot, await asyncio.to_thread(self._with, slots, change), change, changed)
        held = await asyncio.to_thread(self._held.with_slots, (scope.strategy_id,), slots)
        return Draft(slot, held, change, changed)

    def _with(self, slots: Slots, change: Change) -> Held:
        """What would hold with a change among these documents. Raises `InvalidParameters`."""
        scope = change.scope
        after = {at: slot for at, slot in slots.items() if at != scope}
        if change.config is not None:
            after[scope] = Slot(change.document_version, change.config)
        try:
            return self._held.with_strategy(scope.strategy_id, after)
        except ConfigError as problem:
            known = self.settings.merged.known
            raise InvalidParameters([contradiction(known, scope.strategy_id, str(problem))]) from None

    def _unmade(self, draft: Draft, act: Act) -> Changed:
        """The answer where nothing is stored: it was only to be validated, or it is so already."""
        warnings = self._warnings(draft)
        if act.validate_only:
            return Changed(None, ChangeMetadata(draft.changed, None, None, warnings, validate_only=True))
        warnings = ("what is stored is so already; nothing was changed", *warnings)
        return Changed(view_of(draft.held, draft.change.scope), ChangeMetadata((), None, None, warnings))

    async def _made(self, draft: Draft) -> Changed:
        """Go on with what is stored now: here, on the desk, in other processes."""
        scope, record = draft.change.scope, draft.change.record
        self._held = draft.held
        applied = await self._apply(scope.strategy_id, record)
        warnings = self._warnings(draft)
        if strategy := self._unapplied.get(scope.strategy_id):
            warnings += (f"stored, but {strategy}; it is tried again when the store is read next",)
        if self._announce is not None:
            try:
                await self._announce(scope.strategy_id, record.version_after)
            except PetrosaError as problem:
                warnings += (f"other processes were not told ({problem}); they read it within a minute",)
        log.info("configuration changed", scope=str(scope), by=record.changed_by, version=record.version_after)
        return Changed(view_of(self._held, scope), ChangeMetadata(draft.changed, record.id, applied, warnings))

    async def _apply(self, strategy_id: str, record: AuditRecord | None) -> Applied:
        """Let the desk have it; what it does not confirm is tried again at the next refresh."""
        version, actor, reason, command_id = (
            (record.version_after, record.changed_by, record.reason, record.id)
            if record is not None
            else (0, "unknown", "the store was changed without an audit record", f"{strategy_id}:unrecorded")
        )
        self._unapplied[strategy_id] = f"{strategy_id} is not applied: it is under way"
        try:
            applied = await self._applying.apply(
                self.settings, strategy_id, version=version, actor=actor, reason=reason, command_id=command_id
            )
        except PetrosaError as problem:
            applied = Applied("refused", detail=str(problem))
        if applied.state in {"pending", "refused"}:
            self._unapplied[strategy_id] = f"{strategy_id} is not applied ({applied.state}): {applied.detail}"
        else:
            del self._unapplied[strategy_id]
        return applied

    def _warnings(self, draft: Draft) -> tuple[str, ...]:
        after = (draft.change.config.parameters if draft.change.config is not None else {}).keys()
        names = [name for name in draft.changed if name in after]
        conflicts = conflicts_of(draft.held, draft.change.scope, names, self._symbols)
        return tuple(f"{found.description}; {found.resolution}" for found in conflicts)

    def _listed(self, name: str) -> StrategyListed:
        entry, configs = CATALOG[name], self._held.configs
        return StrategyListed(
            strategy_id=name,
            name=entry.title,
            description=entry.summary,
            enabled=self.settings.strategies[name].enabled,
            has_global_config=Scope(name, None) in configs,
            symbol_overrides=tuple(sorted(at.symbol for at in configs if at.strategy_id == name and at.symbol)),
            parameter_count=len(parameters_of(self.settings.merged.known, name)),
        )

    def _scope(self, strategy_id: str, symbol: str | None) -> Scope:
        """Raises `NotThere` for what can be no scope."""
        if strategy_id == TRADING:
            if symbol is not None:
                raise NotThere(f"trading is configured for the whole account, not for {symbol[:40]!r} alone; {INSTEAD}")
            return Scope(TRADING, None)
        if strategy_id not in CATALOG:
            near = difflib.get_close_matches(strategy_id, CATALOG, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(CATALOG)}"
            raise NotThere(f"there is no strategy {strategy_id[:80]!r}; {hint}")
        if symbol is None:
            return Scope(strategy_id, None)
        plain = plain_symbol(symbol)
        if not symbol.isascii() or SYMBOL.fullmatch(plain) is None:  # the capital of a letter may be two others
            raise NotThere(f"{symbol[:40]!r} is no symbol; write it as BTCUSDT, BTC/USDT or BTC/USDT:USDT")
        return Scope(strategy_id, plain)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """One change or refresh at a time. Raises `LimitExceeded` when too many wait."""
        if self._waiting >= WAITING_MAX:
            raise LimitExceeded(f"{self._waiting} changes of the configuration are under way; try again in 1 s", 1.0)
        self._waiting += 1
        try:
            async with self._lock:
                yield
        finally:
            self._waiting -= 1

    @contextmanager
    def _noting_absence(self) -> Iterator[None]:
        """Remember since when the store is away, for whoever reads meanwhile."""
        try:
            yield
        except StorageError as problem:
            if self._away is None:
                log.warning("the configuration store is away; what was read last holds", problem=str(problem))
            self._away = (self._now() if self._away is None else self._away[0], str(problem))
            raise
        if self._away is not None:
            log.info("the configuration store is back")
        self._away = None
