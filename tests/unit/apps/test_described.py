"""A strategy's declaration as one value, and as a table for people."""

import msgspec
import pytest

from petrosa.apps.described import Description, default_text, describe, entry_of
from petrosa.apps.fields import from_text
from petrosa.apps.main import run
from petrosa.apps.settings import known_keys, load
from petrosa.core.strategies.catalog import CATALOG
from petrosa.errors import EXIT_OK, EXIT_USAGE

Captured = pytest.CaptureFixture[str]


def plain_list(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", CATALOG)
def test_every_parameter_of_every_strategy_is_described(name: str) -> None:
    """The switch and each field, with a sentence, values, and an environment name that settings understand."""
    found = describe(CATALOG[name])
    fields = [field.encode_name for field in msgspec.structs.fields(CATALOG[name].params)]
    assert ["enabled", *fields] == [one.name for one in found.parameters]
    for one in found.parameters:
        key = f"strategies.{name}.{one.name}"
        text = default_text(one)
        assert one.default == plain_list(from_text(known_keys().fields[key], text))
        given = load(environ={one.environment: text}).merged.origins[key] if text else None
        assert f"environment {one.environment}" == str(given) or not text
        assert one.description
        assert one.values


def test_what_a_change_does_is_the_declarations_word() -> None:
    """A parameter that decides what is in a window lets the strategy warm up again."""
    found = {one.name: one.on_change for one in describe(CATALOG["trade_momentum"]).parameters}
    assert ("warm up again", "keep state") == (found["momentum_window"], found["buy_threshold"])
    assert "warm up again" == found["enabled"]


def test_other_names_have_their_factor() -> None:
    """A documented percentage is a hundred hundredths of a percent."""
    names = {one.name: one.aliases for one in describe(CATALOG["orderbook_skew"]).parameters}
    assert {"min_spread_percent": 100.0} == names["max_spread_bps"]


@pytest.mark.parametrize("name", CATALOG)
def test_the_command_prints_the_same_in_both_forms(name: str, capsys: Captured) -> None:
    """JSON that comes back as it was, and a table with every parameter."""
    assert EXIT_OK == run(["config", "describe", name, "--json"])
    found = msgspec.json.decode(capsys.readouterr().out, type=Description)
    assert describe(entry_of(name)) == found
    assert EXIT_OK == run(["config", "describe", name])
    out = capsys.readouterr().out
    assert [] == [one.name for one in found.parameters if one.name not in out or one.values not in out]
    assert [] == [sentence for sentence in found.fails_when if sentence not in out]


def test_an_unknown_strategy_has_a_suggestion(capsys: Captured) -> None:
    """It is an error of the command line."""
    assert EXIT_USAGE == run(["config", "describe", "orderbok_skew"])
    assert "did you mean orderbook_skew?" in capsys.readouterr().err
