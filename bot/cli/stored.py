"""What `muralist check` finds in the database, which it leaves as it is."""

from __future__ import annotations

from dataclasses import dataclass

import typer

from bot.app import SPOOL_MARK
from bot.errors import ConfigError
from bot.media.spool import Spool
from bot.settings import Settings
from bot.store.database import NEWER, Database, Tables
from bot.store.memory import Memory
from bot.store.switches import SwitchStore

OLDER = (
    "note: The database has the tables of an older Muralist. Stop all that use it, then `muralist db upgrade`; the "
    "next start does that, too."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What is wrong with the database, and the servers that admins added, which only it knows."""

    troubles: tuple[str, ...] = ()
    added: frozenset[str] = frozenset()


async def look_into(settings: Settings) -> Stored:
    """Look at the database that is set, without waiting for one that does not answer."""
    try:
        async with Database(settings.database, patient=False) as database:
            return await _look_into(database, settings)
    except ConfigError as error:
        return Stored(troubles=(str(error),))


async def _look_into(database: Database, settings: Settings) -> Stored:
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
    return Stored(troubles=troubles, added=frozenset(await SwitchStore(database).added()))


async def _check_folder(database: Database, settings: Settings) -> None:
    """Raise `ConfigError` if the pictures of a shared database lie in another folder."""
    adapter, name = SPOOL_MARK
    mark = (await Memory(database).find(adapter, name)).get(name)
    if mark is not None:
        await Spool(settings.data_dir / "spool").claim(mark["mark"], new=False)
