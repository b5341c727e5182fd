"""A running service: its declaration, connected."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Generic, TypeVar

from libs.common.bus import Bus
from libs.common.database import Database, Transaction
from libs.common.event_log import EventLog
from libs.common.messages import Meta
from libs.common.objects import ObjectStore
from libs.common.privacy import KeyRing
from libs.common.settings import Settings

ST = TypeVar("ST", bound=Settings)
VERSION = version("vitrine")


@dataclass(frozen=True, slots=True)
class Definition(Generic[ST]):
    """What a service is: its name (also its schema and NATS user), its variables, its log."""

    name: str
    settings: type[ST]
    log: EventLog

    def variables(self, env: Mapping[str, str]) -> dict[str, str]:
        """Its own among `env`, as `Service.open` takes them where several services share a process."""
        known = self.settings.model_fields
        return {name.lower(): value for name, value in env.items() if name.lower() in known}


class Service(Generic[ST]):
    """The connected service, one per process: `service.transaction()` writes, `service.db` reads."""

    def __init__(
        self, definition: Definition[ST], settings: ST, db: Database, bus: Bus, objects: ObjectStore
    ) -> None:
        self.name = definition.name
        self.log = definition.log
        self.settings = settings
        self.db = db
        self.bus = bus
        self.objects = objects
        self.keys = KeyRing(settings.master_key)
        self.stopping = asyncio.Event()
        """Set when an API process is asked to end: whoever would keep a request open for long ends it."""

    @classmethod
    @asynccontextmanager
    async def open(cls, definition: Definition[ST], **overrides: Any) -> AsyncIterator["Service[ST]"]:
        """Reads the environment and connects; servers that are down are connected to when they are back."""
        settings = definition.settings(**overrides)
        name = f"{definition.name} {VERSION}"  # by which `vitrine status` knows what runs
        db = await Database.connect(settings.database_url, definition.name, settings.database_pool_size, name)
        bus = await Bus.connect(settings.nats_url, definition.name)
        service = cls(definition, settings, db, bus, ObjectStore(settings))
        try:
            yield service
        finally:
            await bus.close()
            await db.close()
            await service.objects.close()

    @asynccontextmanager
    async def transaction(self, meta: Meta | None = None) -> AsyncIterator[Transaction]:
        """Commits at the end, rolls back on any exception, then wakes who has something to do."""
        tx = Transaction(self.db, self.log, self.keys, meta or Meta(), self._wake)
        try:
            yield tx
        except BaseException:
            await tx.rollback()
            raise
        await tx.commit()

    def _wake(self, what: str) -> None:
        self.bus.wake(self.name if what == "relay" else f"{self.name}.{what}")
