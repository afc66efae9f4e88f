"""Layers are merged key by key, and every value remembers where it came from."""

from decimal import Decimal
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from petrosa.apps.layers import Alias, Given, Known, Origin, given_by_tables, known_of, merge
from petrosa.errors import ConfigError


class Limits(msgspec.Struct, frozen=True):
    low: Annotated[float, Meta(ge=0, le=1)] = 0.1
    high: Annotated[float, Meta(ge=0, le=1)] = 0.9
    wallet: dict[str, Decimal] = msgspec.field(default_factory=lambda: {"USDT": Decimal(100)})

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"low {self.low} must not be above high {self.high}")


FILE, ENVIRONMENT, SET = Origin("file", "a.toml"), Origin("environment", "LIMITS_LOW"), Origin("--set")


def known() -> Known:
    return known_of({"limits": Limits}, [], {"limits.low_percent": Alias("limits.low", Decimal("0.01"))})


def built(*given: Given) -> Limits:
    return merge(known(), given).build(Limits, "limits")


def test_the_last_layer_that_names_a_key_decides_it() -> None:
    """Each key is decided alone: a strong layer does not hide a weak one's other keys."""
    merged = merge(
        known(), [Given("limits.low", 0.2, FILE), Given("limits.high", 0.8, FILE), Given("limits.low", 0.3, SET)]
    )
    assert Limits(0.3, 0.8) == merged.build(Limits, "limits")
    assert {"limits.low": SET, "limits.high": FILE} == {
        key: merged.origins[key] for key in ("limits.low", "limits.high")
    }


def test_what_nobody_says_is_the_default() -> None:
    """The default is a value with an origin too."""
    merged = merge(known(), [])
    assert Limits() == merged.build(Limits, "limits")
    assert "default" == str(merged.origins["limits.low"])


def test_entries_of_a_table_are_merged_one_by_one() -> None:
    """Naming one balance does not take the others away."""
    assert {"USDT": Decimal(100), "BTC": Decimal("0.5")} == built(
        Given("limits.wallet.BTC", "0.5", SET, is_text=True)
    ).wallet


def test_an_old_name_is_the_same_key_in_its_own_unit() -> None:
    """Twenty percent is 0.2, exactly."""
    assert 0.2 == built(Given("limits.low_percent", "20", SET, is_text=True)).low
    assert 0.2 == built(Given("limits.low_percent", 20, FILE)).low


def test_two_names_of_one_key_in_one_layer_contradict() -> None:
    """Neither is silently preferred."""
    with pytest.raises(ConfigError, match=r"limits\.low and limits\.low_percent are two names of limits\.low"):
        built(Given("limits.low", 0.2, FILE), Given("limits.low_percent", 20, FILE))


def test_a_stronger_layer_may_use_the_other_name() -> None:
    """The contradiction is within a layer only; between layers precedence decides."""
    assert 0.3 == built(Given("limits.low_percent", 20, FILE), Given("limits.low", "0.3", SET, is_text=True)).low


def test_an_unknown_key_is_refused_with_a_suggestion() -> None:
    """A typing error never becomes a default."""
    with pytest.raises(ConfigError) as caught:
        built(Given("limits.hihg", 0.5, FILE))
    assert "unknown key limits.hihg (file a.toml); did you mean limits.high?" == str(caught.value)


def test_a_key_in_the_wrong_section_is_found_by_its_last_part() -> None:
    """People remember the name, not the section."""
    with pytest.raises(ConfigError, match=r"did you mean limits\.high\?"):
        built(Given("risk_and_such.high", 0.5, FILE))


def test_every_mistake_is_told_at_once() -> None:
    """Three mistakes take one attempt, not three."""
    with pytest.raises(ConfigError) as caught:
        built(Given("limits.low", 7, FILE), Given("limits.high", "x", ENVIRONMENT, is_text=True), Given("nope", 1, SET))
    assert 3 == len(str(caught.value).splitlines())
    assert "limits.low = 7 (file a.toml) is out of bounds; write a number from 0 to 1" in str(caught.value)
    assert "limits.high = 'x' (environment LIMITS_LOW) is not a number from 0 to 1" in str(caught.value)


def test_values_that_do_not_go_together_name_their_sources() -> None:
    """A contradiction between keys says which layers it came from."""
    with pytest.raises(ConfigError) as caught:
        built(Given("limits.low", 1.0, FILE))
    assert "[limits]: low 1.0 must not be above high 0.9 (limits.low from file a.toml)" == str(caught.value)


def test_a_secret_in_a_wrong_value_is_not_repeated() -> None:
    """An address with a password in an error message has none."""
    with pytest.raises(ConfigError) as caught:
        built(Given("limits.low", "nats://user:hunter2@host", SET, is_text=True))
    assert "hunter2" not in str(caught.value)


def test_tables_become_single_values() -> None:
    """A file's nesting is the key's dots; a table of free keys gives one value an entry."""
    tables = {"limits": {"low": 0.2, "wallet": {"BTC": 1}}, "empty": {}}
    assert [("limits.low", 0.2), ("limits.wallet.BTC", 1), ("empty", {})] == [
        (given.key, given.value) for given in given_by_tables(known(), tables, FILE)
    ]


def test_a_section_without_entries_says_nothing() -> None:
    """All of its lines may be comments; one that there is not is still an error."""
    assert [] == given_by_tables(known(), {"limits": {}}, FILE)
    with pytest.raises(ConfigError, match="unknown key limitz"):
        merge(known(), given_by_tables(known(), {"limitz": {}}, FILE))
