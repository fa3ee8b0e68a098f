"""`muralist check`: what is wrong with this installation, a line each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import typer

from bot.app import load_adapters, read_workflows
from bot.comfy.backend import ComfyBackend
from bot.errors import ConfigError
from bot.logs import set_up_logs
from bot.settings import Settings, read_settings
from bot.store.store import open_store
from bot.workflow.model import Workflow
from bot.workflow.offers import problems


def check() -> None:
    """Look at the settings, the database, the ComfyUI servers and the workflows. Exits with 1 if anything is wrong."""
    set_up_logs("console", logging.CRITICAL)
    settings = read_settings()
    troubles = asyncio.run(_check(settings))
    for trouble in troubles:
        typer.echo(f"problem: {trouble}")
    if troubles:
        raise typer.Exit(1)
    typer.echo("Everything is in order.")


async def _check(settings: Settings) -> list[str]:
    return [trouble async for trouble in _troubles(settings)]


async def _troubles(settings: Settings) -> AsyncIterator[str]:
    workflows: dict[str, Workflow] = {}
    try:
        load_adapters()
        workflows = read_workflows(settings)
        async with open_store(settings.database):
            pass
    except ConfigError as error:
        yield str(error)
    for url in settings.comfyui_urls:
        async with ComfyBackend(url, client_id="muralist-check") as backend:
            async for trouble in _backend(backend, workflows):
                yield trouble


async def _backend(backend: ComfyBackend, workflows: dict[str, Workflow]) -> AsyncIterator[str]:
    if not await backend.probe() or backend.schemas is None:
        yield f"ComfyUI does not answer at {backend.name}. Start it, or correct COMFYUI_URLS."
        return
    typer.echo(f"ComfyUI {backend.version} answers at {backend.name}.")
    for workflow in workflows.values():
        found = problems(workflow, backend.schemas)
        for trouble in found:
            yield f"workflow {workflow.name} at {backend.name}: {trouble}"
        if not found:
            typer.echo(f"Workflow {workflow.name} runs at {backend.name}.")
