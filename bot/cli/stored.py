"""What `muralist check` finds in the database, which it leaves as it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import typer

from bot.app import SPOOL_MARK
from bot.errors import ConfigError
from bot.media.spool import Spool
from bot.settings import Settings
from bot.store.database import NEWER, Database, Tables
from bot.store.library import Library
from bot.store.memory import Memory
from bot.store.offers import Offers
from bot.store.switches import SwitchStore
from bot.workflow.draft import Draft

OLDER = (
    "note: The database has the tables of an older Muralist. Stop all that use it, then `muralist db upgrade`; the "
    "next start does that, too."
)


Served = Callable[[Offers, Library], Awaitable[Mapping[str, Draft]]]
"""Says which workflows are served, by what the database has of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What is wrong with the database; the servers that admins added and the workflows as they are served, which only
    it knows."""

    troubles: tuple[str, ...] = ()
    added: frozenset[str] = frozenset()
    drafts: Mapping[str, Draft] | None = None


async def look_into(settings: Settings, served: Served) -> Stored:
    """Look at the database that is set, without waiting for one that does not answer."""
    try:
        async with Database(settings.database, patient=False) as database:
            return await _look_into(database, settings, served)
    except ConfigError as error:
        return Stored(troubles=(str(error),))


async def _look_into(database: Database, settings: Settings, served: Served) -> Stored:
    tables = await database.tables()
    if tables is Tables.NEWER:
        raise ConfigError(NEWER)
    if tables is Tables.OLDER:
        typer.echo(OLDER)
    if tables is not Tables.CURRENT:
        return Stored()
    troubles: tuple[str, ...] = ()
    if database.driver.calls is not None:
        try:
            await _check_folder(database, settings)
        except ConfigError as error:
            troubles = (str(error),)
    return Stored(
        troubles=troubles,
        added=frozenset(await SwitchStore(database).added()),
        drafts=await served(Offers(Memory(database)), Library(database)),
    )


async def _check_folder(database: Database, settings: Settings) -> None:
    """Raise `ConfigError` if the pictures of a shared database lie in another folder."""
    adapter, name = SPOOL_MARK
    mark = (await Memory(database).find(adapter, name)).get(name)
    if mark is not None:
        await Spool(settings.data_dir / "spool").claim(mark["mark"], new=False)
