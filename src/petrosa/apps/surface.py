"""The parts of the HTTP surface, by process: the one place that lists them."""

from collections.abc import Callable, Sequence

from petrosa.apps.access import access_over
from petrosa.apps.auditing.reading import StoredAudit
from petrosa.apps.configuration.live import LiveConfiguration
from petrosa.apps.desk_control import DeskControl
from petrosa.apps.joined import Report
from petrosa.apps.settings import Settings
from petrosa.surfaces.api.audit_log import audit_log
from petrosa.surfaces.api.market_metrics import market_metrics
from petrosa.surfaces.api.part import Part
from petrosa.surfaces.api.strategy_config import strategy_config
from petrosa.surfaces.api.trading_config import trading_config
from petrosa.surfaces.market_metrics import MarketMetrics

MetricsSource = Callable[[], MarketMetrics | None]
"""Gives market metrics once there are any."""


async def parts_of(
    settings: Settings, configuration: LiveConfiguration, report: Report, metrics: MetricsSource | None,
    control: DeskControl | None = None,
) -> Sequence[Part]:  # fmt: skip
    """What a process serves besides its status; says who may change anything."""
    access = access_over(settings, configuration.documents)
    report(await access.rule())
    parts = [strategy_config(configuration.service, access)]
    if metrics is not None:
        parts.append(market_metrics(metrics, access))
    if control is not None:
        audit = audit_log(StoredAudit(configuration.documents), access)
        parts += [trading_config(configuration.service, access), audit, control.part(access)]
    return parts
