"""What the pages of docs/strategies say of the strategies of bars: one table of all, and each one's own figures."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from petrosa.core.strategies.base import CatalogEntry
from petrosa.core.strategies.catalog import CANDLE
from tests.kit.fired_bars import MADE, SIGNALS_SHARE_MAX, BarCounts, FiredOnBars

PAGE = "technical-analysis.md"
_ORDER = ("buy", "sell", "hold")

Table = Callable[[Sequence[str], Iterable[Sequence[str]]], str]


def table_of_all(figures: Sequence[FiredOnBars], table: Table) -> list[str]:
    """The parts of the page on all strategies of bars."""
    columns = ["", "strategy", "looks for", "sides", "bars needed", "entry"]
    heads = [*columns, *(f"{fired.source}, {fired.days:g} days" for fired in figures)]
    return [
        "A strategy of bars sees closed bars of one instrument and length and names a setup of the bar that has just "
        "closed, or none. It speaks on the bar on which a setup begins, and not again for `cooldown_bars`; a stop "
        "nearer than `min_risk_pct` or farther than `max_risk_pct` is refused. A *market* entry is made at once; a "
        "*stop* entry waits until the market passes the bar's end, for `entry_expiry_bars` bars at most.",
        table(heads, [_row(number, entry, figures) for number, entry in enumerate(CANDLE.values(), start=1)]),
        _notes(figures),
    ]


def figures_of(name: str, figures: Sequence[FiredOnBars], table: Table) -> list[str]:
    """The parts of a strategy's own page: what it said where, and why it said no more."""
    rows = [
        (fired.source, f"{fired.days:g}", f"{fired.bars:,}", _by(c.quiet), _held_back(c, fired), _by(c.refused),
         _by(c.signals), _share(c, fired))
        for fired in figures if (c := fired.counts.get(name)) is not None
    ]  # fmt: skip
    heads = ["bars", "days", "count", "nothing to say", "held back", "refused", "signals", "a bar"]
    unasked = [f"{fired.source} ({fired.left_out[name]})" for fired in figures if name in fired.left_out]
    missing = [fired.source for fired in figures if name not in fired.counts and name not in fired.left_out]
    return [
        *([table(heads, rows)] if rows else []),
        "On default settings. *Held back* were setups that had begun on a bar before. All of them together stand in "
        f"[the table of all]({PAGE}).",
        *([f"It was not asked about {', '.join(unasked)}."] if unasked else []),
        *([f"Not measured yet on {', '.join(missing)}."] if missing or not figures else []),
    ]


def _row(number: int, entry: CatalogEntry, figures: Sequence[FiredOnBars]) -> list[str]:
    name = entry.strategy_id
    found = [fired.counts[name] for fired in figures if name in fired.counts]
    spoken, at_stop = sum(one.spoken for one in found), sum(one.at_stop for one in found)
    sides = [side for side in _ORDER if any(side in one.signals for one in found)]
    kind = {0: "market", spoken: "stop"}.get(at_stop, "both") if spoken else "not seen"
    kind = "none" if sides == ["hold"] else kind
    needed = entry.build(entry.params()).warmup()[1]
    return [
        str(number), f"[{name}]({name}.md)", entry.summary, ", ".join(sides) or "not seen", str(needed), kind,
        *(_cell(name, fired) for fired in figures),
    ]  # fmt: skip


def _cell(name: str, fired: FiredOnBars) -> str:
    """Signals and their share of the bars; where there is none, why."""
    counts = fired.counts.get(name)
    if counts is None:
        return fired.left_out.get(name, "not measured")
    if counts.spoken:
        return f"{counts.spoken:,} ({_share(counts, fired)})"
    why = Counter(counts.quiet) + Counter(counts.refused)
    return "0: " + ", ".join(f"{reason} {count:,}" for reason, count in why.most_common(2))


def _notes(figures: Sequence[FiredOnBars]) -> str:
    real = [f"{fired.source} (digest {fired.digest[:12]})" for fired in figures if fired.digest]
    made = [fired.source for fired in figures if fired.source == MADE.name]
    return " ".join(
        [
            "Signals are those of all symbols of a series on default settings, in brackets as a share of its bars; "
            f"no strategy may speak on more than {SIGNALS_SHARE_MAX:.1%} of them, and a test says so. Sides and "
            "entries are those seen. *Not asked*: the series is there for another strategy.",
            *([f"Measured on real klines of Binance spot: {', '.join(real)}."] if real else []),
            *([f"{', '.join(made)}: seeded random walks, for what compares a symbol with the others."] if made else []),
            "No figure here says what a strategy earns.",
        ]
    )


def _held_back(counts: BarCounts, fired: FiredOnBars) -> str:
    return f"{fired.bars - sum(counts.quiet.values()) - sum(counts.refused.values()) - counts.spoken:,}"


def _share(counts: BarCounts, fired: FiredOnBars) -> str:
    return f"{counts.spoken / fired.bars:.2%}"


def _by(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in counts.items()) or "0"
