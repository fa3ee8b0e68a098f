"""`muralist check`: what is wrong with this installation, a line each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import cast

import typer

from bot.app import load_adapters, read_workflows
from bot.cli.devices import in_words
from bot.cli.guides import guides
from bot.cli.room import check_room
from bot.cli.stored import look_into
from bot.comfy.address import parse_address
from bot.comfy.backend import ComfyBackend
from bot.comfy.health import EXPOSED
from bot.comfy.schemas import NodeSchemas, parse_object_info
from bot.contract.ports import Finding, Guide, Level
from bot.errors import ConfigError
from bot.feed import Feed
from bot.logs import set_up_logs
from bot.service.shelf import Shelf
from bot.settings import Settings, read_settings
from bot.store.library import Library
from bot.store.offers import Offers
from bot.workflow.catalogue import Catalogue
from bot.workflow.danger import dangers, named
from bot.workflow.draft import Draft
from bot.workflow.model import Role
from bot.workflow.offers import problems
from bot.workflow.roles import in_order, serving


def check() -> None:
    """Look at settings, database, ComfyUI servers, workflows, and the bots' tokens.

    Exits with 1 if anything is wrong.
    """
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
    drafts: Mapping[str, Draft] = {}
    platforms: list[Guide] = []
    try:
        load_adapters()
        platforms = guides()
        drafts = read_workflows(settings)
        check_room(settings.data_dir)
    except ConfigError as error:
        yield str(error)
    stored = await look_into(settings, partial(_served, settings, drafts))
    drafts = drafts if stored.drafts is None else stored.drafts
    for trouble in stored.troubles:
        yield trouble
    if settings.allow_nodes:
        typer.echo(
            f"ALLOW_NODES lets workflows that are added from a chat have: {', '.join(settings.allow_nodes)}."
        )
    async for trouble in page_troubles():
        yield trouble
    places = dict.fromkeys(settings.comfyui_urls, "in COMFYUI_URLS")
    added = sorted(stored.added - places.keys())
    for url, place in (places | dict.fromkeys(added, "added by an admin")).items():
        async for trouble in _server(url, place, settings, drafts):
            yield trouble
    for guide in platforms:
        async for trouble in _platform(guide):
            yield trouble


async def _served(
    settings: Settings, files: Mapping[str, Draft], offers: Offers, library: Library
) -> dict[str, Draft]:
    """The workflows that people get: what was added or changed while Muralist ran stands before files."""
    last = [await offers.of(parse_address(url).url) for url in settings.comfyui_urls]
    known = [NodeSchemas(parse_object_info(each)) for each in last if each is not None]
    shelf = Shelf(files, library, Feed(), lambda: known, settings.allow_nodes)
    await shelf.refresh()
    for name in shelf.names():
        if shelf.standing(name).number is not None or not shelf.standing(name).enabled:
            typer.echo(f"Workflow {name}: {shelf.served(name)}")
    return dict(shelf.drafts)


def _tell_dangers(drafts: Mapping[str, Draft], schemas: NodeSchemas) -> None:
    """What the owner's own files reach beyond pictures: that is theirs to decide, and to know."""
    for draft in drafts.values():
        if draft.bundled or draft.revision is not None:
            continue
        for danger in dangers(draft.graph, schemas):
            typer.echo(
                f"note: workflow {draft.name}, a file of yours: {named(danger)} reaches {danger.reaches} on the "
                "server, so whoever may use it can, too. Added from a chat it would be refused without "
                f"ALLOW_NODES={danger.class_type}."
            )


async def page_troubles() -> AsyncIterator[str]:
    """What keeps the page from being served. Settings that are wrong are told with the adapters'."""
    with suppress(ConfigError):
        finding = cast(Finding, await import_module("adapters.web").examine())  # by name: a platform
        if finding.level is Level.PROBLEM:
            yield finding.text


async def _server(
    url: str, place: str, settings: Settings, drafts: Mapping[str, Draft]
) -> AsyncIterator[str]:
    """What is wrong with a ComfyUI; `place` says who named it."""
    try:
        backend = ComfyBackend(url, client_id="muralist-check", access=settings.access)
    except ConfigError as error:
        yield str(error)
        return
    async with backend:
        async for trouble in _backend(backend, place, drafts, settings.workflow_order):
            yield trouble


async def _backend(
    backend: ComfyBackend, place: str, drafts: Mapping[str, Draft], first: Sequence[str]
) -> AsyncIterator[str]:
    if not await backend.probe():
        yield f"{backend.trouble} ({backend.url} {place})"
        return
    typer.echo(
        f"{backend.url} is ComfyUI {backend.version or 'of an unknown version'}: {_abilities(backend)}."
    )
    if await backend.exposed():
        yield f"{backend.url}: {EXPOSED}"
    if backend.schemas is None:
        yield f"{backend.url} does not tell which nodes it has. Its console says more."
        return
    known = (backend.schemas,)
    try:
        workflows = Catalogue(drafts, lambda: known)
    except ConfigError as error:
        yield str(error)
        return
    _tell_dangers(drafts, backend.schemas)
    ordered = in_order(workflows.values(), first)
    lacks = {workflow.name: problems(workflow, backend.schemas) for workflow in ordered}
    for workflow in ordered:
        found = lacks[workflow.name]
        if not found:
            typer.echo(f"Workflow {workflow.name} runs at {backend.name}.")
        elif workflow.bundled:
            typer.echo(f"Workflow {workflow.name} does not run at {backend.name} yet: {found[0]}")
        for trouble in [] if workflow.bundled else found:
            yield f"workflow {workflow.name} at {backend.name}: {trouble}"
    if serving(Role.IMAGINE, (workflow for workflow in ordered if not lacks[workflow.name])) is None:
        yield f"No workflow at {backend.name} makes pictures from words. Above is what each of them lacks."


async def _platform(guide: Guide) -> AsyncIterator[str]:
    """What a platform says of the token that is set; nothing without one."""
    token = guide.token()
    if token is None:
        return
    for finding in (await guide.examine(token)).findings:
        if finding.level is Level.PROBLEM:
            yield f"{guide.title}: {finding.text}"
        else:
            note = "note: " if finding.level is Level.NOTE else ""
            typer.echo(f"{note}{guide.title}: {finding.text}")


def _abilities(backend: ComfyBackend) -> str:
    """What it computes on, and what of it Muralist can use."""
    stats, can = backend.stats, backend.capabilities
    devices = [in_words(device) for device in stats.devices] if stats is not None else []
    if can is None:
        return ", ".join(devices)
    uploads = f"uploads up to {can.max_upload_size / 2**20:.4g} MB" if can.max_upload_size else "uploads"
    return ", ".join(
        (
            *devices,
            uploads,
            "previews that name their job" if can.previews_tell_whose else "previews without a name",
            "job list" if can.jobs else "no job list",
            "cancelling many at once" if can.cancels_jobs else "cancelling one by one",
        )
    )
