"""The store: one database, opened, brought up to date, and grouped by what is asked of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.store.audit import Audit
from bot.store.backends import Backends
from bot.store.database import Database
from bot.store.driver import Calls
from bot.store.figures import Figures
from bot.store.leases import Leases
from bot.store.library import Library
from bot.store.memory import Memory
from bot.store.messages import Messages
from bot.store.offers import Offers
from bot.store.people import People
from bot.store.queue import Queue
from bot.store.requests import Requests
from bot.store.shunning import Shunning
from bot.store.standing import Standing
from bot.store.statistics import Statistics
from bot.store.steering import Steering
from bot.store.switches import SwitchStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """All that is durable but the bytes of files."""

    requests: Requests
    queue: Queue
    messages: Messages
    leases: Leases
    backends: Backends
    people: People
    standing: Standing
    memory: Memory
    offers: Offers
    shunning: Shunning
    switches: SwitchStore
    steering: Steering
    audit: Audit
    statistics: Statistics
    figures: Figures
    library: Library
    calls: Calls | None
    """How processes tell each other of news."""


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """Open the database at SQLAlchemy's `url`, its tables brought to the newest revision."""
    async with Database(url) as database:
        await database.upgrade()
        memory = Memory(database)
        store = Store(
            requests=Requests(database),
            queue=Queue(database),
            messages=Messages(database),
            leases=Leases(database),
            backends=Backends(database),
            people=People(database),
            standing=Standing(database),
            memory=memory,
            offers=Offers(memory),
            shunning=Shunning(database),
            switches=SwitchStore(database),
            steering=Steering(database),
            audit=Audit(database),
            statistics=Statistics(database),
            figures=Figures(database),
            library=Library(database),
            calls=database.driver.calls,
        )
        yield store
