"""The audit's collections in a document store: records and the place they go up to, in one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from petrosa.apps.auditing.following import Chunk, Place, RunName
from petrosa.errors import DataError
from petrosa.ports import Documents, Write
from petrosa.surfaces.audit.projection import COLLECTION
from petrosa.surfaces.audit.reading import FILTERS

PLACES: Final = "trade_audit_places"
WRITES_AT_ONCE: Final = 99
"""And one for the place."""
PAGE: Final = 200


async def indexed(documents: Documents) -> None:
    """See that records are found by what they can be narrowed by, however many there are. Raises `StorageError`."""
    await documents.index(COLLECTION, FILTERS)


class AuditStore:
    """Records of one run, written in order by whoever has read the place last."""

    def __init__(self, documents: Documents, name: RunName) -> None:
        self._documents = documents
        self._name = name
        self._version = 0
        self._is_indexed = False

    async def place(self) -> Place:
        """How far the audit of the run has come. Raises `DataError` when the store holds what is no place."""
        if not self._is_indexed:
            await indexed(self._documents)
            self._is_indexed = True
        found = await self._documents.get(PLACES, self._name.tag)
        self._version = 0 if found is None else found.version
        return Place(run=self._name.run) if found is None else place_in(self._name.tag, found.document)

    async def write(self, chunk: Chunk) -> None:
        """Add records and go on to their place.

        Raises `VersionConflict` when somebody else has gone on from the place: read it again.
        """
        writes = [Write(COLLECTION, key, document) for key, document in chunk.entries]
        parts = [writes[at : at + WRITES_AT_ONCE] for at in range(0, max(1, len(writes)), WRITES_AT_ONCE)]
        for part in parts[:-1]:  # records without their place are written again after a crash, the same
            await self._documents.write(part)
        place = Write(PLACES, self._name.tag, msgspec.to_builtins(chunk.place), self._version)
        self._version = (await self._documents.write([*parts[-1], place]))[-1]


def place_in(tag: str, document: Mapping[str, object]) -> Place:
    try:
        return msgspec.convert(document, Place)
    except msgspec.ValidationError as problem:
        raise DataError(
            f"document {PLACES}/{tag} is no place of the audit: {problem}; delete it to begin again"
        ) from None


async def places(documents: Documents) -> dict[str, Place]:
    """The place of every run that the audit knows, by its tag."""
    found: dict[str, Place] = {}
    after = ""
    while page := await documents.find(PLACES, limit=PAGE, after=after):
        found.update({key: place_in(key, one.document) for key, one in page})
        after = page[-1][0]
    return found


async def newest(
    documents: Documents, where: Mapping[str, object], *, since: int, until: int, limit: int, before: str = ""
) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """At most `limit` records, newest first, of times in [`since`, `until`), older than the record `before`."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    after = min(f"{until:020d}", before) if before else f"{until:020d}"
    while len(found) < limit:
        asked = min(PAGE, limit - len(found))
        page = await documents.find(COLLECTION, where=where, limit=asked, after=after, descending=True)
        found += [(key, one.document) for key, one in page if key >= f"{since:020d}"]
        if len(page) < asked or page[-1][0] < f"{since:020d}":
            break
        after = page[-1][0]
    return found
