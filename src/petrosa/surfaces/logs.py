"""Log lines on standard error: JSON for machines, plain for a terminal, with correlation ids and without secrets.

Whoever logs uses `logging` or `structlog`; both come out the same way. A line about a signal, its orders and its fills
carries the signal's id as `correlation_id`; a line of a process carries `run`.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import Processor

from petrosa.errors import ConfigError
from petrosa.surfaces.redaction import redact

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FORMATS = ("auto", "json", "plain")


def configure(level: str = "INFO", style: str = "auto", stream: TextIO | None = None, **bound: str) -> None:
    """Send every log line to `stream` (standard error); `bound` values (run, service) are on each of them.

    Raises `ConfigError` for a level or a style that does not exist.
    """
    stream = stream or sys.stderr
    if level.upper() not in LEVELS:
        raise ConfigError(f"log.level = {level!r}; write one of {', '.join(LEVELS)}")
    if style not in FORMATS:
        raise ConfigError(f"log.format = {style!r}; write one of {', '.join(FORMATS)}")
    plain = style == "plain" or (style == "auto" and stream.isatty())
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    end: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    end += [structlog.dev.ConsoleRenderer(colors=False)] if plain else [_json_names, _render_json]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=end, foreign_pre_chain=steps))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**bound)


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A step of the chain: whatever a line carries goes through the one rule."""
    return {name: redact(name, value) if name[:1] != "_" else value for name, value in event.items()}


def _json_names(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The names of the documented line, in its order: level and message first."""
    level = str(event.pop("level", "info")).upper()
    return {"level": level, "message": event.pop("event", ""), "timestamp": event.pop("timestamp", ""), **event}


def _render_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return msgspec.json.encode(dict(event), enc_hook=str).decode()
