"""What a conditional order waits for: a price, or a turn of the price by so much from its extreme."""

from decimal import Decimal

import msgspec

from petrosa.core.model.instruments import EXACT


class Trigger(msgspec.Struct, kw_only=True):
    """Watches one reference price: set off at `price` or above when it fires upward, else at it or below.

    With a `callback` (fraction of the extreme) it trails. It is activated when the reference reaches `price` coming
    from the other side (at once where `price` is None), remembers the extreme since, the lowest when it fires upward
    and the highest when downward, and is set off when the reference has turned by the fraction. `best` is the extreme.
    With `on_its_side` it is activated at the price at which one without a callback would have been set off.
    """

    price: Decimal | None
    upward: bool
    callback: Decimal | None = None
    best: Decimal | None = None
    on_its_side: bool = False

    @property
    def level(self) -> Decimal | None:
        """The reference price that would set it off as things stand; None for a trailing one that is not active yet."""
        if self.callback is None:
            return self.price
        if self.best is None:
            return None
        turn = EXACT.add(Decimal(1), self.callback if self.upward else -self.callback)
        return EXACT.multiply(self.best, turn)

    def touched(self, reference: Decimal) -> bool:
        """Whether a reference price would set it off at once. A trailing one has to be activated first."""
        if self.callback is not None or self.price is None:
            return False
        return reference >= self.price if self.upward else reference <= self.price

    def observe(self, reference: Decimal) -> bool:
        """Learn a reference price; whether it sets the order off."""
        if self.callback is None:
            return self.touched(reference)
        sign = 1 if self.upward else -1
        if self.best is None:
            if self.price is not None and not self._begins(reference, self.price):
                return False
            self.best = reference
        elif sign * reference < sign * self.best:
            self.best = reference
        level = self.level
        assert level is not None
        return sign * reference >= sign * level

    def _begins(self, reference: Decimal, price: Decimal) -> bool:
        return reference >= price if self.upward is self.on_its_side else reference <= price
