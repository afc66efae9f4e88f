"""What is said of streams as time passes, frames come and connections go."""

from collections.abc import Sequence

import pytest

from petrosa.adapters.feeds.health import Change, Health
from petrosa.adapters.venues.binance.live.expected import expected
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import FeedState

LIVE, STALE, DEAD = FeedState.LIVE, FeedState.STALE, FeedState.DEAD
START = 1_700_000_000 * NS_PER_SECOND


class Watched:
    """Streams of symbols, and seconds; `said` is every change."""

    def __init__(self, *streams: str, market: str = "spot") -> None:
        self.now = START
        self.said: list[tuple[str, FeedState]] = []
        self.why: list[str] = []
        kinds = {name: (name.partition("@")[0].upper(), expected(market, name.partition("@")[2])) for name in streams}
        self.health = Health(kinds, START)

    def keep(self, changes: Sequence[Change]) -> None:
        self.said += [(stream, state) for stream, state, _ in changes]
        self.why += [why for _, _, why in changes]

    def up(self, *streams: str) -> None:
        for stream in streams or self.health.pulses:
            self.keep(self.health.link(stream, True, "open", self.now))

    def down(self, *streams: str) -> None:
        for stream in streams or self.health.pulses:
            self.keep(self.health.link(stream, False, "reset by peer", self.now))

    def hear(self, *streams: str) -> None:
        for stream in streams:
            self.keep(self.health.heard(stream, self.now))

    def wait(self, seconds: float, *speaking: str, every: float = 1.0) -> None:
        """Let time pass; some speak meanwhile."""
        until = self.now + round(seconds * NS_PER_SECOND)
        while self.now < until:
            self.now = min(until, self.now + round(every * NS_PER_SECOND))
            self.hear(*speaking)
            self.keep(self.health.look(self.now))

    def of(self, stream: str) -> FeedState | None:
        return self.health.pulses[stream].state


def begun(*streams: str, market: str = "spot") -> Watched:
    """All of them up and heard."""
    watched = Watched(*streams, market=market)
    watched.up()
    watched.hear(*streams)
    watched.said.clear()
    watched.why.clear()
    return watched


@pytest.mark.parametrize(
    ("market", "suffix", "stale_s"),
    [
        ("spot", "ticker", 5), ("usdm", "ticker", 10), ("usdm", "markPrice@1s", 5), ("usdm", "markPrice", 15),
        ("spot", "depth20@100ms", 10), ("spot", "depth@100ms", 10), ("spot", "avgPrice", 5),
    ],
)  # fmt: skip
def test_a_steady_stream_is_stale_and_then_dead_by_its_period(market: str, suffix: str, stale_s: float) -> None:
    stream = f"btcusdt@{suffix}"
    watched = begun(stream, "btcusdt@trade", market=market)
    watched.wait(stale_s - 1, "btcusdt@trade")
    assert [] == watched.said
    watched.wait(1, "btcusdt@trade")
    assert [(stream, STALE)] == watched.said
    watched.wait(60 - stale_s, "btcusdt@trade")
    assert [(stream, STALE), (stream, DEAD)] == watched.said
    assert watched.why[-1] == f"nothing for 60.0 s, more than {stale_s:g} s"


def test_one_stray_frame_does_not_make_a_steady_stream_live_again() -> None:
    watched = begun("btcusdt@ticker")
    watched.wait(70)
    watched.hear("btcusdt@ticker")
    assert DEAD is watched.of("btcusdt@ticker")
    watched.wait(1, "btcusdt@ticker")
    assert [STALE, DEAD, LIVE] == [state for _, state in watched.said]


def test_frames_too_far_apart_do_not_make_a_steady_stream_live_again() -> None:
    watched = begun("btcusdt@ticker")
    watched.wait(6)
    for _ in range(4):
        watched.wait(4)
        watched.hear("btcusdt@ticker")
    assert [STALE] == [state for _, state in watched.said]


