"""What readers may know of an account between turns, and nothing that they could change."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from petrosa.core.execution.account import Account
from petrosa.core.execution.findings import Findings
from petrosa.core.execution.lifecycle import Order
from petrosa.core.execution.protection import Protection
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.positions import Position


class Holdings:
    """Orders, positions and wallets of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @property
    def positions(self) -> Mapping[InstrumentId, Position]:
        """Every position there ever was, by instrument; flat ones keep their realised profit and fees."""
        return self._account.ledger.positions

    @property
    def orders(self) -> Sequence[Order]:
        """Every remembered order, oldest first."""
        return tuple(self._account.blotter)

    @property
    def findings(self) -> Findings:
        """In what the venue and our books differ, as of the last statement."""
        return self._account.findings

    @property
    def balances(self) -> Mapping[str, Decimal]:
        return self._account.ledger.balances

    @property
    def equity(self) -> Decimal | None:
        """Wallets and open profit in the account's currency; None when a part of it has no price."""
        return self._account.standing.equity()

    @property
    def realized(self) -> Decimal:
        """Gross realised profit in the account's currency; other currencies are in `Position.realized`."""
        ledger = self._account.ledger
        return ledger.realized.get(ledger.currency, Decimal(0))

    @property
    def fees(self) -> Mapping[str, Decimal]:
        """Fees paid, by asset."""
        return self._account.ledger.fees

    def held(self, instrument: InstrumentId) -> Decimal:
        """Signed quantity in whole steps; dust counts as flat."""
        return self._account.ledger.held(instrument)

    def by_strategy(self, instrument: InstrumentId) -> Mapping[str, Decimal]:
        """Signed quantity per strategy; their sum is the position."""
        return self._account.ledger.by_strategy(instrument)

    def unrealized(self, instrument: InstrumentId) -> Decimal | None:
        """Gross profit of closing at the mark; None when there is a position and no price."""
        return self._account.standing.unrealized(instrument)

    def live_orders(self, instrument: InstrumentId) -> Sequence[Order]:
        """Orders that may still fill, in the order in which they were placed."""
        return self._account.blotter.live(instrument)

    @property
    def protection(self) -> Mapping[InstrumentId, Protection]:
        """For each position what should rest behind it and what of that is confirmed."""
        return self._account.protection

    @property
    def unprotected(self) -> Mapping[InstrumentId, int]:
        """Since when (ns) positions are without a confirmed stop for all that is held; none where all are covered."""
        return {key: found.since for key, found in self.protection.items() if not found.is_covered}
