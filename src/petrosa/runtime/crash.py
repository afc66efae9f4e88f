"""Named points at which a test kills the process, compiled into what they are about and armed by one setting."""

import os
import signal

from petrosa.errors import ConfigError

NAMES = (
    "journal.before_write",
    "journal.after_write",
    "journal.after_sync",
    "outbox.before_send",
    "outbox.after_send",
    "gateway.before_write",
    "gateway.after_write",
    "gateway.after_answer",
    "user.heard",
    "inbox.before_turn",
)


class CrashPoint:
    """Kills this process with SIGKILL when it passes the armed point: `outbox.before_send`, or `outbox.before_send:3`
    for the third time it is passed. Nothing is flushed and nobody is told, as in a real crash.
    """

    def __init__(self, armed: str) -> None:
        name, _, count = armed.partition(":")
        if name not in NAMES or not (count.isdigit() or not count):
            raise ConfigError(
                f"crash point {armed!r} is unknown; use one of {', '.join(NAMES)}, with :N for the Nth time"
            )
        self._name = name
        self._left = int(count or 1)

    def __call__(self, name: str) -> None:
        """Pass the point `name`."""
        if name != self._name:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def crash_point(armed: str) -> CrashPoint | None:
    """The armed point, or none for the empty setting, so that an unarmed run passes nothing at all."""
    return CrashPoint(armed) if armed else None
