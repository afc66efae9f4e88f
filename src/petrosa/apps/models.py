"""Models that judge signals, found by the names that the configuration gives them."""

from collections.abc import Mapping
from importlib import import_module

from petrosa.core.signals.models import Models, SignalModel, StrategyMode
from petrosa.errors import ConfigError


def load_models(named: Mapping[str, str]) -> Models:
    """The models of `signals.models`: strategy mode → `package.module:name` of a `SignalModel`.

    Raises `ConfigError` for a mode that takes none, and for a name that leads to no model.
    """
    return {_mode(mode): _model(mode, place) for mode, place in named.items()}


def _mode(name: str) -> StrategyMode:
    modes = [mode.value for mode in StrategyMode if mode is not StrategyMode.DETERMINISTIC]
    if name not in modes:
        raise ConfigError(f"signals.models.{name}: there is no such mode to judge; write {' or '.join(modes)}")
    return StrategyMode(name)


def _model(mode: str, place: str) -> SignalModel:
    module_name, _, name = place.partition(":")
    where = f"signals.models.{mode} = {place!r}"
    if not (module_name and name):
        raise ConfigError(f"{where}: write package.module:name")
    try:
        model: SignalModel = getattr(import_module(module_name), name)
    except ImportError as problem:
        raise ConfigError(f"{where}: {problem}; install the package that has it") from problem
    except AttributeError as problem:
        raise ConfigError(f"{where}: module {module_name} has no {name}") from problem
    if not (isinstance(getattr(model, "name", None), str) and callable(getattr(model, "judge", None))):
        raise ConfigError(f"{where} is no model: it needs a `name` and `judge(signal, market, now)`")
    return model
