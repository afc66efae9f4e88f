"""Which instruments a signal can mean. People and other producers write `BTCUSDT`, `BTC/USDT` or `BTC/USDT:USDT`."""

from collections.abc import Mapping

from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.signals import Signal


def plain_symbol(text: str) -> str:
    """`BTCUSDT` of `BTCUSDT`, `btcusdt`, `BTC/USDT` and `BTC/USDT:USDT`."""
    return text.strip().partition(":")[0].replace("/", "").upper()


class Symbols:
    """Instruments by every way of writing them."""

    __slots__ = ("_named", "_rules")

    def __init__(self, instruments: Mapping[InstrumentId, Instrument]) -> None:
        self._rules = instruments
        self._named: dict[str, tuple[InstrumentId, ...]] = {}
        for key, rules in instruments.items():
            for name in (rules.symbol, rules.ccxt_symbol, key):
                self._named[name] = (*self._named.get(name, ()), key)

    def candidates(self, signal: Signal) -> tuple[InstrumentId, ...]:
        """What fits the signal's symbol, and its venue and market where it names them."""
        return tuple(
            key
            for key in self._named.get(signal.symbol.upper(), self._named.get(signal.symbol, ()))
            if signal.venue in (None, "", self._rules[key].venue)
            and signal.market in (None, "", self._rules[key].market)
        )
