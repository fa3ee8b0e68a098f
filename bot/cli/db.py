"""`muralist db`: the database."""

from __future__ import annotations

import asyncio

import typer

from bot.settings import read_settings
from bot.store.store import open_store

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
