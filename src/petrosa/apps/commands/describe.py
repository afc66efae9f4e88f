"""`petrosa config describe`: what a strategy looks for, what it needs, and what can be set."""

import click

from petrosa.apps.commands.options import debug_option, json_option


@click.command(
    short_help="Print what a strategy looks for, and what can be set.",
    epilog="""\b
Examples:
  petrosa config describe orderbook_skew
  petrosa config describe trade_momentum --json
""",
)
@click.argument("strategy")
@debug_option
@json_option
def describe(strategy: str, as_json: bool) -> None:
    """Print the declaration of STRATEGY: formula, needs, parameters with bounds, and when it is worth nothing.

    What holds here and now is what `petrosa config show STRATEGY` prints.
    """
    from petrosa.apps.described import default_text, entry_of, old_names
    from petrosa.apps.described import describe as description_of
    from petrosa.surfaces.cli.output import show_json, show_table

    found = description_of(entry_of(strategy))
    if as_json:
        show_json(found)
        return
    needs = [f"hears {found.listens_to}", *(f"notes {kind}" for kind in found.notes)]
    needs += [f"reads {topic}" for topic in found.reads] + [f"looks at {base} too" for base in found.companions]
    needs += [f"speaks of {', '.join(found.bases)} only"] if found.bases else []
    click.echo(f"{found.title} ({found.strategy_id}, version {found.version}): {found.summary}\n\n{found.formula}\n")
    click.echo(f"{'; '.join(needs)}; needed first: {found.history}")
    click.echo(f"a replay is honest: {found.replay_honesty}. {found.replay_note}")
    for sentence in found.fails_when:
        click.echo(f"fails when: {sentence}")
    rows = [
        (one.name, one.values, default_text(one), one.on_change, one.environment, ", ".join(old_names(one)),
         one.description)
        for one in found.parameters
    ]  # fmt: skip
    show_table(("parameter", "values", "default>", "a change", "environment", "also", "meaning"), rows)
