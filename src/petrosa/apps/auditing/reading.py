"""The audit of the document store for readers."""

from collections.abc import Mapping
from typing import Any

import msgspec

from petrosa.apps.auditing.store import newest
from petrosa.core.model.base import NEVER
from petrosa.errors import DataError
from petrosa.ports import Documents
from petrosa.surfaces.audit.projection import COLLECTION
from petrosa.surfaces.audit.reading import STORY_MAX, AuditEntry, AuditLog, SignalStory


class StoredAudit:
    """An `AuditReading` over a document store."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def find(self, where: Mapping[str, str], *, since: int, until: int, before: str, limit: int) -> AuditLog:
        found = await newest(self._documents, where, since=since, until=until, limit=limit + 1, before=before)
        records = tuple(_entry(key, document) for key, document in found[:limit])
        return AuditLog(records, records[-1].id if len(found) > limit else None)

    async def story(self, signal_id: str) -> SignalStory:
        where = {"signal_id": signal_id}
        found = await newest(self._documents, where, since=0, until=NEVER, limit=STORY_MAX + 1)
        records = tuple(_entry(key, document) for key, document in reversed(found[:STORY_MAX]))
        return SignalStory(signal_id, records, len(found) <= STORY_MAX)


def _entry(key: str, document: Mapping[str, Any]) -> AuditEntry:
    try:
        return msgspec.convert({**document, "id": key}, AuditEntry)
    except msgspec.ValidationError as problem:
        text = f"document {COLLECTION}/{key} is no record of ours: {problem}; put it right or remove it"
        raise DataError(text) from None
