"""A desk and its venue through faults, restarts and people, decided by chance: at the end nobody disagrees."""

import json
from pathlib import Path

import pytest

from tests.kit.campaign import Campaign
from tests.kit.campaign_exchange import CampaignExchange
from tests.kit.campaign_proof import books, prove
from tests.kit.soak import sample

SEEDS = sample([1, 2], list(range(1, 6)))
ORDERS = sample(40, 320)
TIMEOUT_S = sample(15.0, 120.0)


@pytest.mark.parametrize("market", ["usdm", "spot"])
@pytest.mark.parametrize("seed", SEEDS)
async def test_journal_venue_and_audit_agree_to_the_last_lot(market: str, seed: int, tmp_path: Path) -> None:
    async with CampaignExchange(market).served() as exchange:
        campaign = Campaign(exchange, tmp_path, seed)
        try:
            await campaign.run(ORDERS, TIMEOUT_S)
            wrong = books(campaign)
            await campaign.desk.stop()
        finally:
            await campaign.desk.crash()
    wrong += await prove(campaign)
    print(figures(campaign, market))
    assert not wrong, "\n".join(wrong)


def figures(campaign: Campaign, market: str) -> str:
    told = {
        "market": market, "seed": campaign.seed, "orders asked for": campaign.orders, "lives": campaign.desk.lives,
        "trades": len(campaign.exchange.trades()), "struck": dict(campaign.exchange.struck),
        "gateway": dict(campaign.desk.counts), "refusals": dict(campaign.refusals), **campaign.figures,
    }  # fmt: skip
    return json.dumps(told, indent=1)
