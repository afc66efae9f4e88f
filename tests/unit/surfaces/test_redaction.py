"""Secrets are hidden wherever they could be shown."""

from collections.abc import Callable

import pytest

from petrosa.surfaces.redaction import HIDDEN, redact


@pytest.mark.parametrize("name", ["api_secret", "BINANCE_API_KEY", "password", "token", "privateKey", "db_credential"])
def test_a_secret_is_known_by_its_name(name: str) -> None:
    """However it is spelled."""
    assert HIDDEN == redact(name, "hunter2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nats://user:pw@host:4222", f"nats://{HIDDEN}@host:4222"),
        ("cannot reach mongodb+srv://me:pw@db.example/x now", f"cannot reach mongodb+srv://{HIDDEN}@db.example/x now"),
        ("nats://host:4222", "nats://host:4222"),
        ("nats://u:p@a:1,nats://u:p@b:2", f"nats://{HIDDEN}@a:1,nats://{HIDDEN}@b:2"),
        ("mongodb://me:p/w@h/x", f"mongodb://{HIDDEN}@h/x"),
        ("mongodb://me:p@w@h/x", f"mongodb://{HIDDEN}@h/x"),
        (
            "mongodb://h/?tlsCertificateKeyFilePassword=pw&w=1",
            f"mongodb://h/?tlsCertificateKeyFilePassword={HIDDEN}&w=1",
        ),
        ("mongodb://h/?a=1&authMechanismProperties=X:y", f"mongodb://h/?a=1&authMechanismProperties={HIDDEN}"),
        ("a@b", "a@b"),
    ],
)
def test_an_address_loses_its_user_and_password(text: str, expected: str) -> None:
    """Also in the middle of a sentence; an address without them stays as it is."""
    assert expected == redact("url", text)


@pytest.mark.parametrize("case", [str.lower, str.upper])
@pytest.mark.parametrize("length", [64, 40, 1])
def test_an_api_key_keeps_its_id_only(case: Callable[[str], str], length: int) -> None:
    """Whole or cut, in the middle of a sentence, whatever it is called."""
    token = case("pk_0123456789abcdef_" + "7" * length)
    assert f"no {token[:19]}_{HIDDEN}, sorry" == redact("message", f"no {token}, sorry")


def test_what_is_inside_is_looked_at_too() -> None:
    """Tables and lists are no hiding place."""
    assert {"a": [{"secret": HIDDEN}], "b": 1} == redact("x", {"a": [{"secret": "s"}], "b": 1})


@pytest.mark.parametrize("value", ["", None, False])
def test_an_unset_secret_is_shown_as_unset(value: object) -> None:
    """That a secret is missing is no secret."""
    assert value == redact("password", value)
