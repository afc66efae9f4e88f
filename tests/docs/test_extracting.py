"""The page about extraction is typed in as it stands, and answered as it says: only times and rates are others."""

import asyncio
import os
import re
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kit.history_venue import Venue, history_venue
from tests.kit.source import ROOT, SRC

PAGE = (ROOT / "docs" / "extracting.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
PETROSA = (sys.executable, "-c", "from petrosa.apps.main import main; main()")
PROGRESS = re.compile(r"(?:klines|gaps|funding|trades): \d+ of \d+ done")
TIMELY = ((r"[\d,]+(?=(?: bars)?/s)", "#"), (r"\b[\d.,]+ s\b", "# s"), (r"\d+ requests", "# requests"))
"""What no two runs have in common."""
END_S = 120.0


class Typed(NamedTuple):
    """A command of the page, and the lines that it shows of the answer; `…` stands for some that are left out."""

    words: list[str]
    shown: list[str]


def examples() -> Iterator[Typed]:
    """In their order. Whatever is of a shell but the server and the settings is an example."""
    for language, body in BLOCK.findall(PAGE):
        if language == "":
            for command, _, shown in (one.partition("\n") for one in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]):
                yield Typed(shlex.split(command), plain(shown))


def plain(text: str) -> list[str]:
    lines = [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]
    for pattern, put in TIMELY:
        lines = [re.sub(pattern, put, line) for line in lines]
    return [line for line in lines if line and not PROGRESS.match(line)]


def fits(shown: list[str], said: list[str]) -> bool:
    """Whether the lines are these, any number of others standing where the page leaves some out."""
    pattern = "".join(r"(?:.*\n)*?" if line == "…" else re.escape(line) + "\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in said)) is not None


def environment(home: Path, venue: Venue) -> dict[str, str]:
    """The page's own, at the ports of this test."""
    told = dict(re.findall(r"(?:export|\\\n) *(\w+)=(\S+)", PAGE))
    assert {"BINANCE_FUTURES_API_URL", "PETROSA__EXTRACT__ARCHIVE_URL"} == set(told)
    told = {name: {"8099": venue.rest, "8100": venue.archive}[url[-4:]] for name, url in told.items()}
    return told | {"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC), "PETROSA_HOME": str(home), "NO_COLOR": "1",
                   "COLUMNS": "200"}  # fmt: skip


async def test_every_command_of_the_page_is_answered_as_it_says(tmp_path: Path) -> None:
    found = list(examples())
    assert {"klines", "funding", "trades", "gaps", "run"} == {one.words[2] for one in found}
    (now,) = re.findall(r"tests\.kit\.history_venue 8099 (\S+)", PAGE)
    async with history_venue(now) as venue:
        for one in found:
            assert ["petrosa", "extract"] == one.words[:2]
            said = await typed(one.words[1:], environment(tmp_path, venue))
            assert fits(one.shown, plain(said)), f"{shlex.join(one.words)} is answered otherwise:\n{said}"


async def typed(words: list[str], environ: dict[str, str]) -> str:
    """Both outputs of a command; what goes on for ever is stopped when it has done its first turn."""
    process = await asyncio.create_subprocess_exec(
        *PETROSA, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environ
    )
    assert process.stdout is not None
    said = b""
    async with asyncio.timeout(END_S):
        while line := await process.stdout.readline():
            said += line
            if words[1] == "run" and b"gaps filled" in line:
                process.send_signal(signal.SIGTERM)
        await process.wait()
    return re.sub(r'^\{"level":"INFO","message":"(.*?)",.*$', r"\1", said.decode(), flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("shown", "said", "is_so"),
    [
        (["a", "…", "c"], ["a", "b", "b", "c"], True),
        (["a", "…", "c"], ["a", "c"], True),
        (["a", "c"], ["a", "b", "c"], False),
        (["…", "c"], ["a", "b"], False),
    ],
)
def test_the_comparison_can_fail(shown: list[str], said: list[str], is_so: bool) -> None:
    assert is_so == fits(shown, said)
