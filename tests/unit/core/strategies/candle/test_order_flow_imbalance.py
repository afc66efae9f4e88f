"""`order_flow_imbalance`: sellers absorbed, then buyers; on the volume of takers."""

import csv
import gzip
from itertools import islice

import msgspec
import pytest

from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Quiet
from petrosa.core.strategies.candle.order_flow_imbalance import ENTRY, Params
from tests.kit.bars import Row, at, bars, mirrored, signals_of
from tests.kit.recordings import recordings_dir
from tests.kit.strategy_market import market as state

BEFORE: list[Row] = [(100.0, 100.5, 99.5, 100.0, 10.0)] * 20
ABSORBS: Row = (100.0, 100.3, 99.6, 99.8, 40.0)
HOLDS: list[Row] = [(99.8, 100.2, 99.7, 100.0, 10.0)] * 3
TURNS: list[Row] = [(100.0, 100.4, 99.9, 100.1, 12.0)] * 12
ROWS = [*BEFORE, ABSORBS, *HOLDS, *TURNS]


def market(absorbed: float = 0.2, turned: float = 0.7, rows: list[Row] = ROWS) -> list[Candle]:
    """Shares that takers bought: of the absorbing bar, and of those in which buyers come."""
    shares = [0.5] * 20 + [absorbed] + [0.45] * 3 + [turned] * 12
    return [
        msgspec.structs.replace(bar, buy_volume=bar.volume * share)
        for bar, share in zip(bars(rows), shares, strict=True)
    ]


def test_absorbed_sellers_and_then_buyers_are_bought_once() -> None:
    series = market()
    (signal,) = signals_of(ENTRY, series)
    assert ([26], Action.BUY) == (at(series, [signal]), signal.action)
    assert 99.5 * 0.99 == signal.stop_loss
    assert signal.take_profit == pytest.approx(100.1 + 2.5 * (100.1 - 98.505))
    assert (3 * 12.0 * 0.7 + 2 * 10.0 * 0.45) / 56.0 == pytest.approx(signal.indicators["taker_share"])
    assert 0.80 == signal.confidence


def test_the_mirror_image_is_sold() -> None:
    """Mended: a rising volume was a buy and a falling one a sell, which is no mirror image."""
    series = mirrored(market())
    (signal,) = signals_of(ENTRY, series)
    assert ([26], Action.SELL) == (at(series, [signal]), signal.action)


def test_the_same_volumes_traded_by_others_are_nothing() -> None:
    """Mended: it looked at the volume, whoever traded it."""
    assert [] == signals_of(ENTRY, market(absorbed=0.6))
    assert [] == signals_of(ENTRY, market(turned=0.5))


def test_the_price_must_have_held() -> None:
    rows = [*BEFORE, (100.0, 100.3, 99.3, 99.4, 40.0), *HOLDS, *TURNS]
    assert [] == signals_of(ENTRY, market(rows=rows))


def test_wide_bars_and_wide_windows_are_no_absorption() -> None:
    rows = [*BEFORE, (100.0, 101.9, 99.6, 99.8, 40.0), *HOLDS, *TURNS]
    assert [] == signals_of(ENTRY, market(rows=rows))
    assert [] == signals_of(ENTRY, market(), consolidation_threshold=0.002)


def answers(series: list[Candle]) -> list[float | Quiet]:
    strategy, market_state = ENTRY.build(Params()), state()
    return [strategy.evaluate(bar, market_state, bar.ts_seen) for bar in series]


def test_a_series_without_volume_of_takers_is_refused() -> None:
    """Nothing is guessed of who traded; a market in which nobody trades is another matter."""
    silent = [msgspec.structs.replace(bar, buy_volume=0.0) for bar in market()]
    assert {Quiet.WARMING_UP, Quiet.NO_SOURCE} == set(answers(silent))
    assert [] == signals_of(ENTRY, silent)
    asleep = [msgspec.structs.replace(bar, buy_volume=0.0, volume=0.0) for bar in market()]
    assert [0.0] * 17 == answers(asleep)[19:]


def test_more_bought_than_traded_is_no_number() -> None:
    wrong = [msgspec.structs.replace(bar, buy_volume=bar.volume * 1.1) for bar in market()]
    assert {Quiet.WARMING_UP, Quiet.BAD_NUMBER} == set(answers(wrong))
    assert Quiet.BAD_NUMBER in answers([msgspec.structs.replace(bar, buy_volume=float("nan")) for bar in market()])


@pytest.mark.recordings
@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_real_bars_with_the_volume_of_takers_have_both_sides(symbol: str) -> None:
    rows: list[Row] = []
    bought: list[float] = []
    with gzip.open(recordings_dir() / "klines" / f"{symbol}_1m_3d_taker.csv.gz", "rt") as lines:
        for line in islice(csv.DictReader(lines), 1_440):
            prices = (float(line[column]) for column in ("open", "high", "low", "close", "volume"))
            rows.append(tuple(prices))  # type: ignore[arg-type]
            bought.append(float(line["taker_base"]))
    series = [
        msgspec.structs.replace(bar, buy_volume=taken) for bar, taken in zip(bars(rows, "1m"), bought, strict=True)
    ]
    signals = signals_of(ENTRY, series)
    assert {Action.BUY, Action.SELL} == {signal.action for signal in signals}
    assert len(signals) < 100
