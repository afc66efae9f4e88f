"""On which side of the price a stop and a target belong. A stop on the wrong side would fill at once."""

from collections.abc import Iterable
from typing import Final

from petrosa.core.model.base import Side
from petrosa.core.model.refusals import Outcome, failed, passed

_NONE_GIVEN: Final = passed("levels", "none given", "")


def check_levels(
    side: Side | None, stop_loss: float | None, take_profit: float | None, references: Iterable[float]
) -> Outcome:
    """The check `levels`: a buy's stop is below every reference price and its target above; a sell's the reverse.

    A reference that is not above zero is not known and is left out; without a side (hold, close) levels mean nothing.
    """
    if side is None or (stop_loss is None and take_profit is None):
        return _NONE_GIVEN
    known = [reference for reference in references if reference > 0.0]
    if not known:
        return failed("levels", "no price to compare with", "a known price", "wait for market data")
    lowest, highest = min(known), max(known)
    losing, winning = ("below", "above") if side is Side.BUY else ("above", "below")
    for name, level, where in (("stop", stop_loss, losing), ("target", take_profit, winning)):
        limit = lowest if where == "below" else highest
        if level is not None and not (level < limit if where == "below" else level > limit):
            remedy = f"the {name} of a {side.value} belongs {where} the price"
            return failed("levels", f"{name} {level:g}", f"{where} {limit:g}", remedy)
    return passed("levels", f"stop {_text(stop_loss)}, target {_text(take_profit)}", f"{lowest:g} to {highest:g}")


def _text(level: float | None) -> str:
    return "none" if level is None else f"{level:g}"
