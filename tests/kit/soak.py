"""How much of a campaign is run: a fixed sample in `make test`, all of it in `make soak`."""

import os
from collections.abc import Callable
from typing import Any, Final, TypeVar

from hypothesis import settings

SOAKING: Final = os.environ.get("PETROSA_SOAK") == "1"
TIMES: Final = 20
T = TypeVar("T")


def sample(few: T, whole: T) -> T:
    """What of something to go through, or how many of it."""
    return whole if SOAKING else few


def examples(few: int) -> Callable[[Any], Any]:
    """Hypothesis settings: always the same few examples, or twenty times as many new ones."""
    return settings(deadline=None, derandomize=not SOAKING, max_examples=few * TIMES if SOAKING else few)
