"""The configuration of a running process: its store, what holds, its desk, and the watch over all of it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from petrosa.apps.configuration.desk import DeskApplying
from petrosa.apps.configuration.service import ConfigService
from petrosa.apps.configuration.watching import Watch, announcing
from petrosa.apps.documents import is_stored, open_documents
from petrosa.apps.settings import Settings
from petrosa.ports import Bus, Documents


class LiveConfiguration(NamedTuple):
    """`service` answers and changes, `desk` is told, `watch` keeps up with what others store."""

    documents: Documents
    service: ConfigService
    desk: DeskApplying
    watch: Watch

    @property
    def settings(self) -> Settings:
        """Everything that holds now, with what is stored."""
        return self.service.settings


@asynccontextmanager
async def live_configuration(
    settings: Settings, symbols: Sequence[str], bus: Bus | None = None
) -> AsyncIterator[LiveConfiguration]:
    """Read what is stored and keep it up to date until the block ends; changes are announced on the bus.

    Raises `StorageError` or `ConfigError`, each with its remedy, for a store that does not answer or holds what cannot
    be.
    """
    async with AsyncExitStack() as stack:
        documents = await open_documents(settings)
        stack.push_async_callback(documents.close)
        desk = DeskApplying()
        announce = announcing(bus) if bus is not None else None
        service = await ConfigService.open(settings, documents, symbols=symbols, applying=desk, announce=announce)
        watch = Watch(service, settings.store.cache_ttl_seconds)
        await stack.enter_async_context(watch.watching(bus))
        yield LiveConfiguration(documents, service, desk, watch)


async def stored_settings(settings: Settings, say: Callable[[str], None] | None = None) -> Settings:
    """The settings with what is stored, for what nobody changes on the way.

    Raises what `live_configuration` does, unless `say` is told of what cannot be believed, which is left out then. A
    file that is not there yet holds nothing and is not made.
    """
    if not is_stored(settings):
        return settings
    documents = await open_documents(settings)
    try:
        service = await ConfigService.open(settings, documents, lenient=say is not None)
        if say is not None:
            for problem in service.state().problems:
                say(problem)
        return service.settings
    finally:
        await documents.close()
