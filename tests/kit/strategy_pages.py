"""Makes docs/strategies from the strategies' declarations. `make pages` writes them; a test says when they are old.

Figures on the recordings that come with Petrosa are made anew each time. Those on real recordings are kept in
docs/strategies/fired.json and fired-bars.json, and made anew when PETROSA_TEST_DATA names the folder of the recordings.
"""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from petrosa.apps.described import Description, default_text, describe, old_names
from petrosa.core.strategies.catalog import CANDLE, CATALOG, TICK
from tests.kit import bar_pages, fired_bars
from tests.kit.fired import Fired, measure
from tests.kit.fired_bars import FiredOnBars
from tests.kit.source import ROOT

PAGES = ROOT / "docs" / "strategies"
KEPT = PAGES / "fired.json"
KEPT_ON_BARS = PAGES / "fired-bars.json"
TWINS = ("synthetic-spot", "synthetic-usdm")
REAL = ("binance-spot", "binance-usdm")
SECONDS_A_DAY = 86_400
BEGIN = "<!-- Made from the declarations by `make pages`; change those, not this page. -->"


def kept_figures() -> list[Fired]:
    """Figures on real recordings as they were measured last."""
    return msgspec.json.decode(KEPT.read_bytes(), type=list[Fired]) if KEPT.is_file() else []


def kept_on_bars() -> list[FiredOnBars]:
    """The same of strategies of bars."""
    return msgspec.json.decode(KEPT_ON_BARS.read_bytes(), type=list[FiredOnBars]) if KEPT_ON_BARS.is_file() else []


def pages(figures: Sequence[Fired], on_bars: Sequence[FiredOnBars] = ()) -> dict[str, str]:
    """Every page by its file's name."""
    shown = {name: describe(entry) for name, entry in CATALOG.items()}
    ticks, bars = [shown[name] for name in TICK], [shown[name] for name in CANDLE]
    of_bars = _joined("# Technical analysis", BEGIN, *bar_pages.table_of_all(on_bars, _table))
    return (
        {"README.md": _overview(ticks, figures), bar_pages.PAGE: of_bars}
        | {f"{one.strategy_id}.md": _page(one, _fired(one, figures)) for one in ticks}
        | {f"{one.strategy_id}.md": _page(one, _fired_on_bars(one, on_bars)) for one in bars}
    )


def _overview(found: Iterable[Description], figures: Sequence[Fired]) -> str:
    columns = ["strategy", "looks for", "hears", "needs first", "replay is honest", "on by default"]
    rows = [
        (f"[{one.strategy_id}]({one.strategy_id}.md)", one.summary, ", ".join(_hears(one)), one.history,
         one.replay_honesty, "yes" if one.enabled else "no", *_signals_on(one.strategy_id, figures))
        for one in found
    ]  # fmt: skip
    heads = [*columns, *(f"signals, {fired.recording}" for fired in figures)]
    return _joined(
        "# Strategies",
        BEGIN,
        "Each page is made from a strategy's declaration, the same from which settings, their checks and the "
        "configuration's schema come. `petrosa config describe NAME` prints it in the terminal, and "
        "[what-if](../what-if.md) replays a recording under other parameters. How to add one: "
        "[adding a strategy](../adding-a-strategy.md).",
        f"Those of technical analysis work on closed bars: [{len(CANDLE)} of them]({bar_pages.PAGE}). These hear the "
        "stream:",
        _table(heads, rows),
        "Signals are those of all symbols of a recording on default settings, in brackets with no cooldown. The "
        "recordings last from two and a half to eleven minutes; the synthetic ones are made by a generator, in whose "
        "market nobody trades. No figure here says what a strategy earns.",
    )


def _page(one: Description, fired: str) -> str:
    needs = [f"* hears: {', '.join(_hears(one))}"]
    needs += [f"* besides reads from outside: {', '.join(one.reads)}"] if one.reads else []
    needs += [f"* besides looks at: {', '.join(one.companions)}"] if one.companions else []
    needs += [f"* speaks of: {', '.join(one.bases) or 'every symbol'}"]
    needs += [f"* must have seen first: {one.history}", f"* timeframe of its signals: {one.timeframe}"]
    return _joined(
        f"# {one.title}",
        BEGIN,
        f"`{one.strategy_id}`, version {one.version}, {'on' if one.enabled else 'off'} by default. {one.summary}",
        "## What it computes",
        one.formula,
        "## What it needs",
        "\n".join(needs),
        "## Parameters",
        _parameters(one),
        "Names stand below `strategies." + one.strategy_id + "` in a file, and work short on a command line: "
        f"`--set {one.strategy_id}.cooldown_seconds=60`. A change at run time lets the strategy keep its state, or "
        "warm up again, as the table says.",
        "## When it fails",
        "\n".join(f"* {sentence}" for sentence in one.fails_when),
        "## Whether a replay is honest",
        f"{one.replay_honesty.capitalize()}. {one.replay_note}",
        "## How often it fired",
        fired,
    )


