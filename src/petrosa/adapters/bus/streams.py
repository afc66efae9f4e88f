"""How durable streams are set up on a NATS server."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from nats.js import JetStreamContext, api
from nats.js.errors import APIError

from petrosa.errors import ConfigError

Answer = Callable[[Coroutine[Any, Any, api.StreamInfo]], Awaitable[api.StreamInfo]]
"""Waits for the server's answer, no longer than the connection lasts."""


def stream_config(stream: str, subjects: Sequence[str], duplicate_window_s: float) -> api.StreamConfig:
    """A stream in files that forgets nothing."""
    return api.StreamConfig(
        name=stream,
        subjects=list(subjects),
        duplicate_window=duplicate_window_s,
        retention=api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
    )


async def bound(js: JetStreamContext, answer: Answer, stream: str, seconds: float, size: int) -> None:
    """Have a stream forget what is older, or too much (bytes); a bound that it has already stays as it is."""
    known = (await answer(js.stream_info(stream))).config
    if known.max_age or (known.max_bytes or -1) >= 0:
        return
    try:
        window = min(known.duplicate_window or seconds, seconds)
        await answer(js.update_stream(known.evolve(max_age=seconds, max_bytes=size, duplicate_window=window)))
    except APIError as problem:
        raise ConfigError(f"stream {stream} cannot be bounded: {problem.description}") from None
