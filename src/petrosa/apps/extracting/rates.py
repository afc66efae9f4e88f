"""The funding rates of one symbol brought up to now, oldest first."""

from contextlib import aclosing

from petrosa.apps.extracting.results import Result
from petrosa.apps.extracting.tools import DAY_NS, Tools, write
from petrosa.core.market.grid import shown
from petrosa.core.model.base import NEVER
from petrosa.core.model.history import FundingRate
from petrosa.errors import UsageError


class Rates:
    """One symbol. `result` says what was done."""

    def __init__(self, tools: Tools, market: str, symbol: str) -> None:
        self.result = Result("funding", market, symbol, "")
        self._tools = tools
        self._line = tools.work.begin(self.result.name)

    async def bring_up(self, since: int | None, until: int, days: float, *, dry_run: bool) -> None:
        """Fetch the rates of [since, until); without `since` from the last stored one on.

        The last one is asked for again: the distance to it says how long the period of the next was.
        """
        tools, result, known = self._tools, self.result, -1
        until = min(until, tools.horizon)
        if since is None:
            stored = await tools.store.funding(result.market, result.symbol, 0, NEVER)
            known = stored[-1].ts if stored else -1
            since = known if stored else until - round(days * DAY_NS)
        result.since, result.until = shown(since), shown(max(since, until))
        if dry_run:
            return
        if tools.rest is not None:
            pages = tools.rest.funding(result.symbol, since, until)
        elif tools.archive is not None:
            pages = tools.archive.funding(result.symbol, since, until, tools.horizon)
        else:
            raise UsageError("funding rates need a source: rest, archive or auto")
        async with aclosing(pages):
            async for made, refused in pages:
                for one in refused:
                    result.refuse(one.why)
                fresh = [one for one in made if one.ts > known]
                self._line.done += len(fresh)
                await self._write(fresh)

    async def _write(self, made: list[FundingRate]) -> None:
        def refuse(rate: FundingRate, why: str) -> None:
            self.result.refuse(f"{rate.symbol} funding {shown(rate.ts)}: {why}")

        await write(self._tools, self._tools.store.write_funding, made, self.result, refuse)
