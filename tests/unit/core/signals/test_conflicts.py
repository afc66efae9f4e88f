"""Who is heard when one signal says buy and another sell."""

from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.refusals import Outcome, Verdict
from petrosa.core.model.signals import Action
from petrosa.core.signals.conflicts import OPINIONS_KEPT, Opinion, Opinions, opinion_of, resolve, strongest_of
from petrosa.core.signals.params import ConflictResolution, SignalParams, TimeframeResolution
from tests.kit.soak import examples
from tests.kit.trading import PERPETUAL, START, signal

KEY = PERPETUAL.id


def opinion(
    side: Side, score: float, number: int, timeframe: str = "tick", said: int = START, heard: int = START
) -> Opinion:
    return Opinion(KEY, f"signal-{number}", f"strategy-{number}", timeframe, side, score, said, heard)


def params(
    mode: ConflictResolution = ConflictResolution.STRONGEST_WINS,
    timeframes: TimeframeResolution = TimeframeResolution.HIGHER_TIMEFRAME_WINS,
) -> SignalParams:
    return SignalParams(conflict_resolution=mode, timeframe_resolution=timeframes)


def told(opinions: Opinions, new: Opinion, how: SignalParams) -> Outcome:
    """What a trader does with an opinion: ask, then remember whether it stands."""
    outcome = resolve(new, opinions.others(new), how)
    opinions.hear(msgspec.structs.replace(new, stands=outcome.verdict is Verdict.PASSED))
    return outcome


def won(new: Opinion, others: list[Opinion], how: SignalParams) -> bool:
    return resolve(new, others, how).verdict is Verdict.PASSED


def test_the_score_is_confidence_by_both_weights() -> None:
    """Confidence × weight of the timeframe × weight of the strategy; 1 for a strategy that is not named."""
    how = SignalParams(strategy_weights={"skew": 2.0}, timeframe_weights={"1h": 0.5})
    said = signal(confidence=0.8, timeframe="1h")
    assert pytest.approx(0.8) == opinion_of(said, Side.BUY, KEY, START, how).score
    assert pytest.approx(0.8 * 0.7) == opinion_of(said, Side.BUY, KEY, START, SignalParams()).score


def test_without_an_opposite_opinion_there_is_no_conflict() -> None:
    """Opinions for the same side are no conflict, however strong."""
    outcome = resolve(opinion(Side.BUY, 0.1, 1), [opinion(Side.BUY, 0.9, 2)], params())
    assert (Verdict.PASSED, "buy 0.1000 (signal-1 of strategy-1, tick), none against it") == (
        outcome.verdict,
        outcome.saw,
    )


def test_the_strongest_wins_and_the_refusal_names_both_and_the_mode() -> None:
    """A lower score is refused with both signals, both scores and the mode."""
    outcome = resolve(opinion(Side.SELL, 0.07, 2), [opinion(Side.BUY, 0.08, 1)], params())
    assert ("conflict", Verdict.FAILED) == (outcome.check, outcome.verdict)
    assert "sell 0.0700 (signal-2 of strategy-2, tick) against buy 0.0800 (signal-1 of strategy-1, tick)" == outcome.saw
    assert "strongest_wins over 300 s" == outcome.limit
    assert won(opinion(Side.SELL, 0.09, 2), [opinion(Side.BUY, 0.08, 1)], params())


def test_of_equal_scores_the_one_said_earlier_wins() -> None:
    """Then the lesser id: never the one that happened to be delivered first."""
    earlier, later = opinion(Side.BUY, 0.5, 9, said=START - 1), opinion(Side.SELL, 0.5, 1)
    assert (True, False) == (won(earlier, [later], params()), won(later, [earlier], params()))
    one, two = opinion(Side.BUY, 0.5, 1), opinion(Side.SELL, 0.5, 2)
    assert (True, False) == (won(one, [two], params()), won(two, [one], params()))


