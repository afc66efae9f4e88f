"""A summary for people has the numbers of the summary for programs."""

from decimal import Decimal

import pytest

from petrosa.backtest.summary import JournalLine, Pnl, PositionLine, Summary
from petrosa.surfaces.cli.summary import show_summary
from tests.kit.story import BTC

SUMMARY = Summary(
    events={"trade": {"BTCUSDT": 19904}},
    gaps={"BTCUSDT": 0},
    errors={"malformed": 2},
    skipped={"miniTicker": 3},
    faults={"malformed": "the first"},
    signals={"orderbook_skew": {"buy": 3, "sell": 2}},
    refusals={"cooldown": 41},
    orders=5,
    fills=6,
    modelled_fills=1,
    positions=[
        PositionLine(
            instrument=BTC.id,
            quantity=Decimal("0.004"),
            entry_price=Decimal("50001.5"),
            mark=None,
            unrealized=None,
            realized=Decimal("1.25"),
            fees={"USDT": Decimal("0.1")},
            strategy_id="orderbook_skew",
            signal_id="s1",
        )
    ],
    pnl=Pnl(
        currency="USDT",
        realized=Decimal("1.25"),
        unrealized=Decimal("-0.5"),
        fees={"USDT": Decimal("0.1")},
        fees_converted=Decimal("0.1"),
    ),
    journal=JournalLine(path="x/runs/1", entries=123, decisions_sha256="abc", sha256="def"),
    arrival_shift_ns=-1_500_000,
    elapsed_s=1.2,
    read_s=0.3,
    decode_s=0.5,
    decide_s=0.4,
    events_per_s=150000,
)  # fmt: skip


def test_every_number_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Heard, thought, refused, done, held, earned, remembered; all of it on standard output."""
    show_summary(SUMMARY)
    out, err = capsys.readouterr()
    numbers = (
        "19,904", "malformed", "orderbook_skew", "cooldown", "41", "0.004", "50001.5", "1.25", "-0.5", "0.1 USDT",
        "123", "abc", "def", "150,000 events/s",
    )  # fmt: skip
    assert [] == [number for number in numbers if number not in out]
    assert "" == err
