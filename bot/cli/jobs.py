"""`muralist jobs` and `cancel`: the jobs that this person began at a terminal; `muralist admin`: everybody's."""

from __future__ import annotations

import asyncio
import logging
from importlib import import_module
from typing import Annotated, Any

import typer

from bot.app import NOBODY, open_app
from bot.logs import set_up_logs
from bot.settings import Settings, read_settings


def jobs() -> None:
    """List your newest jobs: id, state or place in the queue, prompt. A running `muralist run` is not needed."""
    settings = read_settings()
    set_up_logs(settings.log_format, logging.ERROR)
    asyncio.run(_list(settings))


def cancel(
    job: Annotated[str, typer.Argument(metavar="ID", help="The job's id, or its beginning.")],
) -> None:
    """Cancel one of your jobs, on its ComfyUI too. Exits with 1 if it is over or not yours."""
    settings = read_settings()
    set_up_logs(settings.log_format, logging.ERROR)
    asyncio.run(_cancel(settings, job))


def admin(context: typer.Context) -> None:
    """Do what admins can: `muralist admin pause`, `muralist admin gpu back`, `muralist admin limits`, `... queue`.

    A `muralist run` that is running obeys within a second.
    """
    settings = read_settings()
    set_up_logs(settings.log_format, logging.ERROR)
    asyncio.run(_manage(settings, context.args))


async def _manage(settings: Settings, words: list[str]) -> None:
    managing = _terminal().Managing(words)
    async with open_app(settings) as app:
        await app.servers.look()
        await managing.run(app.core(managing))


async def _list(settings: Settings) -> None:
    listing = _terminal().Listing()
    async with open_app(settings) as app:
        await app.servers.look()
        await listing.run(app.core(listing))


async def _cancel(settings: Settings, beginning: str) -> None:
    """Whoever holds the job's ComfyUI ends it there; if nobody does, that is done here."""
    ending = _terminal().Ending(beginning)
    async with open_app(settings) as app:
        await ending.ask(app.core(ending))
        if not ending.ended:
            await app.attend(ending, NOBODY)
    ending.tell()


def _terminal() -> Any:
    return import_module("adapters.terminal")  # by name: the core does not know the platforms
