"""Who may trade on the paper exchange, with which keys and which balances: a file's contents, checked."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.adapters.venues.binance.paper.keys import ApiKey, KeyRing
from petrosa.errors import ConfigError

DEMO_KEY: Final = "PaperExchangeDemoKeyThatOpensNothingElse000000000000000000000000"
DEMO_SECRET: Final = "PaperExchangeDemoSecretWhichIsNoSecret00000000000000000000000000"  # noqa: S105 - public


class KeyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One API key: with a `secret` it signs by HMAC, with a `public_key` (PEM) by RSA or Ed25519.

    `may_withdraw` is stated by `apiRestrictions` and means nothing else: nothing can be withdrawn here.
    """

    key: str
    secret: str = ""
    public_key: str = ""
    may_trade: bool = True
    may_trade_futures: bool = True
    may_withdraw: bool = False


class AccountEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One account. `spot` and `usdm` are balances by asset, which are apart as they are at the venue."""

    name: str
    key: tuple[KeyEntry, ...]
    spot: dict[str, Decimal] = {}
    usdm: dict[str, Decimal] = {}


class AccountFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An accounts file: `[[account]]` tables."""

    account: tuple[AccountEntry, ...]


def demo_account() -> AccountEntry:
    """The account that is there without a file. Its key is printed in the documentation and opens nothing else."""
    return AccountEntry(
        name="demo",
        key=(KeyEntry(key=DEMO_KEY, secret=DEMO_SECRET),),
        spot={"USDT": Decimal(100_000), "BTC": Decimal(1)},
        usdm={"USDT": Decimal(100_000)},
    )


def check_accounts(entries: Sequence[AccountEntry]) -> KeyRing:
    """The keys of all accounts. Raises `ConfigError` for a name or key given twice, and for an impossible balance."""
    keys: dict[str, ApiKey] = {}
    names: set[str] = set()
    if not entries:
        raise ConfigError("accounts: there is none; write at least one [[account]] with a [[account.key]]")
    for entry in entries:
        if not entry.name or entry.name in names:
            raise ConfigError(f"account {entry.name!r}: every account needs a name of its own")
        names.add(entry.name)
        for balances in (entry.spot, entry.usdm):
            for asset, amount in balances.items():
                if not amount.is_finite() or amount < 0:
                    raise ConfigError(f"account {entry.name}: {asset} = {amount}; a balance is a number from 0")
        for one in entry.key:
            if one.key in keys:
                raise ConfigError(
                    f"account {entry.name}: key {one.key[:6]}… belongs to {keys[one.key].account} already"
                )
            keys[one.key] = _key(one, entry.name)
        if not entry.key:
            raise ConfigError(f"account {entry.name}: it has no [[account.key]], so that nobody could use it")
    return KeyRing(keys)


def _key(entry: KeyEntry, account: str) -> ApiKey:
    markets = [market for market, may in (("spot", True), ("usdm", entry.may_trade_futures)) if may and entry.may_trade]
    return ApiKey(entry.key, account, entry.secret, entry.public_key, markets=markets, may_withdraw=entry.may_withdraw)
