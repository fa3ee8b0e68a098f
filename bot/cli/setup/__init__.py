"""`muralist setup`: from nothing to a bot that people can write to."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import typer

from bot.cli.setup.steps import Given, Setup
from bot.cli.setup.talk import Talk
from bot.logs import set_up_logs
from bot.settings import read_settings


def setup(
    comfyui: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="A ComfyUI's address; may be repeated.")
    ] = None,
    discord_token: Annotated[str | None, typer.Option(help="A Discord bot's token.")] = None,
    telegram_token: Annotated[str | None, typer.Option(help="A Telegram bot's token.")] = None,
    admin: Annotated[
        list[str] | None, typer.Option(metavar="PLATFORM:ID", help="An admin; may be repeated.")
    ] = None,
    picture: Annotated[bool, typer.Option(help="Make a picture to see that ComfyUI works.")] = True,
    service: Annotated[
        bool | None, typer.Option("--service/--no-service", help="Start Muralist with this machine.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: take what is given here and what is found.")
    ] = False,
) -> None:
    """Find ComfyUI, make a first picture, try the tokens and write `.env`. May be run again at any time.

    Each question can be skipped with Enter. Exits with 1 if something that was given does not work.
    """
    settings = read_settings()
    set_up_logs(settings.log_format, logging.CRITICAL)
    given = Given(
        comfyui=tuple(comfyui or ()),
        tokens={"discord": discord_token, "telegram": telegram_token},
        admins=tuple(admin or ()),
        picture=picture,
        service=service,
    )
    if not asyncio.run(Setup(settings, given, Talk(silent=yes)).run()):
        raise typer.Exit(1)
