"""Parameters as people write them."""

import pytest

from petrosa.apps.parameters import params_from
from petrosa.core.signals.checks import SignalParams
from petrosa.core.strategies.tick import orderbook_skew, trade_momentum
from petrosa.errors import ConfigError


def test_nothing_named_is_all_defaults() -> None:
    """An empty section is the documented strategy."""
    assert orderbook_skew.Params() == params_from({}, orderbook_skew.Params, where="orderbook_skew")


def test_texts_are_read_as_what_they_are_for() -> None:
    """The environment and the command line have only texts."""
    texts = {"top_levels": "3", "buy_threshold": "1.5", "flow_guard": "false"}
    expected = orderbook_skew.Params(top_levels=3, buy_threshold=1.5, flow_guard=False)
    assert expected == params_from(texts, orderbook_skew.Params, where="orderbook_skew")


@pytest.mark.parametrize(("percent", "bps"), [(0.1, 10.0), ("0.1", 10.0), (0.07, 7.0), (1, 100.0)])
def test_the_documented_spread_name_still_works(percent: object, bps: float) -> None:
    """`min_spread_percent` of 0.1 % is `max_spread_bps` of exactly 10."""
    values = {"min_spread_percent": percent}
    assert bps == params_from(values, orderbook_skew.Params, where="orderbook_skew").max_spread_bps


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"min_spread_percent": 0.1, "max_spread_bps": 10},
            "orderbook_skew: min_spread_percent and max_spread_bps are the same parameter; set one of them",
        ),
        ({"buy_treshold": 1.3}, "orderbook_skew: unknown parameter 'buy_treshold'; did you mean buy_threshold?"),
        ({"buy_threshold": 5}, "orderbook_skew.buy_threshold = 5: expected `float` <= 3.0; the default is 1.2"),
        (
            {"buy_threshold": float("nan")},
            "orderbook_skew.buy_threshold = nan: expected `float` >= 1.0; the default is 1.2",
        ),
        (
            {"cooldown_seconds": "inf"},
            "orderbook_skew.cooldown_seconds = 'inf': expected `float` <= 86400.0; the default is 900.0",
        ),
        ({"top_levels": True}, "orderbook_skew.top_levels = True: expected `int`, got `bool`; the default is 5"),
        ({"top_levels": 2.5}, "orderbook_skew.top_levels = 2.5: expected `int`, got `float`; the default is 5"),
        ({"top_levels": "many"}, "orderbook_skew.top_levels = 'many': expected `int`, got `str`; the default is 5"),
        ({"flow_guard": 7}, "orderbook_skew.flow_guard = 7: expected `bool`, got `int`; the default is True"),
        (
            {"min_spread_percent": 1_000},
            "orderbook_skew.min_spread_percent = 1000 (times 100 is max_spread_bps): expected `float` <= 10000.0; "
            "the default is 10.0",
        ),
        (
            {"buy_threshold": 1, "sell_threshold": 1},
            "orderbook_skew: buy_threshold 1.0 must be above sell_threshold 1.0",
        ),
    ],
)
def test_a_complaint_is_complete(values: dict[str, object], message: str) -> None:
    """It names the section, the parameter, the value and the limit."""
    with pytest.raises(ConfigError) as caught:
        params_from(values, orderbook_skew.Params, where="orderbook_skew")
    assert message == str(caught.value)


def test_a_name_like_no_other_gets_the_list() -> None:
    """Where nothing is close, all names are shown."""
    with pytest.raises(ConfigError, match=r"unknown parameter 'zzz'; there are max_signal_age_seconds, "):
        params_from({"zzz": 1}, SignalParams, where="signals")


def test_weights_are_checked_together() -> None:
    """One weight alone can be in its bounds and still be wrong."""
    with pytest.raises(ConfigError, match=r"trade_momentum: .* sum to 1.6; they must sum to 1"):
        params_from({"price_weight": "1.0"}, trade_momentum.Params, where="trade_momentum")
