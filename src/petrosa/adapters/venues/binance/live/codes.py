"""What Binance's error codes mean, per product: spot and futures use the same number for different things."""

from enum import Enum
from typing import Final, NamedTuple


class Meaning(Enum):
    """What the caller can do about an answer that is an error."""

    REFUSED = "refused"
    """For good: nothing was done."""
    RULES = "rules"
    """For good, because of a filter or a parameter: the instruments' rules may have changed, read them again."""
    NO_FUNDS = "no_funds"
    """For good: balance, margin, or a limit of the account."""
    NOT_MAKER = "not_maker"
    """A post-only or fill-or-kill order that could not be one: a normal outcome."""
    WOULD_TRIGGER = "would_trigger"
    """The stop is through the market already: leave at market now."""
    NOT_REDUCING = "not_reducing"
    """The position is flat or smaller than we think: read it again before anything else."""
    NO_SUCH_ORDER = "no_such_order"
    """To cancel or to tell about: it is over, or never was."""
    DUPLICATE = "duplicate"
    """An order of this client order id is there: ask about it and take it for ours."""
    ENTRIES_OFF = "entries_off"
    """The account may only make positions smaller."""
    POSITION_MODE = "position_mode"
    """One-way against hedge: read the account's mode again."""
    UNKNOWN_OUTCOME = "unknown_outcome"
    """It may have been done: ask."""
    NOT_ACCEPTED = "not_accepted"
    """Nothing was done, now; it may be sent again a little later."""
    RATE_LIMITED = "rate_limited"
    TOO_MANY_ORDERS = "too_many_orders"
    """Nothing was done; orders wait, everything else goes on."""
    CLOCK = "clock"
    """The timestamp was out of its window: nothing was done."""
    KEY = "key"
    """Key, signature, address or permission: only a person can mend it."""


class Row(NamedTuple):
    code: int
    spot: Meaning
    usdm: Meaning
    says: str


M = Meaning
TABLE: Final = (
    Row(-1000, M.UNKNOWN_OUTCOME, M.UNKNOWN_OUTCOME, "unknown error"),
    Row(-1001, M.UNKNOWN_OUTCOME, M.UNKNOWN_OUTCOME, "disconnected inside the venue"),
    Row(-1002, M.KEY, M.KEY, "not authorised"),
    Row(-1003, M.RATE_LIMITED, M.RATE_LIMITED, "too many requests"),
    Row(-1006, M.UNKNOWN_OUTCOME, M.UNKNOWN_OUTCOME, "unexpected answer inside the venue"),
    Row(-1007, M.UNKNOWN_OUTCOME, M.UNKNOWN_OUTCOME, "timeout inside the venue"),
    Row(-1008, M.NOT_ACCEPTED, M.NOT_ACCEPTED, "overloaded; on futures, orders that close are exempt"),
    Row(-1011, M.KEY, M.KEY, "address not on the key's list"),
    Row(-1013, M.RULES, M.RULES, "filter failure"),
    Row(-1015, M.TOO_MANY_ORDERS, M.TOO_MANY_ORDERS, "too many orders"),
    Row(-1016, M.NOT_ACCEPTED, M.NOT_ACCEPTED, "shutting down"),
    Row(-1021, M.CLOCK, M.CLOCK, "timestamp outside of the window"),
    Row(-1022, M.KEY, M.KEY, "signature"),
    Row(-1125, M.REFUSED, M.REFUSED, "listen key does not exist"),
    Row(-2010, M.REFUSED, M.REFUSED, "order rejected; its words say why"),
    Row(-2011, M.NO_SUCH_ORDER, M.NO_SUCH_ORDER, "cancel rejected"),
    Row(-2013, M.NO_SUCH_ORDER, M.NO_SUCH_ORDER, "order does not exist"),
    Row(-2014, M.KEY, M.KEY, "key format"),
    Row(-2015, M.KEY, M.KEY, "key, address or permission"),
    Row(-2018, M.NO_FUNDS, M.NO_FUNDS, "balance"),
    Row(-2019, M.NO_FUNDS, M.NO_FUNDS, "margin"),
    Row(-2021, M.REFUSED, M.WOULD_TRIGGER, "spot: cancel-replace half done; futures: would trigger at once"),
    Row(-2022, M.REFUSED, M.NOT_REDUCING, "spot: cancel-replace failed; futures: reduce-only rejected"),
    Row(-2023, M.REFUSED, M.ENTRIES_OFF, "in liquidation"),
    Row(-2024, M.REFUSED, M.NO_FUNDS, "position is not sufficient"),
    Row(-2025, M.REFUSED, M.NO_FUNDS, "most open orders reached"),
    Row(-2026, M.REFUSED, M.REFUSED, "spot: archived order; futures: type cannot be reduce-only"),
    Row(-2027, M.REFUSED, M.NO_FUNDS, "most position at this leverage"),
    Row(-2028, M.REFUSED, M.NO_FUNDS, "leverage is smaller than permitted"),
    Row(-4061, M.REFUSED, M.POSITION_MODE, "position side does not fit the account's mode"),
    Row(-4116, M.REFUSED, M.DUPLICATE, "client order id is used already"),
    Row(-4118, M.REFUSED, M.NOT_REDUCING, "reduce-only conflicts with open orders"),
    Row(-4120, M.REFUSED, M.REFUSED, "conditional orders belong to the algo service"),
    Row(-4192, M.REFUSED, M.ENTRIES_OFF, "cooling-off period"),
    Row(-5021, M.REFUSED, M.NOT_MAKER, "fill-or-kill could not be filled"),
    Row(-5022, M.REFUSED, M.NOT_MAKER, "post-only would have taken"),
    *(Row(code, M.REFUSED, M.RULES, "filter") for code in (-4003, -4014, -4023, -4131, -4164, -4183, -4184)),
)
"""Codes that are not here, and in no range below, are plain refusals."""

WORDS: Final = (
    ("spot", -2010, "duplicate order sent", M.DUPLICATE),
    ("spot", -2010, "insufficient balance", M.NO_FUNDS),
    ("spot", -2010, "immediately match and take", M.NOT_MAKER),
    ("spot", -2010, "would trigger immediately", M.WOULD_TRIGGER),
    ("usdm", -2010, "insufficient", M.NO_FUNDS),
)
"""Where one code has several meanings: product, code, part of the words (lower case) → meaning."""

NOT_SUBMITTED: Final = ("service unavailable",)
"""Futures, HTTP 503 without a code of its own: the words that say that nothing was done."""

_BY_CODE: Final = {row.code: row for row in TABLE}


def meaning(product: str, code: int, said: str = "") -> Meaning:
    """What a code of a product (`spot`, `usdm`) says, with the words that came with it."""
    for one, word_code, part, found in WORDS:
        if product == one and code == word_code and part in said.lower():
            return found
    row = _BY_CODE.get(code)
    if row is not None:
        return row.spot if product == "spot" else row.usdm
    if -1136 <= code <= -1100:
        return Meaning.RULES
    if -4499 <= code <= -4400 and product == "usdm":
        return Meaning.ENTRIES_OFF
    return Meaning.REFUSED
