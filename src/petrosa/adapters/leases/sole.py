"""An API key is used in the name of one account: who finds it with another one does not wait for it."""

from petrosa.errors import ConfigError


def refusal_of(owner: str, account: str, holder: str) -> ConfigError | None:
    """Why `owner` may not have a key that `account` has; None where it is its own, or no key at all."""
    if not owner or account in ("", owner):
        return None
    return ConfigError(
        f"the API key of account {owner} is in use for account {account}, by {holder}: two desks with one key act on"
        " one account of the venue, and each would be wrong about it; stop that one, or give this one a key of its own"
        " (BINANCE_API_KEY)"
    )
