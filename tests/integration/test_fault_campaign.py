"""A desk and its venue through faults, restarts and people, decided by chance: at the end nobody disagrees."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.kit.campaign import Campaign
from tests.kit.campaign_exchange import CampaignExchange
from tests.kit.campaign_proof import books, prove
from tests.kit.soak import sample

SEEDS = sample([(1,)], [(1, 2, 3, 4), (5, 6, 7, 8)])
"""Campaigns of one test run beside each other: most of their time they wait."""
ORDERS = sample(25, 200)
TIMEOUT_S = sample(15.0, 100.0)


@pytest.mark.parametrize("market", ["usdm", "spot"])
@pytest.mark.parametrize("seeds", SEEDS)
async def test_journal_venue_and_audit_agree_to_the_last_lot(
    market: str, seeds: tuple[int, ...], tmp_path: Path
) -> None:
    """Every order asked for once, every fill on both sides, no position left bare, and the audit tells all of it."""
    found = await asyncio.gather(*(campaign(market, seed, tmp_path / str(seed)) for seed in seeds))
    wrong = [one for each in found for one in each]
    assert not wrong, "\n".join(wrong)


async def campaign(market: str, seed: int, home: Path) -> list[str]:
    """What was wrong at the end of one."""
    async with CampaignExchange(market).served() as exchange:
        one = Campaign(exchange, home, seed)
        try:
            await one.run(ORDERS, TIMEOUT_S)
            wrong = books(one)
            await one.desk.stop()
        finally:
            await one.desk.crash()
    wrong += await prove(one)
    print(figures(one))  # noqa: T201 - what was gone through, for who runs it with -s
    return [f"{market}, seed {seed}: {text}" for text in wrong]


def figures(one: Campaign) -> str:
    told = {
        "market": one.exchange.market, "seed": one.seed, "orders": one.orders, "lives": one.desk.lives,
        "trades": len(one.exchange.trades()), "struck": dict(one.exchange.struck), "gateway": dict(one.desk.counts),
        "refusals": dict(one.refusals), **one.figures,
    }  # fmt: skip
    return json.dumps(told)
