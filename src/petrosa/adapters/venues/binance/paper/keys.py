"""Who a request comes from, and whether it is signed: HMAC-SHA256, RSA and Ed25519, over exactly what was sent."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from petrosa.adapters.venues.binance.paper.refusals import bad_key_format, bad_signature, unknown_key
from petrosa.errors import ConfigError

KEY_FORMAT: Final = re.compile(r"[A-Za-z0-9_-]{8,128}")


class ApiKey:
    """A key of one account. `secret` is shared (HMAC); a `public_key` in PEM is RSA or Ed25519."""

    def __init__(
        self, key: str, account: str, secret: str = "", public_key: str = "", *,
        markets: Collection[str] = ("spot", "usdm"), may_withdraw: bool = False,
    ) -> None:  # fmt: skip
        """`markets` are those that it may trade.

        Raises `ConfigError` for a key that cannot be one; the message never holds the secret.
        """
        if KEY_FORMAT.fullmatch(key) is None:
            raise ConfigError(f"account {account}: an API key has 8 to 128 letters of A-Z, a-z, 0-9, _ and -")
        if bool(secret) == bool(public_key):
            raise ConfigError(f"account {account}: key {key[:6]}… needs either a secret or a public_key, not both")
        self.key = key
        self.account = account
        self.may_withdraw = may_withdraw
        self._markets = frozenset(markets)
        self._secret = secret.encode()
        self._public = _public(public_key, account) if public_key else None

    @property
    def is_ed25519(self) -> bool:
        return isinstance(self._public, Ed25519PublicKey)

    def may_trade(self, market: str) -> bool:
        return market in self._markets

    def verify(self, payload: str, signature: str) -> None:
        """Raises -1022 unless `signature` is this key's over the payload."""
        if self._public is None:
            expected = hmac.new(self._secret, payload.encode(), hashlib.sha256).hexdigest()
            if not hmac.compare_digest(expected.encode(), signature.lower().encode()):
                raise bad_signature()
            return
        try:
            given = base64.b64decode(unquote(signature), validate=True)
            if isinstance(self._public, RSAPublicKey):
                self._public.verify(given, payload.encode(), padding.PKCS1v15(), hashes.SHA256())
            else:
                self._public.verify(given, payload.encode())
        except (InvalidSignature, binascii.Error, ValueError):
            raise bad_signature() from None


def _public(pem: str, account: str) -> RSAPublicKey | Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as problem:
        raise ConfigError(f"account {account}: public_key is not PEM: {problem}") from None
    if isinstance(key, RSAPublicKey | Ed25519PublicKey):
        return key
    raise ConfigError(f"account {account}: public_key must be RSA or Ed25519")


class KeyRing:
    """All keys of the exchange."""

    def __init__(self, keys: Mapping[str, ApiKey]) -> None:
        self._keys = dict(keys)

    def find(self, key: str | None) -> ApiKey:
        """Raises -2014 for what cannot be a key, -2015 for one that nobody has."""
        if key is None or KEY_FORMAT.fullmatch(key) is None:
            raise bad_key_format()
        found = self._keys.get(key)
        if found is None:
            raise unknown_key()
        return found


def split_signature(query: str, body: str) -> tuple[str, str]:
    """(payload, signature) of a signed request: query and body as sent, one after the other, without the signature.

    The signature is the last parameter of the part that holds it. Raises -1022 where it stands elsewhere.
    """
    for part, other, order in ((query, body, 1), (body, query, -1)):
        head, mark, signature = part.rpartition("signature=")
        if not mark:
            continue
        if (head and not head.endswith("&")) or "&" in signature:
            raise bad_signature()
        own = head.removesuffix("&")
        return "".join((own, other)[::order]), signature
    return query + body, ""
