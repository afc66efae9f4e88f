"""The memory of who spoke when."""

from petrosa.core.model.market import InstrumentId
from petrosa.core.signals.cooldown import Cooldowns

BTC, ETH = InstrumentId("binance:usdm:BTCUSDT"), InstrumentId("binance:usdm:ETHUSDT")


def test_each_pair_has_its_own_time() -> None:
    """A signal on one symbol does not silence another, nor another strategy."""
    cooldowns = Cooldowns()
    cooldowns.start("orderbook_skew", BTC, 5)
    assert 5 == cooldowns.last("orderbook_skew", BTC)
    assert cooldowns.last("orderbook_skew", ETH) is None
    assert cooldowns.last("trade_momentum", BTC) is None


def test_it_survives_a_restart() -> None:
    """What is restored is what was remembered."""
    before, after = Cooldowns(), Cooldowns()
    before.start("orderbook_skew", BTC, 5)
    before.start("orderbook_skew", ETH, 6)
    after.restore(before.snapshot())
    assert {"orderbook_skew": {BTC: 5, ETH: 6}} == after.snapshot()
