"""The configuration of strategies and of trading as it is asked for and changed: what surfaces say, whoever answers.

A configuration is stored for one strategy, for all symbols or for one. `symbol` None means all of them. That of trading
(what is risked, which signals are heard, how orders are worked) goes by the id `trading`, which no strategy has, and is
for the whole account.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
from msgspec import Meta

from petrosa.errors import EXIT_USAGE, ConfigError, DataError, PetrosaError, VersionConflict

TRADING: Final = "trading"
"""In the place of a strategy's id: what the trader goes by."""
REASON_MAX: Final = 500
ACTOR_MAX: Final = 100
METADATA_BYTES_MAX: Final = 16_384
PARAMETERS_MAX: Final = 100
AUDIT_DEFAULT: Final = 50
AUDIT_MAX: Final = 1_000
ANY_VERSION: Final = -1
"""As an expected version: whichever, but something must be stored."""

_PRINTED: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
"""At least one letter that shows, and none that controls."""

Reason = Annotated[
    str, Meta(min_length=1, max_length=REASON_MAX, pattern=_PRINTED, description="Why; kept in the audit.")
]
ActorName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ACTOR_MAX,
        pattern=_PRINTED,
        description="Who changes it. Needed without a key; with one, the key's name is recorded.",
    ),
]
SymbolText = Annotated[
    str, Meta(min_length=1, max_length=40, description="BTCUSDT, BTC/USDT and BTC/USDT:USDT are understood.")
]
Parameters = Annotated[
    dict[str, Any],
    Meta(
        max_length=PARAMETERS_MAX,
        description="Values by parameter name; only named ones change, and null takes one back. `enabled` is one too.",
    ),
]
Metadata = Annotated[
    dict[str, Any],
    Meta(description="Anything to keep with the audit record, for example the answer of a what-if; at most 16 kB."),
]


WeightValue = Annotated[float, Meta(ge=0, le=100, description="What a strategy's confidence is multiplied by.")]


class ChangeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Change the named parameters and leave the others."""

    parameters: Parameters
    reason: Reason
    changed_by: ActorName | None = None
    validate_only: Annotated[bool, Meta(description="Check everything and store nothing.")] = False
    metadata: Metadata = msgspec.field(default_factory=dict)


class ReturnRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Go back to what was: name the version, or the audit record by its id; exactly one of the two."""

    reason: Reason
    target_version: Annotated[int, Meta(ge=1, le=2**53, description="A version of this scope.")] | None = None
    rollback_id: Annotated[str, Meta(min_length=1, max_length=200, description="Id of an audit record.")] | None = None
    symbol: SymbolText | None = None
    changed_by: ActorName | None = None
    validate_only: Annotated[bool, Meta(description="Check everything and store nothing.")] = False
    metadata: Metadata = msgspec.field(default_factory=dict)


class ValidateRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Would these parameters be taken, and what would they do? Without a `strategy_id` they are those of trading."""

    parameters: Parameters
    strategy_id: Annotated[str, Meta(max_length=100)] | None = None
    symbol: SymbolText | None = None


class Act(msgspec.Struct, frozen=True):
    """Who does it and why. `expected_version` (`ANY_VERSION`, 0: nothing is stored) must be the version there is."""

    actor: str
    reason: str
    expected_version: int | None = None
    validate_only: bool = False
    metadata: Mapping[str, Any] = {}


class StrategyListed(msgspec.Struct, frozen=True):
    """A strategy in the list of all."""

    strategy_id: str
    name: str
    description: str
    enabled: Annotated[bool, Meta(description="Whether it runs where no symbol says otherwise.")]
    has_global_config: Annotated[bool, Meta(description="Whether something is stored for all symbols.")]
    symbol_overrides: Annotated[tuple[str, ...], Meta(description="Symbols that something is stored for.")]
    parameter_count: int


class ParameterSchema(msgspec.Struct, frozen=True):
    """What a parameter may be, and what changing it does to a running strategy."""

    name: str
    type: Literal["bool", "int", "float", "string", "list", "table"]
    description: str
    values: Annotated[str, Meta(description="What may be written, in words.")]
    default: Any
    min: float | None
    max: float | None
    exclusive_min: Annotated[bool, Meta(description="`min` itself is not allowed.")]
    exclusive_max: Annotated[bool, Meta(description="`max` itself is not allowed.")]
    allowed_values: tuple[str, ...] | None
    example: Any
    unit: str | None
    on_change: Annotated[
        Literal["keep state", "warm up again"], Meta(description="What a change does to the windows of the strategy.")
    ]
    aliases: Annotated[
        dict[str, float], Meta(description="Old names; a value under one times the number is the value.")
    ]
    environment: Annotated[str, Meta(description="Name of the environment variable; the layer below what is stored.")]


class Provenance(msgspec.Struct, frozen=True):
    """Where a value comes from: the layer, and which file, variable or version of it."""

    source: Annotated[str, Meta(description="default, file, environment, stored all, stored symbol or --set")]
    detail: str


class StrategyConfig(msgspec.Struct, frozen=True):
    """What holds for a strategy, merged key by key from all layers."""

    strategy_id: str
    symbol: str | None
    parameters: dict[str, Any]
    version: Annotated[int, Meta(description="Of what is stored for exactly this scope; 0: nothing. Also the ETag.")]
    source: Annotated[str, Meta(description="The strongest layer that any value comes from.")]
    is_override: Annotated[bool, Meta(description="Whether something is stored for exactly this scope.")]
    created_at: datetime | None
    updated_at: datetime | None
    provenance: dict[str, Provenance]


class StoreState(msgspec.Struct, frozen=True):
    """How current an answer is: it comes from what was read last."""

    store: Annotated[Literal["ok", "away"], Meta(description="away: changes are refused, reads go on.")]
    read_at: Annotated[datetime, Meta(description="When the store was last read.")]
    age_seconds: float
    away_since: datetime | None = None
    problems: Annotated[
        tuple[str, ...], Meta(description="What is stored and cannot be believed; what held before holds on.")
    ] = ()


class Applied(msgspec.Struct, frozen=True):
    """What the running desk made of a change. `sequence` is the turn in its journal, `changes` effect by instrument."""

    state: Literal["applied", "pending", "no_desk", "refused"]
    sequence: int | None = None
    changes: dict[str, str] = {}
    detail: str = ""


class ChangeMetadata(msgspec.Struct, frozen=True):
    """What became of a change."""

    changed: Annotated[tuple[str, ...], Meta(description="Parameters whose stored value is another now.")]
    audit_id: Annotated[str | None, Meta(description="The audit record; null when nothing was stored.")]
    applied: Applied | None
    warnings: tuple[str, ...]
    validate_only: bool = False


class Changed(msgspec.Struct, frozen=True):
    """The configuration after a change (none when it was only validated), and what became of it."""

    config: StrategyConfig | None
    metadata: ChangeMetadata


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One change, as it was stored together with what it changed. `old_parameters` null: nothing was stored before."""

    id: str
    config_id: str
    strategy_id: str
    symbol: str | None
    action: Literal["CREATE", "UPDATE", "DELETE"]
    old_parameters: dict[str, Any] | None
    new_parameters: dict[str, Any] | None
    version_before: int
    version_after: int
    changed_by: str
    changed_at: datetime
    reason: str
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


class AuditMetadata(msgspec.Struct, frozen=True):
    """`next` is the `before` of the following page; null when this was the last."""

    next: str | None
    problems: tuple[str, ...] = ()


class AuditPage(msgspec.Struct, frozen=True):
    """Audit records, newest first."""

    records: tuple[AuditRecord, ...]
    metadata: AuditMetadata


