"""`muralist workflow`: the workflows that are here."""

from __future__ import annotations

import typer

from bot.app import read_workflows
from bot.errors import UnknownCommand
from bot.settings import read_settings

app = typer.Typer(help="See the workflows that are here.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """Name every workflow."""
    for workflow in read_workflows(read_settings()).values():
        typer.echo(f"{workflow.name:<16}{workflow.description}")


@app.command()
def show(name: str) -> None:
    """Say which parameters a workflow has and which node inputs they set."""
    workflow = read_workflows(read_settings()).get(name)
    if workflow is None:
        raise UnknownCommand(f'There is no workflow "{name}". `muralist workflow list` lists them.')
    typer.echo(f"{workflow.title}: {workflow.description}")
    for parameter in workflow.parameters:
        targets = ", ".join(str(target) for target in parameter.targets)
        needed = "required" if parameter.spec.required else f"default {parameter.spec.default!r}"
        typer.echo(f"  {parameter.spec.name:<12}{parameter.spec.type:<10}-> {targets:<20}{needed}")
