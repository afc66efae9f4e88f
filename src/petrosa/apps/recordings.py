"""Recordings as a desk is put on them: on the venue that they are of, under its rules, beside what else was heard."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from petrosa.adapters.venues.replay.recording import Recording, Telling
from petrosa.apps.instruments import load_instruments
from petrosa.apps.layers import DEFAULT, Given, Origin
from petrosa.apps.quoted import quotes_of
from petrosa.apps.settings import Settings
from petrosa.apps.venues import BINANCE, VENUES
from petrosa.apps.wiring import Instruments, choose_instruments, symbols_of
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId, instrument_id
from petrosa.errors import ConfigError


class Opened(NamedTuple):
    """A recording, the settings on the venue that it is of, and the rules of what is traded of it."""

    recording: Recording
    settings: Settings
    instruments: Instruments


def open_for(settings: Settings, paths: Sequence[str | Path]) -> Opened:
    """Raises `RecordingError`, and `ConfigError` for a symbol without rules or a venue that is not in it."""
    whole = Recording(paths)
    settings = on_its_venue(settings, whole)
    recording = told_on(settings, whole)
    known = rules_for(settings, whole)
    chosen = choose_instruments(settings, known, recording.product, symbols_of(settings, recording.symbols))
    return Opened(recording, settings, chosen)


def rules_for(settings: Settings, recording: Recording) -> Instruments:
    """Those of the instruments file; what is missing there the venue itself has told the recorder."""
    return {**recording.instruments, **load_instruments(settings.instruments.file or None)}


def on_its_venue(settings: Settings, recording: Recording) -> Settings:
    """The settings on the venue of a recording. Raises `ConfigError` where another one is named on purpose."""
    there = sorted({_speaker(venue) for venue, _ in recording.places})
    named, origin = settings.feed.venue, settings.merged.origins["feed.venue"]
    if not there or _speaker(named) in there:
        return settings
    if len(there) == 1 and origin == DEFAULT:
        whence = Origin("recording", recording.name)
        return settings.also(
            Given("feed.venue", there[0], whence), Given("feed.market", recording.product, whence)
        )  # fmt: skip
    raise ConfigError(
        f"feed.venue = {named} ({origin}), and recording {recording.name} is of {' and '.join(there)}; name the venue"
        f" that is traded: --set feed.venue={there[0]}"
    )


def told_on(settings: Settings, recording: Recording) -> Recording:
    """The recording on one venue: of every other one the best quotes, as readings. Raises `ConfigError`."""
    home = _speaker(settings.feed.venue)
    others = {place: symbols for place, symbols in recording.places.items() if _speaker(place[0]) != home}
    if not others:
        return recording
    known = rules_for(settings, recording)
    return recording.telling({place: _quotes(known, place, symbols) for place, symbols in others.items()})


def only_venue(recording: Recording) -> str:
    """The venue of a recording of one. Raises `ConfigError` for one of several."""
    there = sorted({_speaker(venue) for venue, _ in recording.places}) or [BINANCE]
    if len(there) > 1:
        raise ConfigError(f"recording {recording.name} is of {' and '.join(there)}; give the files of one venue")
    return there[0]


def _quotes(known: Mapping[InstrumentId, Instrument], place: tuple[str, str], symbols: Sequence[str]) -> Telling:
    venue, market = _speaker(place[0]), place[1]
    rules: dict[InstrumentId, Instrument] = {}
    for symbol in symbols:
        key = instrument_id(venue, market, symbol)
        if key not in known:
            raise ConfigError(f"there are no rules for {key}; add it to the instruments file (--instruments)")
        rules[key] = known[key]
    return quotes_of(venue, market, rules)


def _speaker(venue: str) -> str:
    """Whose frames these are: what is of no venue known here speaks as Binance does."""
    return venue if venue in VENUES else BINANCE
