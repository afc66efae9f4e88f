"""`petrosa paper-exchange`: a venue for clients that speak Binance, where nothing is at stake."""

import click

from petrosa.apps.commands.extras import require_extra
from petrosa.apps.commands.options import chosen, settings_options
from petrosa.errors import UsageError

MARKETS = {"spot": ("spot",), "usdm": ("usdm",), "both": ("spot", "usdm")}
PORT = 8090


@click.command(
    "paper-exchange",
    epilog="""\b
Examples:
  petrosa paper-exchange
  petrosa paper-exchange --market usdm --symbols BTCUSDT --seed 7 --price BTCUSDT=50000
  petrosa paper-exchange --recording synthetic-usdm --market usdm --speed 10
  petrosa paper-exchange --recording synthetic-spot --as-recorded --market spot --speed 5
  petrosa paper-exchange --accounts accounts.toml --faults faults.toml --port 0
""",
)
@click.option(
    "--recording", "recording", multiple=True, metavar="NAME|PATH", help="A recording of one market; repeatable."
)
@click.option("--as-recorded", is_flag=True, help="Tell recorded frames as they are; only their times are moved.")
@click.option("--synthetic", is_flag=True, help="The synthetic market (what is served without --recording).")
@click.option("--market", type=click.Choice(tuple(MARKETS)), default="both", show_default=True, help="What is served.")
@click.option("--symbols", metavar="A,B", help="Symbols of the synthetic market.")
@click.option("--seed", metavar="N", help="Another seed is another synthetic market.")
@click.option(
    "--price", "prices", multiple=True, metavar="SYMBOL=PRICE", help="Where the synthetic market of a symbol begins."
)
@click.option("--accounts", metavar="FILE", help="TOML with accounts, keys and balances; else one demo account.")
@click.option("--faults", metavar="FILE", help="TOML with faults that strike from the beginning.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="How fast the market runs, above 0.")
@click.option(
    "--history",
    "history_days",
    type=click.IntRange(0, 365),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Days of made-up bars and funding from before it opened.",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=PORT, show_default=True, help="0 takes a free one.")
@click.option("--listen", metavar="ADDRESS", default="127.0.0.1", help="Bind here instead of 127.0.0.1.")
@settings_options
def paper_exchange(
    recording: tuple[str, ...], as_recorded: bool, synthetic: bool, market: str, symbols: str | None, seed: str | None,
    prices: tuple[str, ...], accounts: str | None, faults: str | None, speed: float, history_days: int, port: int,
    listen: str, files: tuple[str, ...], sets: tuple[str, ...], home: str | None,
) -> None:  # fmt: skip
    """Serve Binance's REST and WebSocket protocol, spot and USD-M, over our own matching engine.

    Any client that speaks Binance can place, query and cancel orders here: its base URLs are printed, and the key of
    the demo account. State lives in memory and ends with the command (SIGTERM or Ctrl-C).
    """
    require_extra("paper", "websockets", "cryptography")
    from petrosa.apps import settings
    from petrosa.apps.commands.eventloop import run_async, until_stopped
    from petrosa.apps.commands.reporting import reporter
    from petrosa.apps.paper_exchange import (
        load_accounts,
        load_faults,
        offer_recordings,
        offer_synthetic,
        serve_paper_exchange,
    )

    if recording and (synthetic or seed is not None or prices):
        raise UsageError("--recording and --synthetic (or --seed, --price) exclude each other; give one of them")
    if as_recorded and not recording:
        raise UsageError("--as-recorded is about recordings; name one with --recording")
    options = chosen(simulation__seed=seed, feed__symbols=symbols)
    loaded = settings.load(files, sets, home=home, options=options)
    offer = (
        offer_recordings(loaded, recording, MARKETS[market], as_recorded=as_recorded)
        if recording
        else offer_synthetic(loaded, MARKETS[market], prices)
    )
    entries = load_accounts(accounts)

    def ready(url: str, about: str) -> None:
        for line in banner(url, about, tuple(offer.instruments)):
            click.echo(line)
        if accounts is None:
            click.echo(f"demo key: {entries[0].key[0].key}\ndemo secret: {entries[0].key[0].secret}")

    serving = serve_paper_exchange(
        loaded, offer, entries, load_faults(faults), listen=listen, port=port, speed=speed, ready=ready,
        report=reporter(loaded, "paper-exchange"), history_days=history_days,
    )  # fmt: skip
    run_async(until_stopped(serving))


def banner(url: str, about: str, markets: tuple[str, ...]) -> list[str]:
    """The base URLs that clients need."""
    socket = "ws" + url.removeprefix("http")
    lines = [f"PAPER EXCHANGE, {about}; nothing here is real"]
    if "spot" in markets:
        lines += [
            f"spot REST: {url}/api",
            f"spot streams: {socket}/ws and {socket}/stream",
            f"spot WebSocket API: {socket}/ws-api/v3",
        ]
    if "usdm" in markets:
        lines += [
            f"USD-M REST: {url}/fapi",
            f"USD-M streams: {socket}/public, {socket}/market and {socket}/private (with /ws or /stream)",
            f"USD-M WebSocket API: {socket}/ws-fapi/v1",
        ]
    return [*lines, f"faults: {url}/petrosa/faults"]
