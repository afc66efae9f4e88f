"""The configuration of trading over HTTP: what is risked, which signals are heard, how orders are worked."""

from functools import partial
from typing import Final

from starlette.requests import Request

from petrosa.surfaces.access import Access
from petrosa.surfaces.api.part import Part
from petrosa.surfaces.api.strategy_config import ConfigRoutes, guarded
from petrosa.surfaces.api.strategy_config_document import SCHEMAS
from petrosa.surfaces.api.trading_config_document import ABOUT, paths
from petrosa.surfaces.configuration import TRADING, Configuration

ROOT: Final = "/api/v1/config"


def trading_config(configuration: Configuration, access: Access) -> Part:
    """The part of the surface that shows and changes what the trader goes by."""
    routes, route = ConfigRoutes(configuration, _trading), partial(guarded, access)
    both = {"GET": routes.config, "POST": routes.change, "DELETE": routes.delete}
    found = [
        route(f"{ROOT}/trading/schema", GET=routes.schema),
        route(f"{ROOT}/trading/defaults", GET=routes.defaults),
        route(f"{ROOT}/trading", **both),
        route(f"{ROOT}/trading/{{symbol:path}}", **both),  # a symbol and a side are answered, and refused
        route(f"{ROOT}/history", GET=routes.audit),
        route(f"{ROOT}/rollback", POST=routes.roll_back),
        route(f"{ROOT}/restore", POST=routes.restore),
        route(f"{ROOT}/health", GET=routes.health),
        route("/signals/strategy/{strategy_id}/weight", POST=routes.weigh),
    ]
    return Part("trading configuration", ABOUT, found, paths(), SCHEMAS)


def _trading(_request: Request) -> str:
    return TRADING
