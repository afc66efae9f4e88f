"""Documents in memory: for tests, and for a process that shall leave nothing behind."""

from collections.abc import Mapping, Sequence

from petrosa.adapters.stores.documents import rules
from petrosa.errors import StorageError
from petrosa.ports import Versioned


class MemoryDocuments:
    """Documents as long as the process lives. Kept as JSON, so that no caller shares what another holds."""

    def __init__(self) -> None:
        self._collections: dict[str, dict[str, tuple[int, bytes]]] = {}
        self._closed = False

    async def get(self, collection: str, key: str) -> Versioned | None:
        self._require_open()
        rules.check_names(collection, key)
        stored = self._collections.get(collection, {}).get(key)
        return None if stored is None else Versioned(stored[0], rules.decode(stored[1]))

    async def put(
        self, collection: str, key: str, document: Mapping[str, object], *, expected_version: int | None = None
    ) -> int:
        self._require_open()
        rules.check_names(collection, key)
        data = rules.encode(collection, key, document)
        documents = self._collections.setdefault(collection, {})
        version = documents.get(key, (0, b""))[0]
        rules.check_version(collection, key, version, expected_version)
        documents[key] = (version + 1, data)
        return version + 1

    async def delete(self, collection: str, key: str) -> bool:
        self._require_open()
        rules.check_names(collection, key)
        return self._collections.get(collection, {}).pop(key, None) is not None

    async def find(
        self, collection: str, *, where: Mapping[str, object] | None = None, limit: int = 200, after: str = ""
    ) -> Sequence[tuple[str, Versioned]]:
        self._require_open()
        rules.check_names(collection, after or "-")
        found: list[tuple[str, Versioned]] = []
        for key, (version, data) in sorted(self._collections.get(collection, {}).items()):
            if len(found) >= rules.page_size(limit):
                break
            if key > after and rules.is_meant(document := rules.decode(data), where):
                found.append((key, Versioned(version, document)))
        return found

    async def close(self) -> None:
        self._closed = True

    def _require_open(self) -> None:
        if self._closed:
            raise StorageError("the document store is closed")
