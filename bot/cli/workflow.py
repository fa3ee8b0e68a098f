"""`muralist workflow`: the workflows that are here."""

from __future__ import annotations

import asyncio
import json
import logging

import typer

from bot.app import known_schemas, read_workflows
from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import NoBackend, UnknownCommand
from bot.logs import set_up_logs
from bot.settings import Settings, read_settings
from bot.workflow.catalogue import complete
from bot.workflow.draft import Draft
from bot.workflow.model import Parameter, Workflow
from bot.workflow.schema import workflow_schema

app = typer.Typer(help="See the workflows that are here.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """Name every workflow."""
    for draft in read_workflows(read_settings()).values():
        typer.echo(f"{draft.name:<16}{draft.file.description or draft.title}")


@app.command()
def show(name: str) -> None:
    """Say which parameters a workflow has and which node inputs they set."""
    settings = read_settings()
    draft = read_workflows(settings).get(name)
    if draft is None:
        raise UnknownCommand(f'There is no workflow "{name}". `muralist workflow list` lists them.')
    workflow = _complete(draft, settings)
    typer.echo(f"{workflow.title}: {workflow.description}")
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
def schema() -> None:
    """Write the JSON schema of workflow.toml, for editors."""
    typer.echo(json.dumps(workflow_schema(), indent=2))


def _complete(draft: Draft, settings: Settings) -> Workflow:
    set_up_logs("console", logging.CRITICAL)
    known = [] if draft.whole else asyncio.run(known_schemas(settings))
    if not draft.whole and not known:
        names = ", ".join(settings.comfyui_urls)
        raise NoBackend(
            f"What can be set in {draft.name} is found out by what ComfyUI says of its nodes, and none answers at "
            f"{names}. Start it, then try again."
        )
    return complete(draft, known)


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
