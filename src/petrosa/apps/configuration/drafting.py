"""A change before it is stored: what it would be, and whether whoever wants it knew what there is."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from petrosa.apps.configuration.held import Held
from petrosa.apps.configuration.stored import SYMBOLS_MAX, Change, Scope, Slot, Slots, StoredConfig, audit_id
from petrosa.surfaces.configuration import (
    ANY_VERSION,
    METADATA_BYTES_MAX,
    Act,
    ActorName,
    AuditRecord,
    FieldError,
    InvalidParameters,
    Reason,
    StaleVersion,
)

Parameters = Mapping[str, Any]
Editing = Callable[[Parameters | None], Parameters]
"""What a scope shall have in place of what it has (None: nothing is stored); empty stores nothing."""
NOTHING: Final[Parameters] = {}


class Draft(NamedTuple):
    """A change that could be stored now, over what the store has in its place, and what would hold after it."""

    slot: Slot
    held: Held
    change: Change
    changed: tuple[str, ...]

    @property
    def is_change(self) -> bool:
        """Whether the store would hold something else after it."""
        return bool(self.changed or self.slot.problem)


def change_of(
    scope: Scope, slot: Slot, wanted: Parameters, act: Act, note: Parameters, counts: tuple[int, int], now: datetime
) -> Change:
    """The documents of a change. `counts` are the changes of the strategy and the versions of the scope so far."""
    count, version = counts
    before = slot.config
    config = StoredConfig(
        strategy_id=scope.strategy_id,
        symbol=scope.symbol,
        parameters=dict(wanted),
        version=version + 1,
        created_at=now if before is None else before.created_at,
        updated_at=now,
        created_by=act.actor if before is None else before.created_by,
        metadata={} if before is None else before.metadata,
    )
    replaced = {"unreadable": slot.problem} if slot.problem else {}
    record = AuditRecord(
        id=audit_id(scope.strategy_id, count + 1),
        config_id=scope.key,
        strategy_id=scope.strategy_id,
        symbol=scope.symbol,
        action="DELETE" if not wanted else "CREATE" if before is None else "UPDATE",
        old_parameters=None if before is None else before.parameters,
        new_parameters=dict(wanted) or None,
        version_before=version,
        version_after=version + 1,
        changed_by=act.actor,
        changed_at=now,
        reason=act.reason,
        metadata={**act.metadata, **note, **replaced},
    )
    return Change(scope, record, config if wanted else None, slot.document_version)


def changed_names(before: Parameters | None, after: Parameters) -> tuple[str, ...]:
    """Parameters whose stored value is another, one that is no more included."""
    old = before or {}
    return tuple(sorted(name for name in {**old, **after} if old.get(name) != after.get(name)))


def require_expected(expected: int | None, scope: Scope, slot: Slot) -> None:
    """Raise `StaleVersion` when something else is stored than whoever changes it knows."""
    current = 0 if slot.config is None else slot.config.version
    if expected is None or expected == current or (expected == ANY_VERSION and slot.document_version):
        return
    wanted = "something" if expected == ANY_VERSION else f"version {expected}"
    there = f"version {current}" if current else "nothing"
    raise StaleVersion(f"{scope} was expected to have {wanted}, and {there} is stored; read it again", current)


def require_room(scope: Scope, slots: Slots) -> None:
    """Raise `InvalidParameters` for one symbol more than can be read again: no desk would start any more."""
    if scope in slots or scope.symbol is None:
        return
    held = sum(at.symbol is not None for at in slots)
    if held >= SYMBOLS_MAX:
        message = f"something is stored for {held} symbols already, limit {SYMBOLS_MAX}; delete what is not traded"
        raise InvalidParameters([FieldError("symbol", message, "OUT_OF_RANGE")])


def check_act(act: Act) -> None:
    """Raise `InvalidParameters` for a name or reason that an audit cannot hold, or too much beside them."""
    errors = []
    for name, value, kind in (("changed_by", act.actor, ActorName), ("reason", act.reason, Reason)):
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as problem:
            errors.append(FieldError(name, f"{name}: {problem}", "VALIDATION_ERROR"))
    try:
        size = len(msgspec.json.encode(act.metadata))
    except (TypeError, ValueError, RecursionError) as problem:
        errors.append(FieldError("metadata", f"metadata is not JSON that can be kept: {problem}", "INVALID_TYPE"))
    else:
        if size > METADATA_BYTES_MAX:
            message = f"metadata has {size} bytes, limit {METADATA_BYTES_MAX}; keep it elsewhere and name it here"
            errors.append(FieldError("metadata", message, "OUT_OF_RANGE"))
    if errors:
        raise InvalidParameters(errors)
