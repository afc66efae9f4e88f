"""A request as it is meant, before it has a timestamp, a signature and a socket."""

from collections.abc import Mapping
from typing import NamedTuple


class Request(NamedTuple):
    """`params` are in the order in which they are sent, values as text; the sender adds timestamp and signature.

    `weight` is what it costs of the address's allowance, `orders` of the account's. `urgent` ones, which make something
    smaller or safer, may use the slice of both that is kept for them. `changes` says that the venue acts on it: then it
    is sent once, and silence is no answer. `keyed` is what is told to the holder of a key alone, without a signature.
    """

    method: str
    path: str
    params: Mapping[str, str] = {}
    signed: bool = True
    weight: int = 1
    orders: int = 0
    urgent: bool = False
    changes: bool = False
    keyed: bool = False
