"""`muralist workflow`: the workflows that are here, and more of them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from getpass import getuser
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from bot.app import App, open_app
from bot.cards import workshop as cards
from bot.contract.card import Card
from bot.contract.values import Attachment, ParameterSpec, ParameterType
from bot.errors import InvalidValue, MediaTooLarge, NoBackend, UnknownCommand, UserError
from bot.logs import set_up_logs
from bot.service.drafted import of_sketch
from bot.service.export import files_of
from bot.service.workshop import Sketch, Workshop
from bot.settings import read_settings
from bot.workflow import change
from bot.workflow.catalogue import complete
from bot.workflow.diff import differences
from bot.workflow.draft import Draft
from bot.workflow.model import Parameter, Role, Workflow
from bot.workflow.schema import workflow_schema

app = typer.Typer(help="See the workflows that are here, and add more.", no_args_is_help=True)

T = TypeVar("T")
Version = Annotated[int | None, typer.Option(min=1, help="The number of a version; else the one in use.")]


@app.command("list")
def list_() -> None:
    """Name every workflow."""

    async def told(opened: App) -> list[str]:
        shelf = opened.shelf
        return [
            _entry(await shelf.draft(name), enabled=shelf.standing(name).enabled) for name in shelf.names()
        ]

    typer.echo("\n".join(_with_app(told)))


@app.command()
def show(name: str, version: Version = None) -> None:
    """Say which parameters a workflow has and which node inputs they set."""

    async def made(opened: App) -> tuple[Workflow, str]:
        return await _made(opened, name, version), opened.shelf.served(name)

    workflow, served = _with_app(made)
    typer.echo(f"{workflow.title}: {workflow.description}")
    typer.echo(f"  {served if version is None else f'That is version {version}.'}")
    if workflow.roles:
        typer.echo(f"  serves {', '.join(f'/{role}' for role in workflow.roles)}")
    for parameter in workflow.parameters:
        if not parameter.spec.more:
            typer.echo(_line(parameter))
    behind = [parameter for parameter in workflow.parameters if parameter.spec.more]
    if behind:
        typer.echo("  more:")
    for parameter in behind:
        typer.echo(_line(parameter))


@app.command()
def add(
    file: Annotated[
        Path | None,
        typer.Argument(help="Its graph (Workflow > Export (API)), or a picture or film that it made."),
    ] = None,
    run: Annotated[
        int | None, typer.Option(min=1, help="Which of ComfyUI's last runs instead; 1 is the newest.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the command is called.")] = None,
    role: Annotated[
        list[Role] | None, typer.Option(help="What it serves, as often as needed; else what is found out.")
    ] = None,
    rename: Annotated[list[str] | None, typer.Option(help="OLD=NEW: call an option otherwise.")] = None,
    hide: Annotated[list[str] | None, typer.Option(help="An option that is not to be set.")] = None,
) -> None:
    """Make a command of a file, or of something that ComfyUI ran. Without either, list the last runs."""

    async def done(opened: App) -> Card:
        workshop = opened.workshop
        if file is None and run is None:
            return cards.runs_card(await workshop.runs())
        sketch = await _begun(workshop, file, run)
        sketch = await _changed(workshop, sketch, name, role, rename or [], hide or [])
        told = await of_sketch(workshop, sketch)
        await workshop.publish(sketch, getuser())
        return cards.draft_card(told)

    _tell(_with_app(done))


@app.command()
def edit(
    name: str,
    title: Annotated[str | None, typer.Option(help="What people read.")] = None,
    role: Annotated[list[Role] | None, typer.Option(help="What it serves, as often as needed.")] = None,
    rename: Annotated[list[str] | None, typer.Option(help="OLD=NEW: call an option otherwise.")] = None,
    hide: Annotated[list[str] | None, typer.Option(help="An option that is not to be set.")] = None,
) -> None:
    """Make the next version of a workflow. Of one in a file it is a version that stands before the file."""

    async def done(opened: App) -> str:
        if not opened.servers.known():
            await opened.servers.look()
        workshop = opened.workshop
        sketch = await _changed(
            workshop, await workshop.begin_with_workflow(name), None, role, rename or [], hide or []
        )
        if title is not None:
            titled = {**sketch.file, "title": title}
            sketch = await workshop.change(sketch, lambda _: titled)
        await workshop.publish(sketch, getuser())
        return opened.shelf.served(name)

    typer.echo(f"{name}: {_with_app(done)}")


@app.command()
def diff(name: str, old: int, new: int) -> None:
    """Say what is different between two versions."""

    async def lines(opened: App) -> list[str]:
        one, other = await opened.shelf.draft(name, old), await opened.shelf.draft(name, new)
        return list(differences(one.graph, other.graph, one.text, other.text))

    typer.echo("\n".join(_with_app(lines)))


@app.command()
def rollback(
    name: str,
    version: Annotated[
        int | None, typer.Option(min=0, help="The number of a version; 0 is the file that it stands before.")
    ] = None,
) -> None:
    """Use an older version; without a number the one before, and before the first the file."""
    number = _with_app(lambda opened: opened.workshop.roll_back(name, version))
    typer.echo(f"{name} is {'the file' if number is None else f'version {number}'}")


@app.command()
def disable(name: str) -> None:
    """Let nobody use a workflow."""
    _with_app(lambda opened: opened.workshop.switch(name, enabled=False))


@app.command()
def enable(name: str) -> None:
    """Let people use a workflow again."""
    _with_app(lambda opened: opened.workshop.switch(name, enabled=True))


@app.command()
def export(
    name: str,
    version: Version = None,
    into: Annotated[Path, typer.Option(help="The folder to put its folder into.")] = Path(),
) -> None:
    """Write the files of a workflow: graph.json, workflow.toml, and workflow.json if there is one."""

    async def files(opened: App) -> dict[str, bytes]:
        draft = await opened.shelf.draft(name, version)
        number = version or opened.shelf.standing(name).number
        kept = None if number is None else await opened.shelf.library.version(name, number)
        return files_of(draft, kept)

    for path, data in _with_app(files).items():
        target = into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        typer.echo(str(target))


@app.command()
def schema() -> None:
    """Write the JSON schema of workflow.toml, for editors."""
    typer.echo(json.dumps(workflow_schema(), indent=2))


async def _begun(workshop: Workshop, file: Path | None, run: int | None) -> Sketch:
    if file is not None:
        return await workshop.begin_with_file(_attachment(file))
    runs = await workshop.runs()
    if run is None or run > len(runs):
        raise UserError(
            f"ComfyUI has {len(runs)} runs that could be taken; `muralist workflow add` lists them."
        )
    return await workshop.begin_with_run(runs[run - 1].backend, runs[run - 1].prompt_id)


async def _changed(
    workshop: Workshop,
    sketch: Sketch,
    name: str | None,
    roles: list[Role] | None,
    renamed: list[str],
    hidden: list[str],
) -> Sketch:
    if name is not None:
        sketch = await workshop.rename(sketch, name)
    if roles is not None:
        stated = {**sketch.file, "roles": [str(role) for role in roles]}
        sketch = await workshop.change(sketch, lambda _: stated)
    for each in hidden:
        found, file = workshop.inferred(sketch), sketch.file
        sketch = await workshop.change(sketch, lambda made: change.hidden(file, made, each, found))  # noqa: B023
    for pair in renamed:
        old, equals, new = pair.partition("=")
        if not equals:
            raise InvalidValue(
                "--rename", f'--rename takes OLD=NEW, as in --rename cfg=strictness, not "{pair}".'
            )
        file = sketch.file
        sketch = await workshop.change(sketch, lambda made: change.renamed(file, made, old, new))  # noqa: B023
    return sketch


def _attachment(path: Path) -> Attachment:
    async def read(limit: int) -> bytes:
        data = await asyncio.to_thread(path.read_bytes)
        if len(data) > limit:
            raise MediaTooLarge(path.name, limit)
        return data

    if not path.is_file():
        raise UserError(f"There is no file {path}.")
    return Attachment(name=path.name, read=read)


async def _made(opened: App, name: str, version: int | None) -> Workflow:
    if name not in opened.shelf.names():
        raise UnknownCommand(f'There is no workflow "{name}". `muralist workflow list` lists them.')
    draft = await opened.shelf.draft(name, version)
    if not draft.whole and not opened.servers.known():
        await opened.servers.look()
    if not draft.whole and not opened.servers.known():
        names = ", ".join(backend.url for backend in opened.servers.backends)
        raise NoBackend(
            f"What can be set in {name} is found out by what ComfyUI says of its nodes, and none answers at "
            f"{names}. Start it, then try again."
        )
    return complete(draft, opened.servers.schemas())


def _with_app(work: Callable[[App], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with open_app(settings) as app:
            return await work(app)

    settings = read_settings()
    set_up_logs("console", logging.CRITICAL)
    return asyncio.run(opened())


def _entry(draft: Draft, *, enabled: bool) -> str:
    told = draft.file.description or draft.title
    version = "" if draft.revision is None else f" (version {draft.revision})"
    return f"{draft.name:<16}{told}{version}{'' if enabled else ' (switched off)'}"


def _tell(card: Card) -> None:
    """A card in plain words."""
    typer.echo(card.title)
    for line in card.body:
        typer.echo("  " + "".join(span.text for span in line))


def _line(parameter: Parameter) -> str:
    spec = parameter.spec
    targets = ", ".join(str(target) for target in parameter.targets)
    return f"  {spec.name:<16} {spec.type:<8} -> {targets:<24} {_told(spec)}"


def _told(spec: ParameterSpec) -> str:
    """Whether it must be given, what it is otherwise, and its bounds."""
    words = "required" if spec.required else f"default {_short(spec.default)}"
    if spec.type is ParameterType.SEED:
        return "random"
    if spec.minimum is None and spec.maximum is None:
        return words
    low, high = ("" if bound is None else f"{bound:g}" for bound in (spec.minimum, spec.maximum))
    return f"{words}, {low}..{high}"


def _short(default: object) -> str:
    shown = repr(default)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
