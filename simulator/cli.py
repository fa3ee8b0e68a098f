"""The command that runs a simulated ComfyUI until it is told to end."""

import asyncio
import contextlib
import errno
import signal
from pathlib import Path
from typing import Annotated

import typer

from simulator.settings import SimulatorSettings
from simulator.versions import VERSIONS, Version

app = typer.Typer(add_completion=False)

# What the system says when a port is taken; the second is the number on Windows.
_TAKEN = (errno.EADDRINUSE, 10048)


@app.command()
def simulate(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes any free one.")] = 8188,
    step_seconds: Annotated[float, typer.Option(help="How long one sampling step takes.")] = 0.1,
    load_seconds: Annotated[float, typer.Option(help="How long loading another checkpoint takes.")] = 0.0,
    node_seconds: Annotated[
        float, typer.Option(help="Extra time that each node takes which needs no model.")
    ] = 0.0,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder for input, output and temp; a temporary one if not given.")
    ] = None,
    checkpoint: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A checkpoint to offer; may be repeated.")
    ] = None,
    all_models: Annotated[
        bool, typer.Option("--all-models", help="Offer every model file that ComfyUI's templates ask for.")
    ] = False,
    version: Annotated[
        str, typer.Option(metavar="VERSION", help=f"Behave as this one: {', '.join(VERSIONS)}.")
    ] = SimulatorSettings.version.name,
) -> None:
    """Run a ComfyUI server that needs no GPU and no models: it draws pictures instead of sampling them.

    A prompt that contains "simulate an error" or "simulate out of memory" fails in the
    sampler, to show what a bot makes of that.
    """
    settings = SimulatorSettings(
        host=host,
        port=port,
        step_seconds=step_seconds,
        load_seconds=load_seconds,
        node_seconds=node_seconds,
        data_dir=data_dir,
        checkpoints=tuple(checkpoint) if checkpoint else SimulatorSettings.checkpoints,
        all_models=all_models,
        version=_version(version),
    )
    try:
        asyncio.run(_serve(settings))
    except KeyboardInterrupt:
        pass  # how Ctrl-C arrives where loops take no signal handlers
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        typer.echo(
            f"Port {settings.port} of {settings.host} is taken: end what listens there, or choose another "
            "one with --port.",
            err=True,
        )
        raise typer.Exit(1) from None


def _version(name: str) -> Version:
    if name not in VERSIONS:
        raise typer.BadParameter(f"It knows {', '.join(VERSIONS)}.", param_hint="--version")
    return VERSIONS[name]


async def _serve(settings: SimulatorSettings) -> None:
    # Here rather than above, so that asking for help does not load a web server.
    from simulator.server import Simulator

    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # loops on Windows take no handlers
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with Simulator(settings) as simulator:
        typer.echo(
            f"Simulated ComfyUI {settings.version.name} at {simulator.url} "
            "(no GPU: pictures are drawn, not sampled)"
        )
        await ended.wait()
