"""The three ways to change documents as one, so that every store has a single piece of code that changes anything."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from petrosa.adapters.stores.documents import rules
from petrosa.adapters.stores.documents.rules import Change
from petrosa.ports import Write


class AllOrNothing(ABC):
    """`put`, `delete` and `write` of a store that can make several changes at once."""

    @abstractmethod
    async def _apply(self, changes: Sequence[Change]) -> Sequence[int]:
        """Make all changes or none; returns the versions before them (0: nothing there).

        Raises `VersionConflict` by `Change.version_after`, and then nothing has changed.
        """

    async def put(
        self, collection: str, key: str, document: Mapping[str, object], *, expected_version: int | None = None
    ) -> int:
        return (await self.write([Write(collection, key, document, expected_version)]))[0]

    async def delete(self, collection: str, key: str) -> bool:
        return (await self._apply(rules.checked([Write(collection, key, None)])))[0] > 0

    async def write(self, writes: Sequence[Write]) -> tuple[int, ...]:
        changes = rules.checked(writes)
        before = await self._apply(changes)
        return tuple(change.version_after(stored) for change, stored in zip(changes, before, strict=True))
