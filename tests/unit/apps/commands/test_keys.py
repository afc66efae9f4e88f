"""`petrosa keys` makes, lists and revokes the keys of the store in the data directory."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from petrosa.apps.access import access_over
from petrosa.apps.documents import open_documents
from petrosa.apps.keys import TOKEN
from petrosa.apps.main import run
from petrosa.apps.settings import load
from petrosa.errors import EXIT_OK, EXIT_USAGE, Unauthenticated
from petrosa.surfaces.access import Actor, Scope

Captured = pytest.CaptureFixture[str]


def create(home: Path, capsys: Captured, *words: str) -> str:
    """The key that a command line prints, which is all that it prints."""
    assert EXIT_OK == run(["keys", "create", "--home", str(home), *words])
    token, end = capsys.readouterr().out.split("\n")
    assert ("", True) == (end, TOKEN.fullmatch(token) is not None)
    return token


async def actor_of(home: Path, token: str, needed: Scope) -> Actor:
    """Whom a service on that data directory would let in."""
    settings = load([], [], {}, str(home))
    documents = await open_documents(settings)
    try:
        return await access_over(settings, documents).actor_of(token, is_loopback=False, needed=needed)
    finally:
        await documents.close()


def listed(home: Path, capsys: Captured) -> list[dict[str, object]]:
    assert EXIT_OK == run(["keys", "list", "--home", str(home), "--json"])
    return msgspec.json.decode(capsys.readouterr().out, type=list[dict[str, object]])


def test_a_key_made_here_is_good_for_a_service_until_it_is_revoked_here(tmp_path: Path, capsys: Captured) -> None:
    """From the command line to the store and from there to a request, and back."""
    token = create(tmp_path, capsys, "--name", "alice", "--scope", "config", "--scope", "trade")
    actor = asyncio.run(actor_of(tmp_path, token, Scope.TRADE))
    assert ("alice", {Scope.CONFIG, Scope.TRADE}, token[3:19]) == (actor.name, actor.scopes, actor.via)
    assert EXIT_OK == run(["keys", "revoke", "alice", "--home", str(tmp_path)])
    with pytest.raises(Unauthenticated, match="it is revoked"):
        asyncio.run(actor_of(tmp_path, token, Scope.TRADE))


def test_that_it_is_shown_once_is_said_beside_it(tmp_path: Path, capsys: Captured) -> None:
    """On standard error, so that a script gets the key and nothing else."""
    assert EXIT_OK == run(["keys", "create", "--home", str(tmp_path), "--name", "a", "--scope", "read"])
    said = capsys.readouterr()
    assert "a has read until it is revoked; the key is shown only this once" in said.err
    assert said.out.strip() not in said.err


def test_list_tells_everything_but_the_secret(tmp_path: Path, capsys: Captured) -> None:
    """As JSON and as a table; nothing of the secret, not even its hash, is in either or in the file."""
    token = create(tmp_path, capsys, "--name", "grafana", "--scope", "read", "--expires-days", "90")
    create(tmp_path, capsys, "--name", "alice", "--scope", "admin")
    assert EXIT_OK == run(["keys", "revoke", token[3:19], "--home", str(tmp_path)])
    rows = listed(tmp_path, capsys)
    assert [("alice", ["admin"], "active"), ("grafana", ["read"], "revoked")] == [
        (row["name"], row["scopes"], row["status"]) for row in rows
    ]
    assert {"name", "id", "scopes", "status", "created_at", "expires_at", "revoked_at"} == set(rows[0])
    assert (None, True) == (rows[0]["expires_at"], isinstance(rows[1]["expires_at"], str))
    assert EXIT_OK == run(["keys", "list", "--home", str(tmp_path)])
    table = capsys.readouterr().out
    assert [True, True, False] == [part in table for part in ("grafana", token[3:19], token[20:])]
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file() and token[20:].encode() in path.read_bytes()]


def test_an_empty_store_has_no_keys(tmp_path: Path, capsys: Captured) -> None:
    """That is no error."""
    assert [] == listed(tmp_path, capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "--name", "alice"], "Missing option '--scope'"),
        (["create", "--scope", "read"], "Missing option '--name'"),
        (["create", "--name", "alice", "--scope", "root"], "'root' is not one of"),
        (["create", "--name", "alice", "--scope", "read", "--expires-days", "0"], "0 is not in the range"),
        (["create", "--name", "Alice", "--scope", "read"], "'Alice' is no name for a key"),
        (["create", "--name", "taken", "--scope", "read"], "petrosa keys revoke taken"),
        (["revoke", "nobody"], "there is no key 'nobody'; petrosa keys list"),
    ],
)
def test_a_wrong_command_line_says_what_is_right(words: list[str], said: str, tmp_path: Path, capsys: Captured) -> None:
    """And makes nothing."""
    create(tmp_path, capsys, "--name", "taken", "--scope", "read")
    assert EXIT_USAGE == run(["keys", *words, "--home", str(tmp_path)])
    assert said in capsys.readouterr().err
    assert ["taken"] == [row["name"] for row in listed(tmp_path, capsys)]


def test_a_key_typed_in_the_wrong_place_is_not_repeated(tmp_path: Path, capsys: Captured) -> None:
    """A message on a screen is a message in a log."""
    token = create(tmp_path, capsys, "--name", "alice", "--scope", "read")
    for words in (["revoke", token[:-1]], ["create", "--name", token, "--scope", "read"]):
        assert EXIT_USAGE == run(["keys", *words, "--home", str(tmp_path)])
        assert token[20:40] not in capsys.readouterr().err
