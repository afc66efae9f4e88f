"""What a key may do, as `/sapi` tells it; on whichever markets there are."""

from typing import Any, Final

from petrosa.adapters.venues.binance.paper.endpoint import Call, Endpoint, Security


def restrictions(call: Call) -> Any:
    """The answer of `apiRestrictions` about the key that asks."""
    key = call.key
    assert key is not None
    return {
        "ipRestrict": True, "createTime": 1_609_459_200_000, "enableReading": True,
        "enableWithdrawals": key.may_withdraw,
        "enableInternalTransfer": False, "enableMargin": False, "enableFutures": key.may_trade("usdm"),
        "permitsUniversalTransfer": False, "enableVanillaOptions": False, "enableFixApiTrade": False,
        "enableFixReadOnly": False, "enableSpotAndMarginTrading": key.may_trade("spot"),
        "enablePortfolioMarginTrading": False,
    }  # fmt: skip


RESTRICTIONS: Final = Endpoint("GET", "/sapi/v1/account/apiRestrictions", Security.SIGNED, 1, restrictions)
