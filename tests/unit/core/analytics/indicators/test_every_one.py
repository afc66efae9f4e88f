"""What all indicators promise: stream and column are one, nothing before the warm-up, bad numbers change nothing."""

import random
from array import array
from collections.abc import Sequence
from math import isnan, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.soak import examples, sample

from .catalogue import ALL, Case, numbers, table

Columns = dict[str, list[Any]]


@st.composite
def columns(draw: st.DrawFn) -> Columns:
    """Bars of any prices above zero, with stretches in which nothing moves or is traded."""
    price = st.floats(1e-6, 1e9, allow_nan=False)
    made: Columns = {"ts_open": [], "high": [], "low": [], "close": [], "volume": []}
    for ts in range(draw(st.integers(0, 40))):
        if made["close"] and draw(st.booleans()):
            low = high = close = made["close"][-1]
        else:
            low, close, high = sorted((draw(price), draw(price), draw(price)))
        row = (ts * 2, high, low, close, draw(st.sampled_from([0.0, 0.5, 3.0])))
        for column, value in zip(made.values(), row, strict=True):
            column.append(value)
    return made


def of(case: Case, made: Columns) -> list[Sequence[Any]]:
    return [made[name] for name in case.columns]


def bits(columns: list[Sequence[float]]) -> list[bytes]:
    return [array("d", column).tobytes() for column in columns]


@pytest.mark.parametrize("name", ALL)
@examples(15)
@given(columns())
def test_a_stream_gives_the_column_to_the_last_bit(name: str, made: Columns) -> None:
    """Whatever the bars; lists, arrays and NumPy's arrays are the same to it."""
    case = ALL[name]
    given_columns, stream = of(case, made), case.make()
    answers = [stream.update(*row) for row in zip(*given_columns, strict=True)]
    width = len(table(case.whole(*given_columns)))
    streamed = [numbers(answer) if answer is not None else (nan,) * width for answer in answers]
    expected = bits([[row[k] for row in streamed] for k in range(width)])
    assert expected == bits(table(case.whole(*given_columns)))
    assert expected == bits(table(case.whole(*map(np.array, given_columns))))


@pytest.mark.parametrize("name", ALL)
@examples(15)
@given(columns())
def test_nothing_before_the_warm_up_and_a_number_from_there_on(name: str, made: Columns) -> None:
    """The update with the number `warmup` is the first that answers. Where nothing was traded there is no VWAP."""
    case = ALL[name]
    stream = case.make()
    for n, row in enumerate(zip(*of(case, made), strict=True), start=1):
        answer = stream.update(*row)
        if n < stream.warmup:
            assert answer is None
        elif name != "vwap":
            assert answer is not None
            assert not any(isnan(number) for number in numbers(answer))


@pytest.mark.parametrize("name", ALL)
@examples(15)
@given(columns(), st.integers(-20, 20))
def test_prices_in_another_unit(name: str, made: Columns, power: int) -> None:
    """Prices times a power of two, which no rounding touches: what is a price is so too, what is a share is not."""
    case, factor = ALL[name], 2.0**power
    scaled = {key: [p * factor for p in made[key]] if key in {"high", "low", "close"} else made[key] for key in made}
    plain, other = table(case.whole(*of(case, made))), table(case.whole(*of(case, scaled)))
    assert bits([[p * factor**case.scale for p in column] for column in plain]) == bits(other)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("bad", [nan, float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_refused_and_forgotten(name: str, bad: float) -> None:
    """In any place of a bar; after it the indicator goes on as if it had never been there."""
    case, rng = ALL[name], random.Random(name)
    clean, soiled = case.make(), case.make()
    for ts in range(60):
        price = rng.uniform(50.0, 60.0)
        row = {"ts_open": ts, "high": price + 1.0, "low": price - 1.0, "close": price, "volume": rng.random()}
        values = [row[name] for name in case.columns]
        for place, column in enumerate(case.columns):
            if column != "ts_open":
                with pytest.raises(ValueError, match="finite"):
                    soiled.update(*values[:place], bad, *values[place + 1 :])
        assert clean.update(*values) == soiled.update(*values)


@pytest.mark.parametrize("name", ALL)
def test_an_empty_column_is_an_empty_column(name: str) -> None:
    """Nothing in, nothing out."""
    case = ALL[name]
    assert all(len(column) == 0 for column in table(case.whole(*([] for _ in case.columns))))


@pytest.mark.parametrize("name", [name for name in ALL if len(ALL[name].columns) > 1])
def test_columns_of_different_lengths_are_refused(name: str) -> None:
    """High of ten bars and low of nine are a mistake."""
    case = ALL[name]
    long = [list(range(1, 11)) for _ in case.columns]
    for short in range(len(long)):
        with pytest.raises(ValueError, match="same bars"):
            case.whole(*(column[:9] if place == short else column for place, column in enumerate(long)))


@pytest.mark.parametrize("name", [name for name, case in ALL.items() if case.columns == ("close",)])
def test_a_price_that_stands_still(name: str) -> None:
    """Averages are that price, distances are nothing, and who moved is undecided."""
    expected = {"rsi": 50.0, "macd": 0.0, "percent rank": 1.0}.get(name, 0.1)
    for answer in map(ALL[name].make().update, [0.1] * 200):
        if answer is not None:
            assert [expected] * len(numbers(answer)) == pytest.approx(list(numbers(answer)), rel=1e-15, abs=1e-16)


@pytest.mark.parametrize("name", [name for name in ALL if name not in {"vwap", "highest", "lowest", "percent rank"}])
def test_a_huge_number_that_has_passed_leaves_nothing_behind(name: str) -> None:
    """After years of bars, some of them absurd, an indicator says what one says that saw only the last thousand."""
    case, rng = ALL[name], random.Random(1)
    old, new = case.make(), case.make()
    length = sample(6_000, 2_000_000)
    for ts in range(length):
        price = rng.uniform(50.0, 60.0) * (1e9 if ts % 997 == 0 and ts < length - 1_000 else 1.0)
        row = {"high": price + 1.0, "low": price - 1.0, "close": price, "volume": price}
        values = [row[column] for column in case.columns]
        answer = old.update(*values)
        if ts >= length - 900:
            fresh = new.update(*values)
    assert numbers(answer) == pytest.approx(numbers(fresh), rel=1e-12)
