"""nats-py's client as we use it: handed many messages at once, and coming back after pauses that grow."""

import random
from collections.abc import Sequence
from typing import Any, Final

import nats.aio.client
import nats.errors
from nats.aio.client import Server

HEADS_KEPT: Final = 8_192
"""Subjects remembered; others are published on all the same, only slower."""
RETRY_FIRST_S: Final = 0.05
RETRY_LAST_S: Final = 5.0


class Client(nats.aio.client.Client):
    """Publishes many messages with one write: one by one each of them costs several times as much."""

    def __init__(self) -> None:
        super().__init__()
        self._heads: dict[str, bytes] = {}

    async def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish (subject, data) in this order: all of them, or none when it raises what `publish` raises.

        A message larger than the server takes is a `MaxPayloadError` for all, as it is for who publishes it alone.
        """
        if self.is_closed:
            raise nats.errors.ConnectionClosedError
        if self.is_draining_pubs:
            raise nats.errors.ConnectionDrainingError
        heads, largest, size = self._heads, self.max_payload, 0
        parts: list[bytes] = []
        for subject, data in messages:
            length = len(data)
            if length > largest:
                raise nats.errors.MaxPayloadError
            size += length
            parts += (heads.get(subject) or self._head(subject), b"%d\r\n" % length, data, b"\r\n")
        self.stats["out_msgs"] += len(messages)
        self.stats["out_bytes"] += size
        await self._send_command(b"".join(parts))
        if self._flush_queue is not None and self._flush_queue.empty():
            await self._flush_pending()

    def _head(self, subject: str) -> bytes:
        """What a publication on a subject begins with. Raises `BadSubjectError` as `publish` does."""
        if not subject or subject.split() != [subject]:
            raise nats.errors.BadSubjectError
        head = f"PUB {subject} ".encode()
        if len(self._heads) < HEADS_KEPT:
            self._heads[subject] = head
        return head


def after_a_while(servers: list[Server], _info: dict[str, Any]) -> tuple[Server, float]:
    """The server tried least, after a pause that doubles up to five seconds and is never the same for two clients."""
    server = min(servers, key=lambda one: one.reconnects)
    longest = min(RETRY_LAST_S, RETRY_FIRST_S * 2.0 ** min(server.reconnects, 16))
    return server, longest * random.uniform(0.5, 1.0)
