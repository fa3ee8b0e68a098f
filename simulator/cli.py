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
    preview_size: Annotated[
        int, typer.Option(min=8, help="Longest side of previews in pixels.")
    ] = SimulatorSettings.preview_size,
    vram_gb: Annotated[
        float, typer.Option(help="Memory of the card in GiB: models that do not fit together are swapped.")
    ] = SimulatorSettings.vram_gb,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder for input, output and temp; a temporary one if not given.")
    ] = None,
    checkpoint: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A checkpoint to offer; may be repeated.")
    ] = None,
    all_models: Annotated[
        bool, typer.Option("--all-models", help="Offer every model file that ComfyUI's templates ask for.")
    ] = False,
    custom_nodes: Annotated[
        bool, typer.Option("--custom-nodes", help="Offer the classes of ComfyUI_IPAdapter_plus, too.")
    ] = False,
    version: Annotated[
        str, typer.Option(metavar="VERSION", help=f"Behave as this one: {', '.join(VERSIONS)}.")
    ] = SimulatorSettings.version.name,
    gpus: Annotated[int, typer.Option(min=1, help="How many cards to list.")] = 1,
    startup_seconds: Annotated[
        float, typer.Option(help="How long to refuse connections at the start.")
    ] = 0.0,
    multi_user: Annotated[
        bool, typer.Option("--multi-user", help="Keep the editor's files by user.")
    ] = False,
    cors_origin: Annotated[
        str | None, typer.Option(metavar="ORIGIN", help="Let pages of this origin in; * for all.")
    ] = None,
    compress: Annotated[bool, typer.Option("--compress-answers", help="Compress JSON and text.")] = False,
    path_prefix: Annotated[str, typer.Option(metavar="PATH", help="Serve below this path: /comfy.")] = "",
    basic_auth: Annotated[
        str | None, typer.Option(metavar="USER:PASSWORD", help="Ask for this, as a proxy would.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="Ask for this bearer token, or ?token= in the address.")
    ] = None,
    tls_certfile: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Certificate, for https.")
    ] = None,
    tls_keyfile: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Its key, if in another file.")
    ] = None,
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
        preview_size=preview_size,
        vram_gb=vram_gb,
        data_dir=data_dir,
        checkpoints=tuple(checkpoint) if checkpoint else SimulatorSettings.checkpoints,
        all_models=all_models,
        custom_nodes=custom_nodes,
        version=_version(version),
        gpus=gpus,
        startup_seconds=startup_seconds,
        multi_user=multi_user,
        cors_origin=cors_origin,
        compress_answers=compress,
        path_prefix=_prefix(path_prefix),
        basic_auth=basic_auth,
        token=token,
        certificate=tls_certfile,
        certificate_key=tls_keyfile,
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


def _prefix(path: str) -> str:
    trimmed = path.strip("/")
    return f"/{trimmed}" if trimmed else ""


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
