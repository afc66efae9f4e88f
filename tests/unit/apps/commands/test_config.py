"""`petrosa config` changes what is stored as the HTTP API does, and shows it as what holds."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from petrosa.apps.main import run
from petrosa.errors import EXIT_CONFIG, EXIT_ERROR, EXIT_OK, EXIT_USAGE

SKEW = "orderbook_skew"


@pytest.fixture
def home(tmp_path: Path) -> str:
    return str(tmp_path)


def config(home: str, *words: str) -> tuple[int, Any, str]:
    """Exit code, what was said as JSON, and what was said to people."""
    with CliRunner().isolation() as (out, err, _):
        code = run(["config", *words, "--home", home, *([] if "--dry-run" in words else ["--json"])])
        said, complained = out.getvalue().decode(), err.getvalue().decode()
    return code, json.loads(said) if said.startswith("{") else said, complained


def change(home: str, *words: str) -> tuple[int, Any, str]:
    return config(home, *words, "--reason", "a test", "--actor", "alice")


def test_what_is_set_is_shown(home: str) -> None:
    """With where it comes from; `--no-stored` leaves it out, and looking makes no store."""
    code, shown, _ = config(home, "show", SKEW)
    assert (EXIT_OK, []) == (code, list(Path(home).iterdir()))
    code, changed, _ = change(home, "set", SKEW, "buy_threshold=1.3", "flow_guard=off", "min_spread_percent=0.2")
    assert (EXIT_OK, 1) == (code, changed["config"]["version"])
    assert ["buy_threshold", "flow_guard", "max_spread_bps"] == changed["metadata"]["changed"]
    change(home, "set", SKEW, "enabled=false", "--symbol", "btc/usdt")
    _, shown, _ = config(home, "show", SKEW)
    values = {row["key"].removeprefix(f"strategies.{SKEW}."): (row["value"], row["origin"]) for row in shown["values"]}
    assert ((1.3, "stored all v1"), (False, "stored all v1"), (False, "stored BTCUSDT v1")) == (
        values["buy_threshold"],
        values["flow_guard"],
        values["symbols.BTCUSDT.enabled"],
    )
    _, without, _ = config(home, "show", SKEW, "--no-stored")
    assert {"default"} == {row["origin"] for row in without["values"]}


def test_a_history_of_changes(home: str) -> None:
    """Set, unset, rolled back: every change has its record."""
    change(home, "set", SKEW, "top_levels=3", "buy_threshold=1.3")
    change(home, "unset", SKEW, "top_levels")
    change(home, "unset", SKEW)
    code, back, _ = change(home, "rollback", SKEW, "1")
    assert (EXIT_OK, 4, 3) == (code, back["config"]["version"], back["config"]["parameters"]["top_levels"])
    change(home, "rollback", SKEW, f"{SKEW}:000000000002")
    _, page, _ = config(home, "audit", SKEW)
    assert ["UPDATE", "CREATE", "DELETE", "UPDATE", "CREATE"] == [record["action"] for record in page["records"]]
    assert {("alice", "a test")} == {(record["changed_by"], record["reason"]) for record in page["records"]}
    printed = runner("audit", SKEW, "--home", home).stdout
    assert "top_levels 3 → -" in printed


def runner(*words: str) -> Result:
    from petrosa.apps.main import cli

    return CliRunner().invoke(cli, ["config", *words])


def test_a_dry_run_stores_nothing(home: str) -> None:
    """And says what it would change."""
    code, said, _ = change(home, "set", SKEW, "top_levels=3", "--dry-run")
    assert (EXIT_OK, "would change top_levels; nothing was stored\n") == (code, said)
    assert [] == config(home, "audit", SKEW)[1]["records"]


MOMENTUM = ("trade_momentum", "cooldown_seconds=5", "--what-if", "synthetic-usdm")


def test_what_a_change_would_have_done_is_kept_with_it(home: str) -> None:
    """Asked of what holds before it is stored; the audit has the answer that was printed."""
    change(home, "set", "trade_momentum", "min_quantity=0.002")
    code, changed, _ = change(home, "set", *MOMENTUM)
    assert (EXIT_OK, 2) == (code, changed["config"]["version"])
    answer = changed["what_if"]
    assert [("cooldown_seconds", 900.0, 5.0)] == [(o["name"], o["before"], o["after"]) for o in answer["changes"]]
    assert sum(answer["after"]["signals"].values()) > sum(answer["before"]["signals"].values())
    _, page, _ = config(home, "audit", "trade_momentum")
    assert [{"what_if": answer}, {}] == [record["metadata"] for record in page["records"]]


def test_the_answer_is_that_of_the_question_by_itself(home: str) -> None:
    """`config what-if` has what is stored, as the change has; without it, the left side is another."""
    change(home, "set", "trade_momentum", "cooldown_seconds=60")
    question = ("what-if", "trade_momentum", "--set", "cooldown_seconds=5", "--recording", "synthetic-usdm")
    _, asked, _ = config(home, *question)
    assert [60.0] == [one["before"] for one in asked["changes"]]
    _, bare, _ = config(home, *question, "--no-stored")
    assert [900.0] == [one["before"] for one in bare["changes"]]
    assert asked == change(home, "set", *MOMENTUM)[1]["what_if"]


def test_a_dry_run_prints_the_answer_and_stores_nothing(home: str) -> None:
    """The table, the notes, and what would change."""
    code, said, _ = change(home, "set", *MOMENTUM, "--dry-run")
    assert EXIT_OK == code
    assert "note: 2 min 30 s of market" in said
    assert said.endswith("would change cooldown_seconds; nothing was stored\n")
    assert [] == config(home, "audit", "trade_momentum")[1]["records"]


def test_what_was_changed_during_the_replay_is_not_overwritten(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer speaks of another version than is stored by then."""
    from petrosa.apps import what_if as asking

    compare = asking.compare

    def slowly(*words: Any, **options: Any) -> Any:
        change(home, "set", "trade_momentum", "cooldown_seconds=60")
        return compare(*words, **options)

    monkeypatch.setattr(asking, "compare", slowly)
    code, _, complained = change(home, "set", *MOMENTUM)
    assert EXIT_ERROR == code
    assert "was expected to have version 0, and version 1 is stored; read it again" in complained
    _, page, _ = config(home, "audit", "trade_momentum")
    assert [1] == [record["version_after"] for record in page["records"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["top_levels=50", "--what-if", "synthetic-usdm"], "top_levels = 50 is out of bounds"),
        (["top_levels=3", "--what-if", "synthetic-usdm", "--symbol", "DOGEUSDT"], "the recording holds BTCUSDT"),
        (["top_levels=3", "--what-if", "synthetic-usmd"], "synthetic-usdm"),
        (["top_levels=3", "--what-if", "synthetic-usdm", "--if-version", "3"], "was expected to have version 3"),
    ],
)
def test_a_question_that_cannot_be_answered_stores_nothing(home: str, words: list[str], said: str) -> None:
    """Wrong values, symbols, recordings and versions are said before anything is replayed."""
    code, _, complained = change(home, "set", SKEW, *words)
    assert EXIT_OK != code
    assert said in complained
    assert [] == config(home, "audit", SKEW)[1]["records"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["set", SKEW, "top_levels=50"], EXIT_CONFIG, "top_levels = 50 is out of bounds; write a whole number from 1"),
        (["set", SKEW, "top_levels=many"], EXIT_CONFIG, 'top_levels = "many" is not a whole number'),
        (["set", SKEW, "flow_guard=perhaps"], EXIT_CONFIG, "is not true or false"),
        (["set", SKEW, "top_level=3"], EXIT_CONFIG, "did you mean top_levels?"),
        (["set", SKEW, "top_levels"], EXIT_USAGE, "is not KEY=VALUE"),
        (["set", "orderbok_skew", "top_levels=3"], EXIT_USAGE, "did you mean orderbook_skew?"),
        (["set", SKEW, "top_levels=3", "--if-version", "7"], EXIT_ERROR, "was expected to have version 7"),
        (["unset", SKEW], EXIT_USAGE, "nothing is stored for orderbook_skew on all symbols"),
        (["rollback", SKEW, "3"], EXIT_USAGE, "there is no version 3"),
    ],
)
def test_what_cannot_be_ends_with_its_code(home: str, words: list[str], code: int, said: str) -> None:
    """And a complete sentence."""
    found, _, complaint = change(home, *words)
    assert code == found
    assert said in complaint


def test_what_will_not_hold_is_said(home: str) -> None:
    """A stronger layer stays stronger."""
    _, _, complaint = change(home, "set", SKEW, "top_levels=4", "--set", "orderbook_skew.top_levels=3")
    assert "top_levels is 3 by --set, which is stronger than what is stored" in complaint


def test_who_it_was_is_known_without_being_said(home: str) -> None:
    """The name of the user of this machine."""
    config(home, "set", SKEW, "top_levels=3", "--reason", "a test")
    assert config(home, "audit", SKEW)[1]["records"][0]["changed_by"]
