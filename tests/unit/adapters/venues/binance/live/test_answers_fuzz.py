"""Whatever an answer holds, it is read, or it is a `DataError`: nothing else comes out of a reader."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.venues.binance.live import usdm_choices
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.rules import read_commission, read_rules
from petrosa.core.model.base import Side
from petrosa.core.model.orders import OrderType
from petrosa.errors import DataError
from tests.kit.live_orders import HEARD, PRODUCTS, asked, cancel, order, placed
from tests.kit.paper_venue import SPOT, USDM, PaperBench
from tests.kit.soak import examples

Reader = Callable[[bytes], Any]
BENCH = PaperBench()


def _answers() -> list[tuple[Reader, bytes]]:
    """Real answers of the paper exchange, each with its reader."""
    found: list[tuple[Reader, bytes]] = []
    for key, product in PRODUCTS.items():
        market = order(Side.BUY, OrderType.MARKET, "2", on=key, name="m")
        stop = order(Side.SELL, OrderType.STOP, "0.5" if key == SPOT else "2", None, "97", on=key, name="s")
        for intent in (market, stop):
            body = asked(BENCH, product.place([intent]))
            found.append((lambda b, p=product, i=intent: p.placed([i], b, HEARD), body))
            found.append((product.queried, asked(BENCH, product.query(intent)[0])))
        listed = (*product.opened(), *product.history(key))
        found += [(lambda b, p=product, r=asking: p.read_opened(r, b), asked(BENCH, asking)) for asking in listed]
        stated = product.account()
        found += [(lambda b, p=product, r=asking: p.read_account(r, b), asked(BENCH, asking)) for asking in stated]
        found.append((lambda b, p=product: p.read_trades(b, {}, HEARD), asked(BENCH, product.trades(key, 0, None))))
        ending = cancel(stop, conditional=True)
        body = asked(BENCH, product.cancel(ending))
        found.append((lambda b, p=product, c=ending: p.cancelled(c, b, HEARD), body))
    for name, path in (("spot", "/api/v3/exchangeInfo"), ("usdm", "/fapi/v1/exchangeInfo")):
        info = asked(BENCH, Request("GET", path, signed=False))
        found.append((lambda b, m=name: read_rules(m, b), info))
        found.append((lambda b, m=name: read_commission(m, b), info))
    found.append((lambda b: usdm_choices.read_margin_choice(USDM, b), asked(BENCH, usdm_choices.margin_choice(USDM))))
    return found


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something could be changed."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, one in inside for place in _places(one, (*path, name)))]


def _changed(value: Any, path: tuple[Any, ...], to: Any) -> Any:
    if not path:
        return to
    made = dict(value) if isinstance(value, dict) else list(value)
    made[path[0]] = _changed(value[path[0]], path[1:], to)
    return made


ANSWERS = _answers()
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8),
    st.sampled_from(["NaN", "Infinity", "-1", "1e400", "", "0", "FILLED", "EXPIRED", -1, 0, [], {}, [{}], "BTCUSDT"]),
)  # fmt: skip


@examples(400)
@given(st.sampled_from(ANSWERS), st.data())
def test_a_changed_answer_is_read_or_is_a_data_error(answer: tuple[Reader, bytes], data: st.DataObject) -> None:
    reader, body = answer
    value = json.loads(body)
    place = data.draw(st.sampled_from(_places(value)))
    with contextlib.suppress(DataError):
        reader(json.dumps(_changed(value, place, data.draw(ODD))).encode())


@examples(200)
@given(st.sampled_from(ANSWERS), st.binary(max_size=60), st.integers(0, 400))
def test_a_torn_answer_is_a_data_error(answer: tuple[Reader, bytes], more: bytes, at: int) -> None:
    reader, body = answer
    with contextlib.suppress(DataError):
        reader(body[:at] + more)
    with contextlib.suppress(DataError):
        reader(b"[" * 5_000)


def test_every_answer_is_read_as_it_is() -> None:
    """Commissions apart, which exchangeInfo is none of."""
    for reader, body in ANSWERS:
        if b"exchangeFilters" not in body:
            reader(body)
    assert placed(BENCH, order(Side.BUY, OrderType.MARKET, "2", name="last"))
