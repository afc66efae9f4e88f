"""`petrosa order` trades by hand on a desk over HTTP, and says what the desk said."""

import asyncio
import json
from pathlib import Path

import pytest

from petrosa.apps.main import run
from petrosa.errors import EXIT_ERROR, EXIT_NOT_RUNNING, EXIT_OK, EXIT_USAGE
from petrosa.surfaces.access import Scope
from petrosa.surfaces.api.serve import bind, serving
from tests.kit.desk import served

Captured = pytest.CaptureFixture[str]
LIMIT = ("buy", "BTCUSDT", "0.01", "--type", "limit", "--price", "63000", "--reason", "a level")


async def command(*words: str) -> int:
    """The exit code of a command line, run beside the desk."""
    return await asyncio.to_thread(run, ["order", *words])


async def test_an_order_is_placed_listed_and_taken_off(tmp_path: Path, capsys: Captured) -> None:
    """On the desk that answers on the usual ports of this machine."""
    async with served(tmp_path) as desk, serving(desk.app, "127.0.0.1", 0) as url:
        here = ("--home", str(tmp_path), "--set", "http.port=1", "--set", f"http.engine_port={url.rpartition(':')[2]}")
        assert EXIT_OK == await command("place", *LIMIT, *here)
        assert "agreed, the order left" in capsys.readouterr().out
        (order,) = desk.desk.trader.orders
        assert EXIT_OK == await command("list", "--symbol", "BTC/USDT", "--json", *here)
        (listed,) = json.loads(capsys.readouterr().out)["orders"]
        assert (order.client_order_id, "63000") == (listed["client_order_id"], listed["price"])
        assert EXIT_OK == await command("list", *here)
        assert order.client_order_id in capsys.readouterr().out
        await desk.desk.move(2.0)
        off = ("cancel", order.client_order_id, "--symbol", "BTC/USDT:USDT", "--reason", "enough")
        assert EXIT_OK == await command(*off, *here, "--json")
        assert "agreed" == json.loads(capsys.readouterr().out)["status"]
        await desk.desk.move(2.0)
        assert "cancelled by local: enough" == desk.desk.trader.orders[0].reason
        assert EXIT_ERROR == await command(*off, *here)
        assert "order_alive: saw canceled" in capsys.readouterr().err


async def test_a_key_places_one_order(tmp_path: Path) -> None:
    """The same idempotency key twice; without one each command is an order of its own, which the desk decides about."""
    async with served(tmp_path) as desk, serving(desk.app, "127.0.0.1", 0) as url:
        for _ in range(2):
            assert EXIT_OK == await command("place", *LIMIT, "--url", url, "--idempotency-key", "k")
        assert 1 == len(desk.desk.trader.orders)


async def test_what_the_desk_refuses_is_said_in_its_words(tmp_path: Path, capsys: Captured) -> None:
    """The check, what it saw, the limit and the remedy; exit 1. A key is read from a file."""
    async with served(tmp_path) as desk, serving(desk.app, "127.0.0.1", 0) as url:
        wrong = ("place", "sell", "BTCUSDT", "0.01", "--reduce-only", "--reason", "r", "--url", url)
        assert EXIT_ERROR == await command(*wrong)
        assert "reduces: saw flat" in capsys.readouterr().err
        assert EXIT_ERROR == await command(*wrong, "--json")
        assert "reduces" == json.loads(capsys.readouterr().out)["result"]["check"]
        assert EXIT_ERROR == await command("cancel", "nosuch", "--reason", "r", "--url", url)
        assert "answers 404: no order 'nosuch' is remembered" in capsys.readouterr().err
        (tmp_path / "key").write_text(await desk.key("ops", Scope.TRADE) + "\n")
        assert EXIT_ERROR == await command("place", *LIMIT, "--url", url)
        assert "answers 401: this needs a key" in capsys.readouterr().err
        assert EXIT_OK == await command("place", *LIMIT, "--url", url, "--key-file", str(tmp_path / "key"))


async def test_of_several_desks_one_has_to_be_named(tmp_path: Path, capsys: Captured) -> None:
    """An order is for one of them; none is chosen for you."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    async with (
        served(tmp_path / "a") as one, served(tmp_path / "b") as two,
        serving(one.app, "127.0.0.1", 0) as first, serving(two.app, "127.0.0.1", 0) as second,
    ):  # fmt: skip
        ports = [url.rpartition(":")[2] for url in (first, second)]
        here = ("--set", f"http.port={ports[0]}", "--set", f"http.engine_port={ports[1]}", "--home", str(tmp_path))
        assert EXIT_USAGE == await command("place", *LIMIT, *here)
        assert "say with --url which one is meant" in capsys.readouterr().err
        assert () == one.desk.trader.orders == two.desk.trader.orders


def test_where_no_desk_answers(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody there, and somebody who hangs: then nobody knows what was done, and it says so."""
    monkeypatch.setattr("petrosa.apps.desk_client.TIMEOUT_S", 0.05)
    with bind("127.0.0.1", 0) as hangs:
        url = f"http://127.0.0.1:{hangs.getsockname()[1]}"
        assert EXIT_NOT_RUNNING == run(["order", "list", "--url", url])
        assert "whether it was done is not known" in capsys.readouterr().err
    assert EXIT_NOT_RUNNING == run(["order", "list", "--url", url])
    assert "no desk answers on" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["place", "buy", "BTCUSDT", "1"],
        ["place", "hold", "BTCUSDT", "1", "--reason", "r"],
        ["place", "buy", "BTCUSDT", "1", "--type", "oco", "--reason", "r"],
        ["cancel", "x"],
        ["list", "--limit", "500"],
        ["list", "--url", "desk"],
    ],
)
def test_what_cannot_be_meant(words: list[str], capsys: Captured) -> None:
    """A reason is needed, and sides and types that there are."""
    assert EXIT_USAGE == run(["order", *words])
    assert capsys.readouterr().err
