"""What a key may hold is read off the struct that uses it."""

from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from petrosa.apps.fields import BadValue, Field, fields_of, from_text, from_value, item_field, nested


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(msgspec.Struct, frozen=True):
    depth: Annotated[int, Meta(ge=1, le=20, description="How deep.")] = 5


class Sample(msgspec.Struct, frozen=True):
    share: Annotated[float, Meta(gt=0, lt=1, description="A share.")] = 0.5
    count: Annotated[int, Meta(ge=0)] = 1
    amount: Decimal = Decimal(10)
    limit: Annotated[float, Meta(ge=0)] | None = None
    names: tuple[str, ...] = ("a",)
    switch: bool = True
    colour: Colour = Colour.RED
    wallet: dict[str, Decimal] = msgspec.field(default_factory=dict)
    inner: Inner = Inner()


FIELDS = {field.key: field for field in fields_of(Sample, "sample")}


def field(name: str) -> Field:
    return FIELDS[f"sample.{name}"]


def test_every_leaf_is_a_key() -> None:
    """Fields of nested structs are keys of their own; the nested struct itself is none."""
    leaves = ["share", "count", "amount", "limit", "names", "switch", "colour", "wallet", "inner.depth"]
    assert [f"sample.{leaf}" for leaf in leaves] == list(FIELDS)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("share", "0.25", 0.25),
        ("share", " 0.25 ", 0.25),
        ("count", "7", 7),
        ("amount", "0.10", Decimal("0.10")),
        ("limit", "3", 3.0),
        ("limit", "none", None),
        ("names", "a, b,,c", ("a", "b", "c")),
        ("names", "", ()),
        ("switch", "true", True),
        ("switch", "OFF", False),
        ("switch", "0", False),
        ("switch", "Yes", True),
        ("colour", "blue", Colour.BLUE),
        ("inner.depth", "20", 20),
    ],
)
def test_a_text_is_read_by_the_type_of_its_key(name: str, text: str, expected: Any) -> None:
    """A text from the environment means what the key's type says."""
    assert expected == from_text(field(name), text)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("share", "1", "is out of bounds; write a number above 0 and below 1"),
        ("share", "x", "is not a number above 0 and below 1"),
        ("share", "nan", "is not a finite number; write a number above 0 and below 1"),
        ("share", "-inf", "is not a finite number; write a number above 0 and below 1"),
        ("amount", "NaN", "is not a finite number; write a number"),
        ("amount", "Infinity", "is not a finite number; write a number"),
        ("count", "-1", "is out of bounds; write a whole number from 0 up"),
        ("count", "1.5", "is not a whole number from 0 up"),
        ("count", "", "is not a whole number from 0 up"),
        ("switch", "maybe", "is not true or false"),
        ("colour", "green", "is not one of red, blue"),
        ("inner.depth", "21", "is out of bounds; write a whole number from 1 to 20"),
    ],
)
def test_a_wrong_text_is_answered_with_what_would_be_right(name: str, text: str, message: str) -> None:
    """The message holds the bounds, so that nobody has to look them up."""
    with pytest.raises(BadValue) as caught:
        from_text(field(name), text)
    assert message == str(caught.value)


@pytest.mark.parametrize(("name", "value"), [("count", "7"), ("switch", 1), ("share", True), ("names", "abc")])
def test_a_file_must_use_the_type_of_the_key(name: str, value: Any) -> None:
    """A quoted number in a file is a mistake, not a number."""
    with pytest.raises(BadValue):
        from_value(field(name), value)


def test_a_mapping_has_a_key_for_each_entry() -> None:
    """`wallet.USDT` is a number; `share.USDT` is nothing."""
    entry = item_field(field("wallet"), "USDT")
    assert entry is not None
    assert Decimal("1.5") == from_text(entry, "1.5")
    assert item_field(field("share"), "USDT") is None


def test_dotted_keys_make_a_tree() -> None:
    """Only what is below the prefix is taken."""
    assert {"a": {"x": 1, "y": {"z": 2}}, "ab": {"x": 3}} == nested({"a.x": 1, "a.y.z": 2, "ab.x": 3})
