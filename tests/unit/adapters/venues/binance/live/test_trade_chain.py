"""Trades in one row, whatever the order in which a stream and the venue's answers tell them."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.venues.binance.live.trade_chain import FAR_BACK, Hole, Print, TradeChain
from tests.kit.soak import examples


def trade(number: int) -> Print:
    return Print(number, number, number, b"%d" % number)


def numbers(trades: Sequence[Print]) -> list[int]:
    return [one.number for one in trades]


def chain_at(number: int) -> TradeChain:
    chain = TradeChain()
    chain.hear(trade(number))
    return chain


def test_the_first_trade_is_the_beginning_and_each_next_one_passes() -> None:
    chain = TradeChain()
    assert [[7], [8], [9]] == [numbers(chain.hear(trade(number))) for number in (7, 8, 9)]
    assert (None, 9) == (chain.hole, chain.last)


def test_what_comes_after_a_hole_waits_until_it_is_filled() -> None:
    chain = chain_at(10)
    assert [] == [*chain.hear(trade(14)), *chain.hear(trade(15))]
    assert (Hole(11, 13), 2) == (chain.hole, chain.held)
    passed, unlisted = chain.fill([trade(11), trade(12)], 13)
    assert ([11, 12], [], Hole(13, 13)) == (numbers(passed), unlisted, chain.hole)
    passed, unlisted = chain.fill([trade(13), trade(14), trade(15)], 13)
    assert ([13, 14, 15], [], None) == (numbers(passed), unlisted, chain.hole)


def test_a_hole_may_close_by_itself() -> None:
    """By a connection that lags behind the one that replaces it."""
    chain = chain_at(1)
    assert [] == numbers(chain.hear(trade(4)))
    assert [2] == numbers(chain.hear(trade(2)))
    assert [3, 4] == numbers(chain.hear(trade(3)))


def test_repetitions_are_counted_and_not_passed() -> None:
    chain = chain_at(5)
    chain.hear(trade(8))
    assert [[], [], []] == [numbers(chain.hear(trade(number))) for number in (5, 8, 3)]
    assert 3 == chain.repeated


def test_what_the_venue_does_not_list_is_said() -> None:
    """Futures count trades that were no market trades, and list none of them."""
    chain = chain_at(1)
    chain.hear(trade(8))
    passed, unlisted = chain.fill([trade(2), trade(5), trade(6), trade(8)], 7)
    assert ([2, 5, 6], [Hole(3, 4)], Hole(7, 7)) == (numbers(passed), unlisted, chain.hole)


def test_a_hole_that_is_given_up_lets_the_others_go_on() -> None:
    chain = chain_at(1)
    for number in (4, 5, 9):
        chain.hear(trade(number))
    assert [4, 5] == numbers(chain.give_up(3))
    assert Hole(6, 8) == chain.hole
    assert [9] == numbers(chain.give_up(8))


def test_a_part_of_a_hole_can_be_given_up() -> None:
    chain = chain_at(1)
    chain.hear(trade(10))
    assert [] == numbers(chain.give_up(6))
    assert Hole(7, 9) == chain.hole


def test_a_trade_that_the_venue_knows_of_makes_a_hole_without_one_that_waits() -> None:
    chain = chain_at(1)
    chain.expect(4)
    assert Hole(2, 4) == chain.hole
    assert [2, 3, 4] == numbers(chain.fill([trade(2), trade(3), trade(4)], 4)[0])
    assert chain.hole is None


def test_ids_that_begin_anew_begin_a_new_row() -> None:
    """A testnet is wiped every month; a chain that waits for the old ids would let nothing through again."""
    chain = chain_at(FAR_BACK * 2)
    chain.hear(trade(FAR_BACK * 2 + 5))
    assert [FAR_BACK * 2 + 5, 3] == numbers(chain.hear(trade(3)))
    assert ([4], 1) == (numbers(chain.hear(trade(4))), chain.restarts)


def test_single_trades_in_no_aggregate_are_counted() -> None:
    chain = TradeChain()
    for one in (Print(1, 10, 12, b""), Print(2, 13, 13, b""), Print(3, 16, 17, b"")):
        chain.hear(one)
    assert 2 == chain.between


def test_what_is_given_up_is_not_counted_as_in_no_aggregate() -> None:
    chain = TradeChain()
    chain.hear(Print(1, 10, 12, b""))
    chain.hear(Print(5, 30, 31, b""))
    chain.give_up(4)
    assert 0 == chain.between


@given(st.data())
@examples(150)
def test_every_trade_comes_once_and_in_order_whatever_is_missed_repeated_or_swapped(data: st.DataObject) -> None:
    """The stream misses some, repeats some and swaps neighbours; the venue lists all but some; the rest is named."""
    count = data.draw(st.integers(2, 60))
    flags = st.sampled_from(["heard", "heard", "missed", "twice", "swapped"])
    fates = data.draw(st.lists(flags, min_size=count, max_size=count))
    unlisted = frozenset(data.draw(st.sets(st.integers(1, count - 1), max_size=5)))
    said = [0]
    for number in range(1, count):
        if fates[number] != "missed":
            said += [number] * (2 if fates[number] == "twice" else 1)
        if fates[number] == "swapped":
            said[-2:] = reversed(said[-2:])
    chain = TradeChain()
    out: list[int] = []
    lost: list[Hole] = []
    for number in [0, *(one for one in said if one), count]:
        out += numbers(chain.hear(trade(number)))
        if (hole := chain.hole) and data.draw(st.booleans()):
            answer = [trade(one) for one in range(hole.first, hole.last + 2) if one not in unlisted]
            passed, never = chain.fill(answer[: data.draw(st.integers(1, 5))], hole.last)
            out += numbers(passed)
            lost += never
    while hole := chain.hole:
        lost.append(hole)
        out += numbers(chain.give_up(hole.last))
    gone = [number for one in lost for number in range(one.first, one.last + 1)]
    assert sorted(set(out)) == out
    assert sorted([*out, *gone]) == list(range(count + 1))
    assert 0 == chain.held
