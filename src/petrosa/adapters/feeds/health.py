"""Whether each stream says what is expected of it: LIVE, STALE or DEAD, judged by a clock that is given.

The rules, by the age of a stream's newest frame:

* STEADY streams (tickers, mark prices, books) are STALE and then DEAD by their `Expected`.
* BUSY ones (trades, quotes, bars) are expected at their own pace: silence is normal up to four times the longest pause
  of late, and never less than `stale_s`. Beyond that they are STALE, and not DEAD as long as their connection is up and
  another stream of the symbol is on time: a quiet market is not a dead one. Trades can be asked about: a venue that
  knows of no newer trade has confirmed the silence. When nothing else of the symbol speaks, `alone_s` is the limit.
* RARE ones (liquidations) are LIVE as long as their connection is up.
* Without its connection any stream is STALE at once, and DEAD after `dead_s`.
* A stream with a hole, or a book that is not synchronised, is STALE however much it says.

A STEADY stream that was not LIVE is LIVE again with its second frame on time, so that one stray frame does not open a
desk for entries; any other one with its first.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from petrosa.adapters.feeds.expected import Expected, Manner
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import FeedState

LIVE, STALE, DEAD = FeedState.LIVE, FeedState.STALE, FeedState.DEAD
PACES: Final = 4
"""So many times the longest pause of late a busy stream may be silent."""
FORGETS: Final = 64
"""The longest pause of late shrinks by this part of its distance with every frame."""
UNSURE_NS: Final = 5 * NS_PER_SECOND
"""After a connection was away: how long trades may be silent before the venue is asked whether any were missed."""
STEADIED: Final = 2


class Change(NamedTuple):
    """A stream is in another state."""

    stream: str
    state: FeedState
    reason: str


class Pulse:
    """One stream as it is now. Times are in ns; `asked_at` is when the venue confirmed that nothing was missed."""

    __slots__ = (
        "asked_at", "beats", "down_since", "expected", "heard", "impaired", "is_up", "longest", "reason", "since",
        "state", "stream", "symbol", "unsure_since", "why_down",
    )  # fmt: skip

    def __init__(self, stream: str, symbol: str, expected: Expected, now: int) -> None:
        self.stream = stream
        self.symbol = symbol
        self.expected = expected
        self.heard = 0
        self.asked_at = now
        self.longest = 0
        self.beats = 0
        self.is_up = False
        self.down_since = now
        self.why_down = "not connected yet"
        self.impaired = ""
        self.unsure_since = 0
        self.state: FeedState | None = None
        """None before anything is known."""
        self.since = now
        self.reason = self.why_down

    def age(self, now: int) -> int:
        """How long nothing was heard, and nothing was confirmed to have been missed."""
        return now - max(self.heard, self.asked_at)

    def limit(self, *, in_company: bool) -> int:
        """How long it may be silent."""
        expected = self.expected
        if expected.manner is not Manner.BUSY:
            return round(expected.stale_s * NS_PER_SECOND)
        least = expected.stale_s if in_company else min(expected.stale_s, expected.alone_s)
        return max(round(least * NS_PER_SECOND), PACES * self.longest)


class Health:
    """The pulses of all streams of a feed. Each method returns what has changed."""

    def __init__(self, streams: Mapping[str, tuple[str, Expected]], now: int) -> None:
        """By stream: its symbol, and what is expected of it. From `now` on frames are expected."""
        self.pulses = {name: Pulse(name, symbol, one, now) for name, (symbol, one) in streams.items()}
        self._of: dict[str, list[Pulse]] = {}
        for pulse in self.pulses.values():
            self._of.setdefault(pulse.symbol, []).append(pulse)

    def expect(self, now: int) -> None:
        """Nothing was listened to before; silence counts from now on."""
        for pulse in self.pulses.values():
            pulse.asked_at = pulse.since = pulse.down_since = now

    def heard(self, stream: str, now: int) -> Sequence[Change]:
        """A frame came. Hot."""
        pulse = self.pulses[stream]
        before, pulse.heard = pulse.heard, now
        if before and not pulse.unsure_since:  # a pause of the connection is none of the market
            pause = now - before
            if pause > pulse.longest:
                pulse.longest = pause
            else:
                pulse.longest -= (pulse.longest - pause) // FORGETS
        pulse.unsure_since = 0
        pulse.is_up = True
        if pulse.state is LIVE:
            return ()
        return self._recovering(pulse, before, now)

    def link(self, stream: str, is_up: bool, why: str, now: int) -> Sequence[Change]:
        """Its connection came up or went away. An open connection says nothing about the market, but of rare streams
        nothing else is expected."""
        pulse = self.pulses[stream]
        pulse.beats = 0
        if pulse.is_up and not is_up:
            pulse.down_since = now
        pulse.is_up = is_up
        if is_up:
            pulse.unsure_since = now if pulse.heard else 0
            return self._judged(pulse, now) if pulse.expected.manner is Manner.RARE else ()
        pulse.why_down = why
        return self._judged(pulse, now)

    def impair(self, stream: str, why: str, now: int) -> Sequence[Change]:
        """What it says is not whole."""
        pulse = self.pulses[stream]
        pulse.impaired = why
        return self._say(pulse, STALE, why, now) if pulse.state is not DEAD else ()

    def mend(self, stream: str, why: str, now: int) -> Sequence[Change]:
        """It is whole again."""
        pulse = self.pulses[stream]
        pulse.impaired = ""
        late = pulse.age(now) >= pulse.limit(in_company=self._in_company(pulse, now))
        return () if late or not (pulse.is_up and pulse.heard) else self._say(pulse, LIVE, why, now)

    def confirm(self, stream: str, now: int) -> None:
        """The venue was asked, and knows of nothing newer."""
        pulse = self.pulses[stream]
        pulse.asked_at, pulse.unsure_since = now, 0

    def doubtful(self, now: int) -> list[str]:
        """Streams that the venue is to be asked about: overdue by half while others of their symbol speak, or silent
        since their connection was away."""
        return [
            pulse.stream
            for pulse in self.pulses.values()
            if pulse.expected.asks and pulse.is_up and pulse.heard and not pulse.impaired
            and (0 < pulse.unsure_since <= now - UNSURE_NS or self._half_overdue(pulse, now))
        ]  # fmt: skip

    def look(self, now: int) -> list[Change]:
        """See what is overdue."""
        return [change for pulse in self.pulses.values() for change in self._judged(pulse, now)]

    def _judged(self, pulse: Pulse, now: int) -> Sequence[Change]:
        if pulse.state is None and not pulse.is_up and pulse.age(now) < pulse.limit(in_company=False):
            return ()
        state, reason = self._judge(pulse, now)
        if state is LIVE and pulse.expected.manner is not Manner.RARE:
            # Frames, or the venue, say that a stream is alive again; the passing of time does not.
            return () if not self._quiet_again(pulse) else self._say(pulse, LIVE, "the silence is confirmed", now)
        if state is STALE and pulse.state is DEAD:
            return ()  # nothing has come to make it better
        return self._say(pulse, state, reason, now)

    def _half_overdue(self, pulse: Pulse, now: int) -> bool:
        return pulse.age(now) * 2 >= pulse.limit(in_company=True) and self._in_company(pulse, now)

    @staticmethod
    def _quiet_again(pulse: Pulse) -> bool:
        """Whether it went STALE by its age alone and the venue has said since that nothing was missed."""
        return pulse.state is STALE and pulse.asked_at > pulse.since and pulse.heard > 0

    def _judge(self, pulse: Pulse, now: int) -> tuple[FeedState, str]:
        """What it is by the rules now."""
        expected, age_s = pulse.expected, pulse.age(now) / NS_PER_SECOND
        if not pulse.is_up:
            away_s = (now - pulse.down_since) / NS_PER_SECOND
            return (DEAD if away_s >= expected.dead_s else STALE), f"the connection is away: {pulse.why_down}"
        if expected.manner is Manner.RARE:
            return LIVE, "its connection is up"
        in_company = expected.manner is Manner.BUSY and self._in_company(pulse, now)
        limit_s = pulse.limit(in_company=in_company) / NS_PER_SECOND
        if age_s < limit_s:
            return (STALE, pulse.impaired) if pulse.impaired else (LIVE, "")
        heard = f"nothing for {age_s:.1f} s, more than {limit_s:g} s"
        if in_company:
            return STALE, f"{heard}, while others of {pulse.symbol} speak"
        return (DEAD if age_s >= max(limit_s, expected.dead_s) else STALE), heard

    def _in_company(self, pulse: Pulse, now: int) -> bool:
        """Whether another stream of its symbol is on time."""
        return any(
            other is not pulse and other.is_up and other.heard and other.expected.manner is not Manner.RARE
            and now - other.heard < other.limit(in_company=False)
            for other in self._of[pulse.symbol]
        )  # fmt: skip

    def _recovering(self, pulse: Pulse, before: int, now: int) -> Sequence[Change]:
        if pulse.impaired:
            return self._say(pulse, STALE, pulse.impaired, now)
        if pulse.state is not None and pulse.expected.manner is Manner.STEADY:
            on_time = 2 * (now - before) < pulse.limit(in_company=False)
            pulse.beats = pulse.beats + 1 if on_time and pulse.beats else 1
            if pulse.beats < STEADIED:
                return ()
        pulse.beats = 0
        return self._say(pulse, LIVE, "frames flow", now)

    def _say(self, pulse: Pulse, state: FeedState, reason: str, now: int) -> Sequence[Change]:
        if pulse.state is state:
            return ()
        pulse.state, pulse.reason, pulse.since = state, reason, now
        return (Change(pulse.stream, state, reason),)
