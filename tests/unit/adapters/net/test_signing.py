"""A signer signs as the venue's documentation does, and cannot be made to say its secret."""

import base64
import copy
import json
import pickle

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from petrosa.adapters.net.signing import KeyKind, Signer
from petrosa.errors import ConfigError
from tests.kit.live import RSA_KEY, pem
from tests.kit.recordings import recordings_dir

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
ORDER = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"


@pytest.mark.parametrize(
    ("symbol", "signature"),
    [
        ("LTCBTC", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        (
            "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
    ],
)
def test_the_published_examples_come_out(symbol: str, signature: str) -> None:
    """The second symbol is not ASCII: it is encoded before it is signed."""
    assert signature == Signer(SECRET).sign(f"symbol={symbol}&{ORDER}")


@pytest.mark.recordings
def test_every_recorded_vector_comes_out() -> None:
    vectors = json.loads((recordings_dir() / "signing" / "binance_hmac_vectors.json").read_text())
    signer = Signer(vectors["secretKey"])
    for vector in vectors["vectors"]:
        assert vector["signature"] == signer.sign(vector["payload"])


def test_a_private_key_signs_in_base64() -> None:
    """RSA with PKCS #1 v1.5 and SHA-256, and Ed25519: their public keys agree."""
    curve = ed25519.Ed25519PrivateKey.generate()
    signer = Signer(pem(curve))
    assert KeyKind.ED25519 is signer.kind
    curve.public_key().verify(base64.b64decode(signer.sign(ORDER), validate=True), ORDER.encode())
    signer = Signer(pem(RSA_KEY))
    assert KeyKind.RSA is signer.kind
    signature = base64.b64decode(signer.sign(ORDER), validate=True)
    RSA_KEY.public_key().verify(signature, ORDER.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_a_private_key_may_come_on_one_line() -> None:
    r"""As environment variables often hold it, with \n for line ends, or with spaces round it."""
    text = pem(ed25519.Ed25519PrivateKey.generate())
    assert Signer(text).sign(ORDER) == Signer("  " + text.strip().replace("\n", "\\n") + " ").sign(ORDER)


def test_a_secret_is_never_shown() -> None:
    """Not in its text, not in its parts, not in a copy or a pickle."""
    signer = Signer(SECRET)
    assert "Signer(hmac, secret hidden)" == repr(signer) == str(signer) == f"{signer}"
    assert not hasattr(signer, "__dict__")
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not written down"):
            way(signer)


def locked() -> str:
    return RSA_KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"word")
    ).decode()


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("two words", "spaces or line ends"),
        (SECRET + "\nmore", "spaces or line ends"),
        ("-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----", "holds no private key"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA nor Ed25519"),
        (pem(rsa.generate_private_key(65_537, 1_024)), "1024 bits"),
        (locked(), "under a password"),
    ],
)
def test_what_cannot_be_a_secret_is_refused(secret: str, said: str) -> None:
    """With the remedy, and without a letter of it."""
    with pytest.raises(ConfigError, match=said) as refused:
        Signer(secret)
    assert not any(part in str(refused.value) for part in secret.split() if len(part) > 12)
    assert refused.value.__cause__ is None
