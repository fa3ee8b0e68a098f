"""`muralist imagine`: one picture from the terminal."""

from __future__ import annotations

import asyncio
import logging
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.app import open_app
from bot.errors import InvalidValue
from bot.logs import set_up_logs
from bot.settings import Settings, read_settings

INTERRUPTED = 130
"""The exit code that shells use for Ctrl-C."""


def imagine(
    prompt: Annotated[str, typer.Argument(help="What the picture shows.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file or folder to write to; - for a pipe.")
    ] = None,
    workflow: Annotated[str, typer.Option(help="The workflow to run.")] = "imagine",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE, as often as needed.")
    ] = None,
    image: Annotated[list[Path] | None, typer.Option(help="A picture to start from.")] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input", help="A picture, video or sound to start from: FILE, or NAME=FILE for an option."
        ),
    ] = None,
    seed: Annotated[str | None, typer.Option(help="The same seed gives the same picture.")] = None,
    preview: Annotated[
        bool, typer.Option("--preview/--no-preview", help="Draw it as it comes, where the terminal can.")
    ] = True,
) -> None:
    """Make a picture and write it to a file. Exits with 1 and one sentence if that fails.

    Ctrl-C cancels it, on its ComfyUI too, and exits with 130.
    """
    values: dict[str, object] = {"prompt": prompt} if prompt else {}  # some workflows take none
    values |= dict(_pair(text) for text in settings or [])
    if seed is not None:
        values["seed"] = seed
    configured = read_settings()
    set_up_logs(configured.log_format, logging.ERROR)
    try:
        files = [*(("", path) for path in image or []), *(_input(text) for text in inputs or [])]
        failed = asyncio.run(make(configured, workflow, values, files, output, preview=preview))
    except KeyboardInterrupt:
        typer.echo("cancelled", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if failed:
        raise typer.Exit(1)


async def make(
    settings: Settings,
    workflow: str,
    values: dict[str, object],
    files: list[tuple[str, Path]],
    output: Path | None,
    *,
    preview: bool = True,
) -> bool:
    """Make a picture and write it. Whether it failed; raises `UserError` if nothing was queued.

    `files` are those that it starts from, each with the option that it is for, or "" for whichever takes it.
    """
    terminal: Any = import_module("adapters.terminal")  # by name: the core does not know the platforms
    order = terminal.Order(
        command=workflow, values=values, files=tuple(files), output=output, preview=preview
    )
    async with open_app(settings) as app:
        adapter = terminal.create(order)
        await app.attend(adapter, order.actor)
    return bool(adapter.failed)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidValue("--set", f'--set takes KEY=VALUE, as in --set steps=30, not "{text}".')
    return name, value


def _input(text: str) -> tuple[str, Path]:
    """`NAME=FILE` or `FILE`: a file's own name may have an equals sign."""
    name, equals, path = text.partition("=")
    if equals and name.isidentifier() and not Path(text).exists():
        return name, Path(path)
    return "", Path(text)