def _hears(one: Description) -> list[str]:
    return [one.listens_to, *(f"notes {kind}" for kind in one.notes)]


def _parameters(one: Description) -> str:
    rows = [
        (f"`{p.name}`", p.values, default_text(p) or "empty", p.on_change, p.description,
         ", ".join([f"`{p.environment}`", *old_names(p)]))
        for p in one.parameters
    ]  # fmt: skip
    return _table(["parameter", "values", "default", "a change", "what it is", "environment, other names"], rows)


def _fired(one: Description, figures: Sequence[Fired]) -> str:
    name, cooldown = one.strategy_id, next(p.default for p in one.parameters if p.name == "cooldown_seconds")
    heard = {fired.recording for fired in figures if any(c.asked for c in fired.counts.get(name, {}).values())}
    rows = [
        (fired.recording, symbol, f"{fired.seconds:g} s", f"{c.asked:,}", _by_reason(c.quiet), f"{c.held_back:,}",
         f"{c.candidates:,}", _by_reason(c.refused), _by_reason(c.signals), _a_day(c.signals, fired, cooldown),
         _by_reason(c.signals_without_cooldown), _a_day(c.signals_without_cooldown, fired, 0.0))
        for fired in figures if fired.recording in heard
        for symbol, c in fired.counts[name].items()
    ]  # fmt: skip
    counted = ["asked", "nothing to say", "held back", "candidates", "refused", "signals", "a day"]
    heads = ["recording", "symbol", "length", *counted, "signals, no cooldown", "a day, no cooldown"]
    missing = [fired.recording for fired in figures if name not in fired.counts]
    silent = [fired.recording for fired in figures if name in fired.counts and fired.recording not in heard]
    real = [f"`{fired.recording}` (digest {fired.digest[:12]}, code {fired.code_version})" for fired in figures
            if fired.recording not in TWINS and fired.recording in heard]  # fmt: skip
    return _joined(
        *([_table(heads, rows)] if rows else []),
        "On default settings. *Held back* were beyond the threshold, and were no edge or did not persist. *A day* is "
        "the count stretched to 24 hours, or as many as the cooldown lets through: from minutes of market that is an "
        "order of magnitude and no forecast.",
        *([f"No {one.listens_to} that it listens to is in {', '.join(silent)}: it was not asked."] if silent else []),
        *([f"Measured on {' and '.join(real)}; the synthetic recordings come with Petrosa."] if real else []),
        *([f"Not measured yet on {', '.join(missing)}."] if missing else []),
    )


def _fired_on_bars(one: Description, figures: Sequence[FiredOnBars]) -> str:
    return _joined(*bar_pages.figures_of(one.strategy_id, figures, _table))


def _signals_on(name: str, figures: Sequence[Fired]) -> list[str]:
    found = []
    for fired in figures:
        counts = fired.counts.get(name)
        usual = sum(sum(c.signals.values()) for c in (counts or {}).values())
        eager = sum(sum(c.signals_without_cooldown.values()) for c in (counts or {}).values())
        found.append("not measured" if counts is None else f"{usual} ({eager})")
    return found


def _a_day(signals: Mapping[str, int], fired: Fired, cooldown: float) -> str:
    stretched = sum(signals.values()) * SECONDS_A_DAY / fired.seconds
    most = SECONDS_A_DAY / cooldown if cooldown else stretched
    return f"up to {most:,.0f}" if stretched > most else f"{stretched:,.0f}"


def _by_reason(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in counts.items()) or "0"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _joined(*parts: str) -> str:
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def with_new(kept: Sequence[Fired], folder: Path) -> list[Fired]:
    """The kept figures of real recordings, with those measured anew that are in the folder."""
    by_name = {fired.recording: fired for fired in kept}
    by_name |= {name: measure(folder / name) for name in REAL if (folder / name).is_dir()}
    return [by_name[name] for name in REAL if name in by_name]


def main() -> None:
    """Write every page, remove those of strategies that are gone, and say what was not measured."""
    folder = os.environ.get("PETROSA_TEST_DATA", "")
    real, on_bars = kept_figures(), kept_on_bars()
    if folder:
        real, on_bars = with_new(real, Path(folder)), fired_bars.with_new(on_bars, Path(folder))
    if not folder:
        sys.stderr.write("PETROSA_TEST_DATA is not set: figures on real recordings stay as they were kept\n")
    PAGES.mkdir(exist_ok=True)
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(real), indent=1) + b"\n")
    KEPT_ON_BARS.write_bytes(msgspec.json.format(msgspec.json.encode(on_bars), indent=1) + b"\n")
    twins = [measure(ROOT / "recordings" / name) for name in TWINS]
    made = pages([*real, *twins], [*on_bars, fired_bars.measure_made()])
    for path in PAGES.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (PAGES / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(made)} pages in {PAGES.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
