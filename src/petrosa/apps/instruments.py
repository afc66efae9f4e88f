"""Reads the rules of instruments that backtests, simulated venues and recordings go by."""

import difflib
import tomllib
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec

from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.errors import ConfigError

TABLE: Final = "instrument"
FIELDS: Final = tuple(field.name for field in msgspec.structs.fields(Instrument))


def packaged_instruments() -> Path:
    """The file we wrote: in the installed package, or beside `src` in a working copy."""
    installed = Path(str(resources.files("petrosa"))) / "config" / "instruments.toml"
    return installed if installed.is_file() else Path(__file__).parents[3] / "config" / "instruments.toml"


def load_instruments(path: Path | str | None = None) -> dict[InstrumentId, Instrument]:
    """Every instrument of a file, by id, in the file's order; our own file when none is named.

    Raises `ConfigError` that names file, entry, key and remedy.
    """
    file = packaged_instruments() if path is None else Path(path)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ConfigError(f"instruments file {file}: {error.strerror}; name a file that can be read") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"instruments file {file} is not TOML: {error}") from error
    _refuse_unknown(document, (TABLE,), str(file))
    entries = document.get(TABLE)
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"instruments file {file} holds no [[{TABLE}]]; write one for each instrument")
    instruments: dict[InstrumentId, Instrument] = {}
    for number, entry in enumerate(entries, start=1):
        instrument = _instrument(entry, f"{file}, {TABLE} {number} ({entry.get('symbol', 'no symbol')})")
        if instrument.id in instruments:
            raise ConfigError(f"{file}: {instrument.id} stands there twice; remove one of the entries")
        instruments[instrument.id] = instrument
    return instruments


def _instrument(entry: dict[str, Any], where: str) -> Instrument:
    _refuse_unknown(entry, FIELDS, where)
    try:
        return msgspec.convert(entry, Instrument, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}") from error


def _refuse_unknown(table: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise ConfigError(f"{where}: unknown key {key!r}; {hint}")
