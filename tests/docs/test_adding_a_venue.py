"""The page that teaches how to add a venue: its files are counted, its command and its settings are run."""

import asyncio
import re
import sys
import tomllib
from pathlib import Path

from petrosa.apps.readings import told
from petrosa.apps.settings import load
from petrosa.apps.venues import VENUES
from tests.kit.bybit_server import Bybit, bybit
from tests.kit.source import ROOT

PAGE = (ROOT / "docs" / "adding-a-venue.md").read_text(encoding="utf-8")
FOLDER = ROOT / "src" / "petrosa" / "adapters" / "venues" / "bybit"
SHARED = ROOT / "src" / "petrosa" / "adapters" / "feeds"
NEAR = 0.1
"""By so much of it a file may have grown or shrunk since it was counted."""


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_the_files_of_the_venue_are_those_of_the_page_and_as_long() -> None:
    rows = re.findall(r"^\| `adapters/venues/bybit/([\w/]+\.py)` \| (\d+) \|", PAGE, re.MULTILINE)
    said = {name: int(count) for name, count in rows}
    files = [path for path in sorted(FOLDER.rglob("*.py")) if path.name != "__init__.py"]
    there = {path.relative_to(FOLDER).as_posix(): lines(path) for path in files}
    assert sorted(said) == sorted(there)
    assert {} == {name: count for name, count in there.items() if abs(count - said[name]) > max(2, NEAR * count)}


def test_every_file_that_the_page_names_is_there() -> None:
    named = re.findall(r"`((?:adapters|apps|tests)/[\w/]+\.py)`", PAGE)
    assert len(named) > 12
    assert [] == [name for name in named if not (ROOT / name).exists() and not (ROOT / "src/petrosa" / name).exists()]


def test_what_is_shared_imports_no_venue() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in SHARED.glob("*.py")}
    assert [] == [name for name, text in texts.items() if "adapters.venues" in text]
    assert {"binance", "bybit"} == set(VENUES)


def test_the_settings_of_the_page_are_settings(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert "outside" in tomllib.loads(text)
    file = tmp_path / "two.toml"
    file.write_text(text, encoding="utf-8")
    settings = load([str(file)], environ={})
    assert ("bybit",) == settings.outside.sources
    assert settings.strategies["cross_exchange_spread"].enabled


async def test_the_command_of_the_page_records_a_quote(tmp_path: Path) -> None:
    (words,) = re.findall(r"^petrosa (readings record bybit .*)$", PAGE, re.MULTILINE)
    server = Bybit()
    server.quote("99.00", "101.00")
    async with bybit(server):
        ran = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from petrosa.apps.main import main; main()", *words.split(), "--base-url",
            server.url, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, errors = await ran.communicate()
    assert 0 == ran.returncode, errors.decode()
    (line,) = await told([tmp_path / "quotes.jsonl"], lambda _: None)
    assert ("bybit", "quote", "BTC/USDT", ("bid", "ask"), 1) == (
        line.source, line.topic, line.subject, line.values, line.count,
    )  # fmt: skip