def test_rare_trades_are_no_dead_trades_while_the_book_moves() -> None:
    """As long as the venue, when asked, knows of no newer one."""
    watched = begun("btcusdt@trade", "btcusdt@depth20@100ms")
    for _ in range(20):
        watched.wait(29, "btcusdt@depth20@100ms")
        assert [] == watched.health.doubtful(watched.now)
        watched.wait(1, "btcusdt@depth20@100ms")
        assert ["btcusdt@trade"] == watched.health.doubtful(watched.now)
        watched.health.confirm("btcusdt@trade", watched.now)
    assert [] == watched.said


def test_trades_that_nobody_confirms_are_stale_and_never_dead_while_the_book_moves() -> None:
    watched = begun("btcusdt@trade", "btcusdt@depth20@100ms")
    watched.wait(1_000, "btcusdt@depth20@100ms")
    assert [("btcusdt@trade", STALE)] == watched.said
    assert ["nothing for 60.0 s, more than 60 s, while others of BTCUSDT speak"] == watched.why
    watched.health.confirm("btcusdt@trade", watched.now)
    watched.wait(1, "btcusdt@depth20@100ms")
    assert LIVE is watched.of("btcusdt@trade")


def test_trades_that_were_never_heard_are_stale_however_the_book_moves() -> None:
    """On futures a stream on the wrong path is silent for ever."""
    watched = Watched("btcusdt@aggTrade", "btcusdt@bookTicker", market="usdm")
    watched.up()
    watched.wait(60, "btcusdt@bookTicker")
    assert [("btcusdt@bookTicker", LIVE), ("btcusdt@aggTrade", STALE)] == watched.said


def test_a_connection_that_says_nothing_is_dead_though_it_is_open() -> None:
    """No stream of the symbol vouches for another."""
    streams = ("btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth20@100ms")
    watched = begun(*streams)
    watched.wait(9)
    assert [] == watched.said
    watched.wait(1)
    assert {(one, STALE) for one in streams} == set(watched.said)
    watched.wait(50)
    assert dict.fromkeys(streams, DEAD) == {one: watched.of(one) for one in streams}


def test_another_symbol_vouches_for_nothing() -> None:
    watched = begun("btcusdt@trade", "btcusdt@bookTicker", "ethusdt@trade", "ethusdt@bookTicker")
    watched.wait(60, "ethusdt@trade", "ethusdt@bookTicker")
    assert {("btcusdt@trade", DEAD), ("btcusdt@bookTicker", DEAD)} <= set(watched.said)
    assert LIVE is watched.of("ethusdt@trade")


def test_a_busy_stream_is_judged_by_its_own_pace() -> None:
    """Four times the longest pause of late: 50 s between trades makes 200 s of silence nothing strange."""
    watched = begun("btcusdt@trade", "btcusdt@bookTicker")
    for _ in range(5):
        watched.wait(50, "btcusdt@bookTicker")
        watched.hear("btcusdt@trade")
    watched.wait(199, "btcusdt@bookTicker")
    assert [] == watched.said
    watched.wait(1, "btcusdt@bookTicker")
    assert [("btcusdt@trade", STALE)] == watched.said


def test_a_pace_that_quickens_is_expected_again() -> None:
    watched = begun("btcusdt@trade", "btcusdt@bookTicker")
    watched.wait(50, "btcusdt@bookTicker")
    watched.wait(400, "btcusdt@bookTicker", "btcusdt@trade")
    watched.wait(59, "btcusdt@bookTicker")
    assert [] == watched.said
    watched.wait(1, "btcusdt@bookTicker")
    assert [("btcusdt@trade", STALE)] == watched.said


def test_liquidations_are_live_as_long_as_their_connection_is() -> None:
    watched = Watched("btcusdt@forceOrder", market="usdm")
    watched.up()
    watched.wait(100_000, every=1_000)
    watched.down()
    watched.wait(60)
    assert [LIVE, STALE, DEAD] == [state for _, state in watched.said]


