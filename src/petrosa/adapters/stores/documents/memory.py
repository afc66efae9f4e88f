"""Documents in memory: for tests, and for a process that shall leave nothing behind."""

from collections.abc import Mapping, Sequence

from petrosa.adapters.stores.documents import rules
from petrosa.adapters.stores.documents.rules import Change
from petrosa.adapters.stores.documents.writes import AllOrNothing
from petrosa.errors import StorageError
from petrosa.ports import Versioned


class MemoryDocuments(AllOrNothing):
    """Documents as long as the process lives. Kept as JSON, so that no caller shares what another holds."""

    def __init__(self) -> None:
        self._collections: dict[str, dict[str, tuple[int, bytes]]] = {}
        self._closed = False

    async def get(self, collection: str, key: str) -> Versioned | None:
        self._require_open()
        rules.check_names(collection, key)
        stored = self._collections.get(collection, {}).get(key)
        return None if stored is None else Versioned(stored[0], rules.decode(stored[1]))

    async def find(
        self,
        collection: str,
        *,
        where: Mapping[str, object] | None = None,
        limit: int = 200,
        after: str = "",
        descending: bool = False,
    ) -> Sequence[tuple[str, Versioned]]:
        self._require_open()
        rules.check_names(collection, after or "-")
        traces = rules.traces(where)
        found: list[tuple[str, Versioned]] = []
        for key, (version, data) in sorted(self._collections.get(collection, {}).items(), reverse=descending):
            if len(found) >= rules.page_size(limit):
                break
            if after and (key >= after if descending else key <= after):
                continue
            if all(trace in data for trace in traces) and rules.is_meant(document := rules.decode(data), where):
                found.append((key, Versioned(version, document)))
        return found

    async def index(self, collection: str, fields: Sequence[str]) -> None:
        """Nothing: all of it is at hand."""
        self._require_open()
        rules.check_names(collection, "-")
        rules.check_fields(fields)

    async def close(self) -> None:
        self._closed = True

    async def _apply(self, changes: Sequence[Change]) -> Sequence[int]:
        self._require_open()
        before = [self._collections.get(change.collection, {}).get(change.key, (0, b""))[0] for change in changes]
        after = [change.version_after(stored) for change, stored in zip(changes, before, strict=True)]
        for change, version in zip(changes, after, strict=True):  # nothing can be refused any more
            documents = self._collections.setdefault(change.collection, {})
            if change.data is None:
                documents.pop(change.key, None)
            else:
                documents[change.key] = (version, change.data)
        return before

    def _require_open(self) -> None:
        if self._closed:
            raise StorageError("the document store is closed")
