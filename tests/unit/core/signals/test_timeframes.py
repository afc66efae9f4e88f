"""How long a timeframe is and what it weighs."""

import pytest

from petrosa.core.signals.timeframes import WEIGHTS, seconds_of, weight_of


@pytest.mark.parametrize(
    ("timeframe", "seconds"),
    [("tick", 0), ("30s", 30), ("15m", 900), ("1h", 3_600), ("3d", 259_200), ("1w", 604_800), ("1M", 2_592_000)],
)
def test_a_timeframe_has_a_length(timeframe: str, seconds: int) -> None:
    """A count and a unit; `m` is a minute and `M` a month."""
    assert seconds == seconds_of(timeframe)


@pytest.mark.parametrize("text", ["", "h", "0m", "1H", "15 m", "-1m", "1m1", "fast"])
def test_what_is_no_timeframe_has_none(text: str) -> None:
    """Nothing is guessed."""
    assert seconds_of(text) is None


def test_longer_timeframes_weigh_more() -> None:
    """The table rises with the length, from a tick to a month."""
    lengths = [seconds_of(name) for name in WEIGHTS]
    assert sorted(lengths, key=lambda length: length or 0) == lengths
    assert sorted(WEIGHTS.values()) == list(WEIGHTS.values())
    assert (0.1, 1.6) == (WEIGHTS["tick"], WEIGHTS["1M"])


def test_a_timeframe_between_two_weighs_as_the_shorter() -> None:
    """What is not in the table has the weight of the longest that is not longer; what is chosen comes first."""
    assert WEIGHTS["30m"] == weight_of("45m", {})
    assert (2.0, 3.0) == (weight_of("45m", {"30m": 2.0}), weight_of("45m", {"30m": 2.0, "45m": 3.0}))
