"""`python -m benchmarks NAME`."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import report
from benchmarks.every import Measured, measure_all
from benchmarks.inference import GRAPHS
from benchmarks.machine import describe
from benchmarks.report import middle

ROWS = {
    "latency": "what Muralist adds to the time, processor and requests of a job",
    "idle-gap": "how long a server with a backlog stands idle between two jobs",
    "burst": "1,000 jobs at once, and 50 people at once",
    "felt": "how long a picture that is done takes to be seen, and what the server does meanwhile",
    "freshness": "how far what people see is behind what is, where a chat allows few edits",
    "scheduling": "who waits how long and gets how much, in simulated time",
    "estimates": "whether jobs are done when their cards said, in simulated time",
    "scale": "claims, places in line and requests with very many jobs waiting",
    "graphs": "what very many nodes and very large previews cost",
    "faults": "jobs in flight when sockets, servers and answers break",
    "campaign": "everything is killed again and again while jobs flow (--jobs, --seconds, --seed, --database)",
    "inference": "what is found of what a person would set in real graphs (--graphs)",
}
"""By name; the module has the same one, with _ for -, and a `measure`."""

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)

_LIST = "\n\n".join(f"{name}: {what}" for name, what in ROWS.items())


@app.command(help=f"Measure one of these, or `all`, in turn; `list` names them.\n\n{_LIST}")
def benchmark(
    name: Annotated[str, typer.Argument(help="Which to measure.")],
    quick: Annotated[bool, typer.Option("--quick", help="A few jobs each: to see that it works.")] = False,
    runs: Annotated[int, typer.Option(help="Measure so often: the middle, and how far apart.")] = 1,
    json: Annotated[Path | None, typer.Option(help="A file to write the figures to.")] = None,
    graphs: Annotated[
        Path, typer.Option(help="For inference: a folder of graphs that were labelled by hand.")
    ] = GRAPHS,
    seconds: Annotated[
        float | None, typer.Option(help="For campaign: for how long, on each database.", show_default="600")
    ] = None,
    jobs: Annotated[
        int, typer.Option(help="For campaign: so many jobs.", show_default="1,000 on PostgreSQL")
    ] = 0,
    seed: Annotated[int, typer.Option(help="For campaign: who is killed when is drawn by it.")] = 1,
    database: Annotated[
        str, typer.Option(help="For campaign: sqlite or postgresql alone.", metavar="NAME")
    ] = "",
) -> None:
    """Measure, print the figures, and write them if asked to."""
    if name == "list":
        typer.echo("\n".join(ROWS))
        return
    if name not in (*ROWS, "all"):
        raise typer.BadParameter(f'there is no "{name}"; there are: {", ".join(ROWS)}, all.')
    if name == "all":
        _measure_all(quick, runs, json, graphs)
        return
    module: Any = import_module(f"benchmarks.{name.replace('-', '_')}")
    given: dict[str, Any] = {}
    if name == "inference":
        if not (graphs / "gold.json").is_file():
            raise typer.BadParameter(_no_graphs(graphs))
        given = {"graphs": graphs}
    if name == "campaign":
        given = {"seconds": seconds, "seed": seed, "database": database, "jobs": jobs}
    measured = middle([asyncio.run(module.measure(quick=quick, **given)) for _ in range(runs)])
    report.show(measured, f"{name} on {describe()}")
    if json is not None:
        report.write(json, measured, describe(), quick=quick)


def _measure_all(quick: bool, runs: int, json: Path | None, graphs: Path) -> None:
    """Every row but the campaign, which takes as long as one likes. Ends with 1 if a row could not be measured."""
    began = time.monotonic()
    found: list[Measured] = []

    def done(measured: Measured) -> None:
        found.append(measured)
        how = f"NOT MEASURED: {measured.trouble}" if measured.trouble else f"{len(measured.figures)} figures"
        typer.echo(f"{measured.row}: {how}, {measured.seconds:.0f} s\n")
        if json is not None:
            ordered = sorted(found, key=lambda each: list(ROWS).index(each.row))
            report.write(json, [one for each in ordered for one in each.figures], describe(), quick=quick)

    rows = [row for row in ROWS if row != "campaign"]
    if not (graphs / "gold.json").is_file():
        typer.echo(_no_graphs(graphs))
        rows.remove("inference")
    arguments = ["--runs", str(runs), "--graphs", str(graphs), *(["--quick"] if quick else [])]
    asyncio.run(measure_all(rows, arguments, runs, done))
    typer.echo(_summary(found, time.monotonic() - began))
    if any(each.trouble for each in found):
        raise typer.Exit(1)


def _summary(found: Sequence[Measured], seconds: float) -> str:
    """How many goals are met, which are not, and what could not be measured."""
    figures = [figure for each in found for figure in each.figures]
    missed = [
        f"  {figure.name}: {figure.value:g}, goal {figure.goal}" for figure in figures if not figure.met
    ]
    lines = [f"{len(figures) - len(missed)} of {len(figures)} goals are met; {seconds / 60:.1f} minutes."]
    lines += ["Missed:", *missed] if missed else []
    lines += [f"{each.row} was not measured: {each.trouble}" for each in found if each.trouble]
    return "\n".join(lines)


def _no_graphs(graphs: Path) -> str:
    """Labelled graphs are no part of the project."""
    return f"inference: there are no labelled graphs in {graphs}; --graphs names another folder."


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the processes that it started end too
    app(prog_name="python -m benchmarks")
