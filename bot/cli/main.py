"""`muralist`: every command, and how errors are told."""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from bot.cli import check, db, imagine, jobs, serve, workflow
from bot.cli.setup import setup
from bot.errors import ConfigError, UserError

app = typer.Typer(
    name="muralist",
    help="A chat bot for ComfyUI: a line of chat becomes a picture.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("setup")(setup)
app.command("run")(serve.run)
app.command("demo")(serve.demo)
app.command("imagine")(imagine.imagine)
app.command("jobs")(jobs.jobs)
app.command("cancel")(jobs.cancel)
app.command(
    "admin",
    no_args_is_help=True,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(jobs.admin)
app.command("check")(check.check)
app.add_typer(workflow.app, name="workflow")
app.add_typer(db.app, name="db")


@app.command(
    "simulate",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def simulate(context: typer.Context) -> None:
    """Run a simulated ComfyUI that needs no GPU, to try things out."""
    simulator = import_module("simulator.cli")  # by name: the core does not know the simulator
    simulator.app(args=context.args, prog_name="muralist simulate")


def main() -> None:
    """The console script: errors on purpose become one sentence on standard error, and an exit code."""
    try:
        app()
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except ConfigError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
