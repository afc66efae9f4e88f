"""The noes of Binance, with their own numbers and words: spot and futures use the same number for different things."""

from typing import Final

from petrosa.errors import DataError

NO_BALANCE: Final = "Account has insufficient balance for requested action."
REJECTED: Final = "Rejected: a fault has it so."
NO_MARGIN: Final = "Margin is insufficient."


class Refusal(DataError):
    """A request that the venue answers with an error: `code` and `msg` as in its body, `status` of HTTP."""

    def __init__(self, code: int, msg: str, status: int = 400, retry_after: int = 0) -> None:
        super().__init__(f"{code}: {msg}")
        self.code = code
        self.msg = msg
        self.status = status
        self.retry_after = retry_after

    def body(self) -> dict[str, object]:
        return {"code": self.code, "msg": self.msg}


def missing(name: str) -> Refusal:
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, pattern: str) -> Refusal:
    return Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")


def unwanted(name: str) -> Refusal:
    return Refusal(-1106, f"Parameter '{name}' sent when not required.")


def too_precise(name: str) -> Refusal:
    return Refusal(-1111, f"Parameter '{name}' has too much precision.")


def filter_failure(name: str) -> Refusal:
    return Refusal(-1013, f"Filter failure: {name}")


def bad_symbol() -> Refusal:
    return Refusal(-1121, "Invalid symbol.")


def bad_interval() -> Refusal:
    return Refusal(-1120, "Invalid interval.")


def bad_signature() -> Refusal:
    return Refusal(-1022, "Signature for this request is not valid.")


def bad_key_format() -> Refusal:
    return Refusal(-2014, "API-key format invalid.", 401)


def unknown_key() -> Refusal:
    return Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def outside_window() -> Refusal:
    return Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def ahead_of_server() -> Refusal:
    return Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def window_too_large() -> Refusal:
    return Refusal(-1131, "recvWindow must be less than 60000.")


def unknown_order() -> Refusal:
    return Refusal(-2013, "Order does not exist.")


def unknown_cancel() -> Refusal:
    return Refusal(-2011, "Unknown order sent.")


def rejected(reason: str) -> Refusal:
    """Spot's -2010: the matching engine says no."""
    return Refusal(-2010, reason)


def no_balance() -> Refusal:
    return rejected(NO_BALANCE)


def no_margin() -> Refusal:
    return Refusal(-2019, NO_MARGIN)


def not_reducing() -> Refusal:
    return Refusal(-2022, "ReduceOnly Order is rejected.")


def triggers_at_once() -> Refusal:
    return Refusal(-2021, "Order would immediately trigger.")


def use_algo_service() -> Refusal:
    return Refusal(
        -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
    )


def throttled(weight: int, retry_after: int) -> Refusal:
    text = f"Too much request weight used; current limit is {weight} request weight per 1 MINUTE."
    return Refusal(
        -1003, f"{text} Please use WebSocket Streams for live updates to avoid polling the API.", 429, retry_after
    )


def banned(until_ms: int, retry_after: int) -> Refusal:
    text = f"Way too much request weight used; IP banned until {until_ms}."
    return Refusal(-1003, f"{text} Please use WebSocket Streams for live updates to avoid bans.", 418, retry_after)


def too_many_orders(limit: int, interval: str, retry_after: int) -> Refusal:
    return Refusal(-1015, f"Too many new orders; current limit is {limit} orders per {interval}.", 429, retry_after)


ENGINE: Final[tuple[tuple[str, int, int, str, str], ...]] = (
    ("balance is insufficient", -2010, -2019, NO_BALANCE, NO_MARGIN),
    ("margin is insufficient", -2010, -2019, NO_BALANCE, NO_MARGIN),
    ("post-only", -2010, -5022, "Order would immediately match and take.",
     "Due to the order could not be executed as maker, the Post Only order will be rejected. "
     "The order will not be recorded in the order history"),
    ("reduce-only", -2010, -2022, "ReduceOnly Order is rejected.", "ReduceOnly Order is rejected."),
    ("expired before", -2010, -4142, "Order was expired.", "REJECT: goodTillDate is before the order's arrival."),
    ("no price of", -2010, -4131, "Market is closed.",
     "The counterparty's best price does not meet the PERCENT_PRICE filter limit."),
)  # fmt: skip
"""How a sentence of the matching engine begins → code and words on spot and on futures."""


def from_engine(reason: str, *, spot: bool) -> Refusal:
    """The venue's words for a no of the matching engine; what it should have been refused for earlier stays general."""
    for start, spot_code, futures_code, spot_text, futures_text in ENGINE:
        if reason.startswith(start):
            return Refusal(spot_code, spot_text) if spot else Refusal(futures_code, futures_text)
    return filter_failure(reason) if spot else Refusal(-1013, reason)
