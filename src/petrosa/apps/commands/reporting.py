"""What a running service says about itself goes through the log, so that every line has one form."""

from collections.abc import Callable

import structlog

from petrosa.apps.settings import Settings
from petrosa.surfaces.logs import configure


def reporter(settings: Settings, service: str, *, level: str = "") -> Callable[[str], None]:
    """Logging as configured (or at another level), and a function that writes one line for people through it."""
    configure(level or settings.log.level, settings.log.format, service=service)
    log = structlog.get_logger("petrosa")
    return lambda text: log.info(text)
