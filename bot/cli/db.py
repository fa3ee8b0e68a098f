"""`muralist db`: the database."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from bot.errors import UserError
from bot.settings import read_settings
from bot.store.copy import alive
from bot.store.copy import copy as copy_rows
from bot.store.database import Database
from bot.store.store import open_store

ALIVE_SECONDS = 2.0
"""A process that holds a lease shows that it lives about every second."""

app = typer.Typer(help="Look after the database.", no_args_is_help=True)


@app.callback()
def callback() -> None:
    """Look after the database."""


@app.command()
def upgrade() -> None:
    """Bring the tables to the newest revision. `muralist run` does that by itself at every start."""
    asyncio.run(_upgrade(read_settings().database))
    typer.echo("The database is up to date.")


async def _upgrade(url: str) -> None:
    async with open_store(url):
        pass


@app.command()
def copy(
    to: Annotated[
        str, typer.Option(help="The empty database: postgresql+asyncpg://user:password@host/name.")
    ],
    source: Annotated[
        str | None, typer.Option("--from", help="Without it: DATABASE_URL, or SQLite in DATA_DIR.")
    ] = None,
) -> None:
    """Copy everything into another database and compare. Stop `muralist run` first."""
    counts = asyncio.run(_copy(source or read_settings().database, to))
    for name, count in counts.items():
        typer.echo(f"{name:20}{count:>10}")
    typer.echo("Everything is copied. Set DATABASE_URL to the new database; the pictures stay in DATA_DIR.")


async def _copy(source: str, to: str) -> dict[str, int]:
    await _upgrade(source)
    await _upgrade(to)
    async with Database(source) as old, Database(to) as new:
        before = await alive(old)
        await asyncio.sleep(ALIVE_SECONDS)
        if await alive(old) != before:
            raise UserError("Muralist is running on this database. Stop it, then copy.")
        return await copy_rows(old, new)