class Refreshed(msgspec.Struct, frozen=True):
    """What reading the store again has changed, by strategy."""

    read_at: datetime
    applied: dict[str, Applied]
    problems: tuple[str, ...] = ()


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one parameter, and what to write instead where that is known."""

    field: str
    message: str
    code: Literal["UNKNOWN_PARAMETER", "INVALID_TYPE", "OUT_OF_RANGE", "VALIDATION_ERROR"]
    suggested_value: Any = None


class Conflict(msgspec.Struct, frozen=True):
    """Something else that has a say in the same parameter."""

    service: str
    conflict_type: Literal["OVERRULED", "SYMBOL_OVERRIDE", "NOT_FOLLOWED"]
    description: str
    resolution: str


class Impact(msgspec.Struct, frozen=True):
    """What a change would touch. High: on all symbols a strategy is switched or warms up again; low: one symbol keeps
    its windows; medium: all else."""

    risk_level: Literal["low", "medium", "high"]
    affected_scope: str
    parameter_count: int


class Validation(msgspec.Struct, frozen=True):
    """Whether a change would be taken, and what it would do."""

    validation_passed: bool
    errors: tuple[FieldError, ...]
    warnings: tuple[str, ...]
    suggested_fixes: tuple[str, ...]
    estimated_impact: Impact
    conflicts: tuple[Conflict, ...]


class InvalidParameters(ConfigError):
    """Parameters that cannot be; `errors` says what is wrong with each."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = tuple(errors)


class NotThere(PetrosaError):
    """No such strategy, symbol, version or audit record: ask for what there is."""

    exit_code = EXIT_USAGE


class Unreadable(DataError):
    """What is stored for a scope cannot be believed, so nothing is built on it: delete it, or put it right."""


class StaleVersion(VersionConflict):
    """Another version is stored than the request expects; `current` is the one there is."""

    def __init__(self, message: str, current: int) -> None:
        super().__init__(message)
        self.current = current


class Configuration(Protocol):
    """Answers from what was read last; every change goes to the store first, with its audit record.

    Raises `NotThere` for an unknown strategy or a symbol that can be none. Changes also raise `InvalidParameters`,
    `StaleVersion`, `VersionConflict`, `LimitExceeded` when too many wait, `Unreadable`, `DataError` for metadata that
    cannot be kept, and `StorageError` when the store is away: then nothing has changed, or its message says otherwise.
    """

    def strategies(self) -> Sequence[StrategyListed]: ...
    def schema(self, strategy_id: str) -> Sequence[ParameterSchema]: ...
    def defaults(self, strategy_id: str) -> Mapping[str, Any]: ...
    def config(self, strategy_id: str, symbol: str | None) -> StrategyConfig: ...
    def state(self) -> StoreState: ...

    async def validate(self, strategy_id: str, symbol: str | None, parameters: Mapping[str, Any]) -> Validation:
        """What `change` would say of these parameters."""
        ...

    async def change(self, strategy_id: str, symbol: str | None, parameters: Mapping[str, Any], act: Act) -> Changed:
        """Store these values over those that are stored; None takes one back."""
        ...

    async def delete(self, strategy_id: str, symbol: str | None, act: Act) -> Changed:
        """Forget what is stored for a scope. Raises `NotThere` when that is nothing."""
        ...

    async def roll_back(self, strategy_id: str, symbol: str | None, target: int | str, act: Act) -> Changed:
        """Store again what was stored after a version, or after the change of an audit record."""
        ...

    async def restore(self, strategy_id: str, symbol: str | None, target: int | str, act: Act) -> Changed:
        """Store again the parameters that an audit record tells of: of a deletion, those that it took away."""
        ...

    async def audit(self, strategy_id: str, symbol: str | None, limit: int, before: str) -> AuditPage:
        """Changes of a strategy, newest first; with a symbol only those for it; `before` an audit id, or all."""
        ...

    async def refresh(self, strategy_id: str | None = None) -> Refreshed:
        """Read the store again and let the desk have what has changed."""
        ...

    async def weigh(self, strategy_id: str, weight: float, act: Act) -> Changed:
        """Store what a strategy's confidence counts in a conflict, among the stored weights of others."""
        ...