def test_first_come_is_first_served_whatever_the_score() -> None:
    """For as long as the first stands."""
    how = params(ConflictResolution.FIRST_COME_FIRST_SERVED)
    opinions = Opinions(300)
    assert Verdict.PASSED is told(opinions, opinion(Side.BUY, 0.1, 1), how).verdict
    refused = told(opinions, opinion(Side.SELL, 0.9, 2), how)
    assert (Verdict.FAILED, True) == (refused.verdict, "signal-1" in refused.saw and "came first" in refused.saw)
    assert Verdict.PASSED is told(opinions, opinion(Side.BUY, 0.1, 3), how).verdict  # the refused one never stood
    later = START + 300 * NS_PER_SECOND
    assert Verdict.PASSED is told(opinions, opinion(Side.SELL, 0.2, 4, heard=later), how).verdict


def test_many_weak_opinions_outweigh_a_strong_one() -> None:
    """weighted_average sums each side, those that lost alone included."""
    how = params(ConflictResolution.WEIGHTED_AVERAGE)
    opinions = Opinions(300)
    verdicts = [
        told(opinions, one, how).verdict
        for one in (opinion(Side.BUY, 0.9, 1), opinion(Side.SELL, 0.5, 2), opinion(Side.SELL, 0.5, 3))
    ]
    assert [Verdict.PASSED, Verdict.FAILED, Verdict.PASSED] == verdicts


def test_a_tie_of_sums_is_refused() -> None:
    """Equal sums say nothing, so nothing is done."""
    how = params(ConflictResolution.WEIGHTED_AVERAGE)
    assert not won(opinion(Side.SELL, 0.5, 2), [opinion(Side.BUY, 0.5, 1)], how)


def test_a_person_decides_under_manual_review() -> None:
    """The refusal says how it is released: flatten, and send the signal anew."""
    how = params(ConflictResolution.MANUAL_REVIEW)
    outcome = resolve(opinion(Side.SELL, 0.9, 2, "1d"), [opinion(Side.BUY, 0.1, 1)], how)
    assert (Verdict.FAILED, True, True) == (
        outcome.verdict,
        outcome.limit.startswith("manual_review"),
        "flatten the instrument" in outcome.remedy,
    )


@pytest.mark.parametrize(
    ("mode", "higher_wins", "lower_wins"),
    [
        (TimeframeResolution.HIGHER_TIMEFRAME_WINS, True, False),
        (TimeframeResolution.LOWER_TIMEFRAME_WINS, False, True),
    ],
)
def test_the_timeframe_counts_before_the_score(mode: TimeframeResolution, higher_wins: bool, lower_wins: bool) -> None:
    """Of two timeframes the one that the mode prefers wins with the lower score."""
    hour, tick = opinion(Side.BUY, 0.2, 1, "1h"), opinion(Side.SELL, 0.2, 2)
    assert (higher_wins, lower_wins) == (
        won(hour, [tick], params(timeframes=mode)),
        won(tick, [hour], params(timeframes=mode)),
    )


def test_with_weighted_timeframes_only_the_score_counts() -> None:
    """The timeframe is in the score by its weight."""
    how = params(timeframes=TimeframeResolution.WEIGHTED_AVERAGE)
    assert won(opinion(Side.SELL, 0.3, 2), [opinion(Side.BUY, 0.2, 1, "1h")], how)


def test_a_newcomer_must_win_against_every_one() -> None:
    """Winning by timeframe against one does not help against the score of another."""
    others = [opinion(Side.BUY, 0.9, 1), opinion(Side.BUY, 0.6, 2, "1h")]
    assert not won(opinion(Side.SELL, 0.5, 3, "1h"), others, params())
    assert won(opinion(Side.SELL, 0.7, 3, "1h"), others, params())


def test_a_strategy_never_stands_against_itself() -> None:
    """Its newer opinion on the same timeframe takes the place of its older one."""
    opinions = Opinions(300)
    old, new = opinion(Side.BUY, 0.9, 1), opinion(Side.SELL, 0.1, 1)
    told(opinions, old, params())
    assert Verdict.PASSED is told(opinions, new, params()).verdict
    assert (new,) == opinions.snapshot()


