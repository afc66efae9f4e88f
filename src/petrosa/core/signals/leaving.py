"""Whether there is something to close, and nothing closes it already."""

from decimal import Decimal

from petrosa.core.model.refusals import Outcome, failed, passed


def leaving_outcomes(held: Decimal, closing: str, *, entering: bool) -> tuple[Outcome, Outcome]:
    """What stands for or against an exit of what is `held`; `closing` says why one is under way, empty when none is.

    `entering` is an entry under way, which a close takes back.
    """
    position = passed("position", f"{held} held", "something to close")
    if entering:
        position = passed("position", f"{held} held and an entry under way", "something to close")
    elif held == 0:
        position = failed("position", "flat", "something to close", "nothing to do: there is no position")
    pending = passed("order_pending", "none", "no exit under way")
    if closing:
        pending = failed("order_pending", f"closing: {closing}", "no exit under way", "wait until it is done")
    return position, pending