@pytest.mark.parametrize("away", [1, 100])
def test_liquidations_are_live_again_with_their_connection(away: int) -> None:
    """Nobody may be liquidated for hours: a desk that waited for one would enter nothing meanwhile."""
    watched = Watched("btcusdt@forceOrder", market="usdm")
    watched.up()
    watched.down()
    watched.wait(away)
    watched.up()
    assert LIVE is watched.of("btcusdt@forceOrder")


def test_without_its_connection_a_stream_is_stale_at_once_and_dead_in_time() -> None:
    watched = begun("btcusdt@trade", "btcusdt@ticker")
    watched.down()
    assert {("btcusdt@trade", STALE), ("btcusdt@ticker", STALE)} == set(watched.said)
    watched.wait(60)
    assert DEAD is watched.of("btcusdt@trade")
    assert "the connection is away: reset by peer" == watched.why[-1]


def test_an_open_connection_says_nothing_about_the_market() -> None:
    watched = begun("btcusdt@trade", "btcusdt@ticker")
    watched.down()
    watched.said.clear()
    watched.up()
    watched.wait(3)
    assert [] == watched.said
    watched.wait(2, "btcusdt@trade", "btcusdt@ticker")
    assert [("btcusdt@trade", LIVE), ("btcusdt@ticker", LIVE)] == watched.said


def test_trades_that_stay_silent_after_a_connection_was_away_are_asked_about() -> None:
    """Some may have been missed, and no later one shows the hole."""
    watched = begun("btcusdt@trade", "btcusdt@bookTicker")
    watched.down()
    watched.wait(2)
    watched.up()
    watched.wait(4, "btcusdt@bookTicker")
    assert [] == watched.health.doubtful(watched.now)
    watched.wait(1, "btcusdt@bookTicker")
    assert ["btcusdt@trade"] == watched.health.doubtful(watched.now)
    watched.health.confirm("btcusdt@trade", watched.now)
    watched.wait(1, "btcusdt@bookTicker")
    assert [] == watched.health.doubtful(watched.now)
    assert LIVE is watched.of("btcusdt@trade")


def test_the_pause_of_a_connection_is_none_of_the_market() -> None:
    watched = begun("btcusdt@trade", "btcusdt@bookTicker")
    watched.down()
    watched.wait(500)
    watched.up()
    watched.hear("btcusdt@trade", "btcusdt@bookTicker")
    watched.said.clear()
    watched.wait(60, "btcusdt@bookTicker")
    assert [("btcusdt@trade", STALE)] == watched.said


def test_what_is_not_whole_is_stale_however_much_it_says() -> None:
    watched = begun("btcusdt@depth@100ms")
    watched.keep(watched.health.impair("btcusdt@depth@100ms", "out of sync", watched.now))
    watched.wait(30, "btcusdt@depth@100ms")
    assert [STALE] == [state for _, state in watched.said]
    watched.keep(watched.health.mend("btcusdt@depth@100ms", "synchronised", watched.now))
    assert [STALE, LIVE] == [state for _, state in watched.said]
    assert ["out of sync", "synchronised"] == watched.why


def test_what_is_whole_again_and_silent_is_not_live() -> None:
    watched = begun("btcusdt@depth@100ms")
    watched.keep(watched.health.impair("btcusdt@depth@100ms", "out of sync", watched.now))
    watched.wait(12)
    watched.keep(watched.health.mend("btcusdt@depth@100ms", "synchronised", watched.now))
    assert [STALE] == [state for _, state in watched.said]
    watched.wait(2, "btcusdt@depth@100ms")
    assert [STALE, LIVE] == [state for _, state in watched.said]


def test_nothing_is_said_before_anything_is_late() -> None:
    """Connections take a while to open."""
    watched = Watched("btcusdt@trade", "btcusdt@ticker")
    watched.wait(4)
    assert [] == watched.said
    watched.wait(6)
    assert {("btcusdt@trade", STALE), ("btcusdt@ticker", STALE)} == set(watched.said)


def test_each_state_is_said_once() -> None:
    watched = begun("btcusdt@ticker")
    for _ in range(3):
        watched.wait(5)
        watched.wait(3, "btcusdt@ticker")
    assert [STALE, LIVE] * 3 == [state for _, state in watched.said]
