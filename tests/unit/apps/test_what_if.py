"""What other parameters would have done: two whole desks on one recording, side by side."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from petrosa.apps import what_if as asking
from petrosa.apps.backtest import run_backtest
from petrosa.apps.catalogue import packaged_recordings
from petrosa.apps.layers import Given, Origin
from petrosa.apps.main import run
from petrosa.apps.settings import Settings, load
from petrosa.apps.what_if import what_if
from petrosa.backtest.what_if import WhatIf
from petrosa.core.strategies.catalog import TICK
from petrosa.errors import EXIT_CONFIG, EXIT_OK, EXIT_USAGE, ConfigError, UsageError

Captured = pytest.CaptureFixture[str]
TWINS = ("synthetic-usdm", "synthetic-spot")
QUICK = Given("strategies.trade_momentum.cooldown_seconds", 5.0, Origin("stored", "all v1"))


def settings(*sets: str) -> Settings:
    return load(sets=sets, environ={})


def asked(strategy: str, *sets: str, symbol: str = "", twin: str = TWINS[0], under: Settings | None = None) -> WhatIf:
    return what_if(under or settings(), strategy, sets, [packaged_recordings() / twin], symbol=symbol)


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("strategy", TICK)
def test_equal_parameters_give_equal_columns(strategy: str, twin: str) -> None:
    """Written as they are already, they change nothing, and the answer says so."""
    answer = asked(strategy, f"cooldown_seconds={TICK[strategy].params().cooldown_seconds}", twin=twin)
    assert (answer.before, None, ()) == (answer.after, answer.first_difference, answer.changes)
    assert "The parameters are the same on both sides." in answer.caveats


def test_a_side_is_what_a_backtest_comes_to(tmp_path: Path) -> None:
    """Signals, orders, fills and money of the left side are those of `petrosa backtest`, of the right side too."""
    quick = settings().restored([QUICK])
    summaries = [
        run_backtest([packaged_recordings() / TWINS[0]], given, folder=tmp_path / name)
        for name, given in (("quick", quick), ("slow", settings()))
    ]
    answer = asked("trade_momentum", "cooldown_seconds=900", under=quick)
    for side, summary in zip((answer.before, answer.after), summaries, strict=True):
        signals = {action: count for action, count in side.signals.items() if count}
        assert summary.signals["trade_momentum"] == signals
        assert (summary.orders, summary.fills) == (side.orders, side.fills)
        assert (summary.pnl.realized, summary.pnl.unrealized) == (side.realized, side.unrealized)
        assert summary.pnl.fees == side.fees
        assert side.net == side.realized + side.unrealized - (summary.pnl.fees_converted or 0)


def test_a_threshold_beyond_reach_gives_no_signal() -> None:
    """The right column is empty, and the first difference is the first signal of the left one."""
    answer = asked("trade_momentum", "buy_threshold=1", "sell_threshold=-1")
    assert sum(answer.before.signals.values()) > 0
    assert {"buy": 0, "sell": 0} == answer.after.signals
    assert answer.first_difference is not None
    assert "before" == answer.first_difference.side
    assert "no score counted" in answer.first_difference.why
    assert answer.after.quiet["below_threshold"] > answer.before.quiet["below_threshold"]


def test_the_first_difference_says_which_check_stood_in_the_way() -> None:
    """A shorter cooldown lets a signal through that the other side refused, with what it saw and its limit."""
    answer = asked("trade_momentum", "cooldown_seconds=5")
    assert sum(answer.after.signals.values()) > sum(answer.before.signals.values())
    assert answer.first_difference is not None
    assert "after" == answer.first_difference.side
    assert "the other side refused it by cooldown: saw" in answer.first_difference.why
    assert "limit 900 s" in answer.first_difference.why


def test_a_change_for_one_symbol_leaves_the_others() -> None:
    """Only that symbol's parameters change, and only its signals are counted."""
    both = asked("trade_momentum", "cooldown_seconds=5")
    one = asked("trade_momentum", "cooldown_seconds=5", symbol="ETH/USDT:USDT")
    assert [("", "cooldown_seconds", 900.0, 5.0)] == [msgspec.structs.astuple(change) for change in both.changes]
    assert [("ETHUSDT", "cooldown_seconds", 900.0, 5.0)] == [msgspec.structs.astuple(change) for change in one.changes]
    assert 0 < sum(one.after.signals.values()) < sum(both.after.signals.values())
    assert both.before.fills <= one.after.fills <= both.after.fills


def test_what_is_stored_is_what_holds() -> None:
    """The left side has the stored values; what is stored for a symbol stands against a change for all."""
    key = "strategies.trade_momentum.symbols.ETHUSDT.cooldown_seconds"
    stored = settings().restored([Given(key, 5.0, Origin("stored", "ETHUSDT v2"))])
    answer = asked("trade_momentum", "cooldown_seconds=10", under=stored)
    assert [("BTCUSDT", 900.0, 10.0)] == [(change.symbol, change.before, change.after) for change in answer.changes]


def test_a_change_that_a_command_line_overrules_says_so() -> None:
    """What is stored is weaker than --set, so storing it would change nothing."""
    given = settings("trade_momentum.cooldown_seconds=5")
    for symbol in ("", "BTCUSDT"):
        answer = asked("trade_momentum", "cooldown_seconds=10", under=given, symbol=symbol)
        assert (answer.before, ()) == (answer.after, answer.changes)
        assert "cooldown_seconds is given by --set, which is stronger than what is stored" in answer.caveats[0]


