"""The page about trading on a venue is typed in as it stands: an exchange, a desk before it, and questions to both."""

import shlex
import shutil
from pathlib import Path

import pytest

from tests.kit.live_process import live_process
from tests.kit.pages import Page
from tests.kit.paper_process import paper_process

PAGE = Page("live-trading.md")
STAYS = ("petrosa paper-exchange", "petrosa run")
"""What is started, and runs beside the rest of the page."""


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_page_can_be_typed(tmp_path: Path) -> None:
    """Every command succeeds, and every request is answered as the page says; only ports are others."""
    exchange_words, desk_words = ([shlex.split(line)[1:] for line in PAGE.lines if line.startswith(start)]
                                  for start in STAYS)  # fmt: skip
    assert 1 == len(exchange_words) == len(desk_words)
    PAGE.lines = [line for line in PAGE.lines if not line.startswith(STAYS)]
    home = tmp_path / "home"
    with paper_process(tmp_path / "exchange", *exchange_words[0][1:]) as exchange:
        async with live_process(*desk_words[0], exchange=exchange.url, home=home) as desk:
            answered = await PAGE.typed(tmp_path, home, desk)
    assert PAGE.promised == answered
    assert {"200"} == set(PAGE.promised)
