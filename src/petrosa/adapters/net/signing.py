"""Signatures of requests: HMAC-SHA256 in hex, or RSA (PKCS #1 v1.5 with SHA-256) and Ed25519 in base64.

What is signed is decided by who asks: exactly the bytes that are sent.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from enum import Enum
from typing import Final, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from petrosa.errors import ConfigError

PEM: Final = "-----BEGIN"
RSA_BITS_MIN: Final = 2048


class KeyKind(Enum):
    HMAC = "hmac"
    RSA = "rsa"
    ED25519 = "ed25519"


class Signer:
    """Signs for one key. The secret can be neither printed, nor pickled, nor copied out of it."""

    __slots__ = ("_sign", "kind")

    def __init__(self, secret: str) -> None:
        r"""A text in PEM is a private key, RSA or Ed25519 (`\n` may stand for its line ends); any other is shared.

        Raises `ConfigError` for what cannot be a secret; the message never holds any of it.
        """
        text = secret.strip()
        if not text:
            raise ConfigError("the API secret is empty; give the venue's secret, or a private key in PEM")
        self.kind, self._sign = _private(text) if PEM in text else (KeyKind.HMAC, _hmac(text))

    def sign(self, payload: str) -> str:
        """Hex or base64 as the venue expects it of this kind of key; base64 is not yet percent-encoded."""
        return self._sign(payload.encode())

    def __repr__(self) -> str:
        return f"Signer({self.kind.value}, secret hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer is not written down")


def _hmac(secret: str) -> Callable[[bytes], str]:
    if not secret.isprintable() or " " in secret:
        raise ConfigError("the API secret holds spaces or line ends in its middle; is it the whole secret and only it?")
    begun = hmac.new(secret.encode(), digestmod=hashlib.sha256)

    def sign(payload: bytes) -> str:
        mac = begun.copy()
        mac.update(payload)
        return mac.hexdigest()

    return sign


def _private(text: str) -> tuple[KeyKind, Callable[[bytes], str]]:
    try:
        key = load_pem_private_key(text.replace("\\n", "\n").encode(), password=None)
    except TypeError:
        raise ConfigError(
            "the API secret is a private key under a password; give it without one"
            " (openssl pkcs8 -topk8 -nocrypt) in a file that only its owner can read"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(
            "the API secret begins like PEM and holds no private key; give it whole, BEGIN to END"
        ) from None
    if isinstance(key, Ed25519PrivateKey):
        return KeyKind.ED25519, lambda payload: base64.b64encode(key.sign(payload)).decode()
    if isinstance(key, RSAPrivateKey):
        if key.key_size < RSA_BITS_MIN:
            raise ConfigError(
                f"the API secret is an RSA key of {key.key_size} bits; at least {RSA_BITS_MIN} are needed"
            )
        return KeyKind.RSA, lambda payload: base64.b64encode(
            key.sign(payload, padding.PKCS1v15(), hashes.SHA256())
        ).decode()
    raise ConfigError("the API secret is a private key that is neither RSA nor Ed25519; make one of these two")