def test_an_opinion_that_lost_ends_nothing_and_one_that_won_ends_the_other() -> None:
    """What was overruled cannot win against a newcomer any more."""
    opinions = Opinions(300)
    for one in (opinion(Side.BUY, 0.7, 1), opinion(Side.SELL, 0.8, 2)):
        told(opinions, one, params())
    assert [False, True] == [one.stands for one in opinions.snapshot()]
    assert Verdict.PASSED is told(opinions, opinion(Side.SELL, 0.1, 3), params()).verdict


def test_opinions_run_out_are_withdrawn_and_are_cleared() -> None:
    """By age, by their strategy's close, and by a person's flatten; a window of 0 lets none stand."""
    opinions = Opinions(300)
    for number in (1, 2):
        opinions.hear(opinion(Side.BUY, 0.5, number, heard=START + number))
    later = opinion(Side.SELL, 0.1, 3, heard=START + 1 + 300 * NS_PER_SECOND)
    assert ["signal-2"] == [one.signal_id for one in opinions.others(later)]
    opinions.withdraw(KEY, "strategy-2")
    assert ["signal-1"] == [one.signal_id for one in opinions.snapshot()]
    opinions.clear(KEY)
    assert () == opinions.snapshot()
    none = Opinions(0)
    none.hear(opinion(Side.BUY, 0.5, 1))
    assert [] == list(none.others(opinion(Side.SELL, 0.5, 2)))


def test_the_book_is_bounded() -> None:
    """Whatever number of strategies speak, the oldest go."""
    opinions = Opinions(300)
    for number in range(OPINIONS_KEPT + 5):
        opinions.hear(opinion(Side.BUY, 0.5, number))
    kept = opinions.snapshot()
    assert (OPINIONS_KEPT, "signal-5") == (len(kept), kept[0].signal_id)


def test_a_restored_book_is_the_same() -> None:
    """Written as JSON and read back."""
    opinions, restored = Opinions(300), Opinions(300)
    told(opinions, opinion(Side.BUY, 0.5, 1), params())
    told(opinions, opinion(Side.SELL, 0.6, 2), params())
    restored.restore(msgspec.json.decode(msgspec.json.encode(opinions.snapshot()), type=tuple[Opinion, ...]))
    assert opinions.snapshot() == restored.snapshot()


@examples(60)
@given(
    st.lists(
        st.tuples(st.sampled_from(Side), st.sampled_from([0.1, 0.2, 0.3]), st.sampled_from(["tick", "1m", "1h"])),
        min_size=2,
        max_size=5,
    ),
    st.sampled_from(TimeframeResolution),
)
def test_the_winner_does_not_depend_on_the_order_of_arrival(
    said: list[tuple[Side, float, str]], timeframes: TimeframeResolution
) -> None:
    """Of signals of one instant the same side stands in the end under strongest_wins, in whatever order they come."""
    how = params(timeframes=timeframes)
    new = [opinion(side, score, number, timeframe) for number, (side, score, timeframe) in enumerate(said)]
    winners = set()
    for order in permutations(new):
        opinions = Opinions(300)
        for one in order:
            told(opinions, one, how)
        winners.add(frozenset(one.side for one in opinions.snapshot() if one.stands))
    assert 1 == len(winners)
    assert 1 == len(next(iter(winners)))


@examples(60)
@given(st.lists(st.floats(0, 2), min_size=1, max_size=6))
def test_the_strongest_of_many_has_the_highest_score(scores: list[float]) -> None:
    """And is one of them."""
    top = strongest_of(opinion(Side.BUY, score, number) for number, score in enumerate(scores))
    assert top is not None
    assert max(scores) == top.score


def test_a_side_comes_from_the_action() -> None:
    """A sell signal is an opinion for the sell side, dated by the older of its stamps."""
    said = opinion_of(signal(Action.SELL, ts_event=START - 5), Side.SELL, KEY, START, SignalParams())
    assert (Side.SELL, START - 5, START) == (said.side, said.said, said.heard)