def test_switching_a_strategy_off_is_a_what_if_too() -> None:
    """`enabled` is a parameter like any other."""
    answer = asked("orderbook_skew", "enabled=false")
    assert [("enabled", True, False)] == [(change.name, change.before, change.after) for change in answer.changes]
    assert sum(answer.before.signals.values()) > 0
    assert 0 == sum(answer.after.signals.values())


def test_an_old_name_is_understood() -> None:
    """0.05 percent under the alias are 5 hundredths of a percent."""
    answer = asked("orderbook_skew", "min_spread_percent=0.05")
    assert [("max_spread_bps", 10.0, 5.0)] == [(change.name, change.before, change.after) for change in answer.changes]


def test_an_answer_fits_into_an_audit_record() -> None:
    """It is JSON, small, and comes back as it was."""
    answer = asked("trade_momentum", "cooldown_seconds=0", "edge_trigger=false")
    encoded = msgspec.json.encode(answer)
    assert len(encoded) < 8_000
    assert answer == msgspec.json.decode(encoded, type=WhatIf)


def test_a_long_list_of_changes_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer stays small however many symbols there are."""
    monkeypatch.setattr(asking, "CHANGES_MAX", 1)
    answer = asked("trade_momentum", "cooldown_seconds=5", "min_quantity=0.002")
    assert 1 == len(answer.changes)
    assert "1 more changed parameters are not listed." in answer.caveats


def test_caveats_speak_of_length_and_of_what_is_not_in_the_recording() -> None:
    """Counts from two minutes prove little, and a strategy that hears nothing cannot speak."""
    said = asked("trade_momentum", "cooldown_seconds=5").caveats
    assert "2 min 30 s of market" in said[0]
    assert any("warm up first" in caveat for caveat in said)
    off = settings("strategies.trade_momentum.enabled=false")
    assert any(
        "not enabled on either side" in one for one in asked("trade_momentum", "min_quantity=0", under=off).caveats
    )


def test_a_question_leaves_nothing_behind(tmp_path: Path, capsys: Captured) -> None:
    """No run, no journal, not even the data directory."""
    words = ["orderbook_skew", "--set", "buy_threshold=1.5", "--recording", TWINS[0], "--home", str(tmp_path / "home")]
    assert EXIT_OK == run(["config", "what-if", *words, "--json"])
    answer = msgspec.json.decode(capsys.readouterr().out)
    assert [{"symbol": "", "name": "buy_threshold", "before": 1.2, "after": 1.5}] == answer["changes"]
    assert [] == list(tmp_path.iterdir())


def test_people_get_both_sides_and_the_difference(capsys: Captured) -> None:
    """A table, one sentence about the first signal that differs, and the notes."""
    words: list[Any] = ["--set", "cooldown_seconds=5", "--symbol", "BTCUSDT", "--recording", TWINS[0]]
    assert EXIT_OK == run(["config", "what-if", "trade_momentum", *words])
    out, err = capsys.readouterr()
    assert "difference" in out
    assert "first difference: 2024-01-01T00:0" in out
    assert "note: 2 min 30 s of market" in out
    assert "" == err


@pytest.mark.parametrize(
    ("strategy", "text", "error", "said"),
    [
        ("orderbok_skew", "top_levels=3", UsageError, "did you mean orderbook_skew?"),
        ("orderbook_skew", "top_level=3", ConfigError, r"did you mean .*orderbook_skew\.top_levels\?"),
        ("orderbook_skew", "top_levels=99", ConfigError, "out of bounds; write a whole number from 1 to 20"),
        ("orderbook_skew", "risk.risk_fraction=1", UsageError, "is no parameter of orderbook_skew"),
        ("orderbook_skew", "symbols.BTCUSDT.top_levels=1", UsageError, "give the symbol with --symbol"),
        ("orderbook_skew", "top_levels", UsageError, "is not name=value"),
    ],
)
def test_a_wrong_question_is_refused_before_anything_is_replayed(
    strategy: str, text: str, error: type[Exception], said: str
) -> None:
    """By the rules by which the same change would be refused."""
    with pytest.raises(error, match=said):
        asked(strategy, text)


def test_parameters_that_contradict_each_other_are_refused() -> None:
    """The rule between them is the strategy's own."""
    with pytest.raises(ConfigError, match="must be above sell_threshold"):
        asked("orderbook_skew", "sell_threshold=1", "buy_threshold=1")


def test_a_symbol_that_is_not_recorded_is_refused() -> None:
    """With those that are."""
    with pytest.raises(UsageError, match="holds BTCUSDT, ETHUSDT"):
        asked("orderbook_skew", "top_levels=3", symbol="DOGEUSDT")
    with pytest.raises(UsageError, match="nothing to compare"):
        asked("orderbook_skew")


def test_failures_have_their_codes(capsys: Captured) -> None:
    """2 for the command line, 4 for the configuration."""
    words = ["--recording", TWINS[0], "--set"]
    assert EXIT_USAGE == run(["config", "what-if", "nope", *words, "a=1"])
    assert EXIT_CONFIG == run(["config", "what-if", "orderbook_skew", *words, "buy_treshold=1.5"])
    assert "did you mean" in capsys.readouterr().err
