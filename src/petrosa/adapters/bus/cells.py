"""Small values that several processes change by compare-and-set: a key-value bucket of JetStream."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, NamedTuple

import nats.errors
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError
from nats.js.errors import Error as JetStreamError

from petrosa.errors import TransportError

WRONG_LAST: Final = 10071
"""What the server says when a value has changed since."""

Answer = Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]
_AWAY: Final = (nats.errors.Error, JetStreamError, TimeoutError, OSError)


class Cell(NamedTuple):
    """A value and its revision, which grows with every change in the bucket."""

    revision: int
    data: bytes


class Cells:
    """One bucket. Everything is read from the leader of its stream, never from a replica that may be behind.

    Raises `TransportError` when there is no answer: then a write may have been done or not, and reading tells.
    """

    def __init__(self, js: JetStreamContext, answer: Answer, bucket: str) -> None:
        self.bucket = bucket
        self._js = js
        self._answer = answer

    async def ensure(self, description: str) -> bool:
        """Make the bucket if there is none, as it is if there is one; whether it was made now."""
        try:
            await self._answer(self._js.stream_info(f"KV_{self.bucket}"))
        except NotFoundError:
            wanted = api.KeyValueConfig(bucket=self.bucket, description=description, history=1)
            await self._asked(self._js.create_key_value(wanted))
            return True
        except _AWAY as problem:
            raise self._away(problem) from None
        return False

    async def read(self, key: str) -> Cell | None:
        """What stands there now; None when nothing does."""
        try:
            message = await self._answer(self._js.get_last_msg(f"KV_{self.bucket}", self._subject(key)))
        except NotFoundError:
            return None
        except _AWAY as problem:
            raise self._away(problem) from None
        return Cell(message.seq, message.data or b"")

    async def write(self, key: str, data: bytes, after: int) -> int | None:
        """The new revision; None, and nothing is changed, when another than `after` (0: none) stands there."""
        expected = {"Nats-Expected-Last-Subject-Sequence": str(after)}
        try:
            ack = await self._answer(self._js.publish(self._subject(key), data, headers=expected))
        except APIError as problem:
            if problem.err_code == WRONG_LAST:
                return None
            raise self._away(problem) from None
        except _AWAY as problem:
            raise self._away(problem) from None
        return int(ack.seq)

    async def _asked(self, request: Coroutine[Any, Any, Any]) -> None:
        try:
            await self._answer(request)
        except _AWAY as problem:
            raise self._away(problem) from None

    def _subject(self, key: str) -> str:
        return f"$KV.{self.bucket}.{key}"

    def _away(self, problem: BaseException) -> TransportError:
        return TransportError(f"bucket {self.bucket} of NATS: {str(problem) or type(problem).__name__}")
