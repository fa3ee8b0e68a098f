"""The benchmarks run and say what they measured. How fast anything is, no test can know."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import ROWS
from benchmarks.every import Measured, measure_all
from benchmarks.freshness import REAL, SCENES
from benchmarks.inference import CATEGORIES, measure
from benchmarks.proxy import delaying
from benchmarks.report import at_least, at_most, beside, middle, percentile, write
from benchmarks.tables import BEGIN, END, put_in, tables
from benchmarks.workflows import recipes, write_workflows
from bot.workflow.load import load_workflows
from tests.postgres import binaries
from tests.processes import ROOT, clean_environment, start_python
from tests.workflow.nodes import NODES, graph

COMPARED = (
    "wall - T, median, times the floor's",
    "wall - T, p95, times the floor's",
    "wall - run, median, times the floor's",
    "wall - run, p95, times the floor's",
)
LATENCY = (*COMPARED, "processor a job, times the floor's", "requests a job", "sockets")
IDLE = ("idle between jobs, median, ms", "idle between jobs, mean, ms", "most attempts committed")
FAST = (
    "jobs a second, times the floor's",
    "lost",
    "slowest, times the floor's",
    "processor a job, times the floor's",
)
FELT = ("first card, p99, s", "longest block of the event loop, ms")
SHOWN = "most parameters before 'more'"
FOUND = ("found, weighted by use, %", "positive and negative swapped")
CAMPAIGN = (
    "lost",
    "doubled",
    "failed",
    "not shown",
    "messages left behind on Telegram",
    "runs repeated",
    "kinds of program killed",
)
CERTAIN = (": lost", ": completed", *(f": {name}" for name in CAMPAIGN))
DATABASES = (
    ("SQLite", "PostgreSQL") if binaries() is not None or os.environ.get("CI") == "true" else ("SQLite",)
)
SURVIVED = ("completed", "time, times that without", "more requests a job")

EXPECTED = {
    "latency": [
        *(f"T = 50 ms: {name}" for name in LATENCY),
        *(f"60 nodes x 30, 2.5 ms a step: {name}" for name in LATENCY),
        "backlog of 1 and 1 of others' on the server: requests a job",
        "backlog of 10 and 10 of others' on the server: requests a job",
        "batch of 4: requests",
    ],
    "idle-gap": [f"network delay 40 ms: {name}" for name in IDLE],
    "burst": [
        *(f"30 jobs at once: {name}" for name in (*FAST, *FELT)),
        *(f"20 people at once: {name}" for name in ("lost", *FELT)),
    ],
    "felt": [
        f"2 chats at once: {name}"
        for name in ("lost", "last node done to picture seen, p95, s", "the server works, %")
    ],
    "freshness": [
        f"{scene.name}: {name}"
        for scene in SCENES
        for name in ("mean error, times the least", "refused", "final p95, s")
    ]
    + [
        f"{REAL.name}: {name}"
        for name in (
            "mean error in real time, times the simulated",
            "refused in real time",
            "final p95 in real time, s",
        )
    ],
    "scheduling": [
        "backlog: makespan, times the least possible",
        "backlog: Jain's index after 20% of the work, by weight",
        "crowd at load 0.7: mean wait, times FIFO's",
        "crowd at load 0.7: most that anybody got more than one who waited, s",
        "crowd: highest load with a mean wait below 120 s, times FIFO's",
    ],
    "estimates": [
        "share of jobs done within the range that was shown",
        "width of the range, times its middle",
    ],
    "scale": [
        f"{database}, {name}"
        for database in DATABASES
        for name in (
            *(
                f"{call}: {figure}"
                for call in ("claim", "place", "enqueue")
                for figure in (
                    "median with 2000 waiting, times that with 100",
                    "one after another, times what 50 backends need",
                )
            ),
            "kB of a waiting job",
        )
    ],
    "graphs": [
        "60 nodes: more processor a job than with 7, times the floor's more",
        "60 nodes: longest block of the event loop, ms",
        "previews of 1 MB: processor a job, times that with small ones",
        "previews of 1 MB: longest block of the event loop, ms",
    ],
    "faults": [
        f"{trouble}: {name}"
        for trouble in ("sockets killed", "server restarted", "5% of answers 500", "deaf socket")
        for name in SURVIVED
    ],
    "campaign": [f"{database}: {name}" for database in DATABASES for name in CAMPAIGN],
    "inference": [
        *(f"inference: {name}" for name in (*FOUND, "named as their author labelled them, %", SHOWN)),
    ],
}


def test_every_benchmark_is_expected_to_say_something() -> None:
    """A new one is tested like the others."""
    assert list(EXPECTED) == list(ROWS)


@pytest.mark.timeout(400)  # processes start, and on a busy machine that takes as long as it takes
@pytest.mark.parametrize("row", EXPECTED)
async def test_a_benchmark_measures_what_it_says(tmp_path: Path, row: str) -> None:
    """Each figure with its goal and what it was held against; every job was completed."""
    file = tmp_path / "figures.json"
    code, out = await _run(row, "--quick", "--json", str(file), *_options(row, tmp_path))
    assert code == 0, out
    written = json.loads(file.read_text(encoding="utf-8"))
    assert (sorted(written), written["quick"]) == (["figures", "machine", "quick"], True)
    figures: list[dict[str, Any]] = written["figures"]
    names = [figure["name"] for figure in figures]
    whole = row == "inference"
    assert names == [name if whole else f"{row}, {name}" for name in EXPECTED[row]]
    for figure in figures:
        assert list(figure) == ["name", "value", "goal", "against", "met", "peer", "spread"]
        assert isinstance(figure["value"], float)
        assert figure["goal"].split()[0] in ("<=", ">=", "=") or " to " in figure["goal"]
        assert figure["against"]
        assert isinstance(figure["met"], bool)
        assert figure["met"] or not figure["name"].endswith(CERTAIN)
        assert figure["name"].removeprefix(f"{row}, ").split(":")[0] in out
    if row in ("campaign", "scale") and DATABASES == ("SQLite",):
        pytest.skip("PostgreSQL is not installed: SQLite alone was measured")


def _options(row: str, folder: Path) -> list[str]:
    """For inference a folder that holds one labelled graph, of which one answer can't be found."""
    if row != "inference":
        return []
    nodes = graph(
        words=("PrimitiveText", {"value": "a red fox"}),
        load=("CheckpointLoaderSimple", {"ckpt_name": "a.safetensors"}),
        yes=("CLIPTextEncode", {"text": ("words", 0), "clip": ("load", 1)}),
        guide=(
            "CFGGuider",
            {"model": ("load", 0), "positive": ("yes", 0), "negative": ("yes", 0), "cfg": 3.0},
        ),
        save=("SaveImage", {"images": ("guide", 0), "filename_prefix": "x"}),
    )
    label = {"label": "Motif", "feeds": ["words.value"], "widget": True}
    about = {"graph": nodes, "index": {"usage": 10}, "interface": {"subgraphs": [{"inputs": [label]}]}}
    gold: dict[str, Any] = {category: [] for category in CATEGORIES} | {"also_ok": {}}
    gold |= {"prompt": ["words.value"], "cfg": ["guide.cfg"], "steps": ["nowhere.steps"]}
    (folder / "api").mkdir()
    (folder / "api" / "one.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "gold.json").write_text(json.dumps({"_conventions": {}, "one": gold}), encoding="utf-8")
    (folder / "object_info.json").write_text(json.dumps(NODES), encoding="utf-8")
    return ["--graphs", str(folder)]


async def test_what_was_not_found_counts(tmp_path: Path) -> None:
    """Two of three answers; all names; two parameters and the few before 'more'."""
    figures = await measure(quick=True, graphs=Path(_options("inference", tmp_path)[1]))
    assert [figure.value for figure in figures] == [66.67, 0.0, 100.0, 2.0]
    assert [figure.met for figure in figures] == [False, True, True, True]


async def test_labelled_graphs_must_be_there(tmp_path: Path) -> None:
    """Asked for by name, their absence is an error that says what to do."""
    code, out = await _run("inference", "--graphs", str(tmp_path))
    assert (code, "--graphs names another folder" in " ".join(out.split())) == (2, True)


async def test_they_are_listed() -> None:
    """One a line, for scripts."""
    assert await _run("list") == (0, "".join(f"{row}\n" for row in ROWS))


async def test_one_that_is_not_there_is_refused() -> None:
    """With the names of those that are."""
    code, out = await _run("speed")
    assert code == 2
    assert ", ".join([*ROWS, "all"]) in " ".join(out.split())


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 3.0), (0.8, 4.0), (0.81, 5.0), (0.99, 5.0), (1.0, 5.0)]
)
def test_percentiles_are_values_that_were_measured(share: float, expected: float) -> None:
    """The least that so many do not exceed."""
    assert percentile([4.0, 1.0, 5.0, 2.0, 3.0], share) == expected


def test_a_goal_is_met_up_to_itself() -> None:
    """In both directions."""
    assert [at_most("a", value, 1.5, "b").met for value in (1.4, 1.5, 1.6)] == [True, True, False]
    assert [at_least("a", value, 1.5, "b").met for value in (1.4, 1.5, 1.6)] == [False, True, True]


def test_figures_go_between_the_marks() -> None:
    """One table a row; what is around stays."""
    figures = [
        beside(at_most("burst, 9 jobs: slowest", 1.25, 1.5, "a|b"), {"polling": 30.0, "websocket": 2.0}),
        *middle([[at_most("burst, lost", value, 0, "-")] for value in (0.0, 2.0, 4.0)]),
    ]
    text = put_in(f"before\n{BEGIN}old\n{END}after\n", tables("this machine", figures))
    assert text.startswith(f"before\n{BEGIN}")
    assert text.endswith(f"{END}after\n")
    assert text.splitlines()[2:-2] == [
        "",
        "Measured on this machine.",
        "",
        "### burst",
        "",
        "| figure | measured | goal | met | peers | against |",
        "|---|---|---|---|---|---|",
        "| 9 jobs: slowest | 1.25 | <= 1.5 | yes | websocket 2, polling 30 | a\\|b |",
        "| lost | 2 ±100% | <= 0 | no | - | - |",
        "",
    ]


def test_several_measurements_are_one_table(tmp_path: Path) -> None:
    """The middle of each figure, by the whole program."""
    document = tmp_path / "document.md"
    document.write_text(f"{BEGIN}{END}", encoding="utf-8")
    files = [tmp_path / f"{number}.json" for number in range(3)]
    for file, value in zip(files, (4.0, 1.0, 2.0), strict=True):
        write(file, [at_most("burst, lost", value, 3, "-")], "this machine", quick=False)
    command = [sys.executable, "-m", "benchmarks.tables", *map(str, files), "--document", str(document)]
    subprocess.run(command, cwd=ROOT, check=True)
    assert "| lost | 2 ±75% | <= 3 | yes | - | - |" in document.read_text(encoding="utf-8").splitlines()


def test_the_workflows_are_the_recipes(tmp_path: Path) -> None:
    """What Muralist loads is what the floor posts, with the sizes that they are named for."""
    write_workflows(tmp_path)
    loaded = load_workflows([tmp_path])
    assert {name: each.graph for name, each in loaded.items()} == {
        name: recipe.graph for name, recipe in recipes().items()
    }
    assert {name: len(each.graph) for name, each in loaded.items()} == {
        "seven": 7,
        "batch": 7,
        "large": 7,
        "sixty": 60,
        "thousand": 1000,
        "flat": 2,
    }


async def test_the_far_network_brings_everything_later_and_in_order() -> None:
    """Both ways; nothing arrives before its time, and the end arrives too."""
    sent = bytes(range(256)) * 1000

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read())[::-1])
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    loop = asyncio.get_running_loop()
    async with server, delaying(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", 0.05) as url:
        begun = loop.time()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(sent)
        writer.write_eof()
        received = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert received == sent[::-1]
    assert loop.time() - begun >= 4 * 0.05  # there and back for the connection, and once more


async def _run(*arguments: str) -> tuple[int, str]:
    """`python -m benchmarks ...`: exit code, and all that it said."""
    process = await start_python(
        ["-m", "benchmarks", *arguments], cwd=ROOT, env=clean_environment(), stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, (out + err).decode()


async def test_a_row_that_fails_or_hangs_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told why, and the others have their figures."""
    found: list[Measured] = []
    await measure_all(["nonsense", "estimates"], ["--quick"], 1, found.append)
    assert [(each.row, len(each.figures)) for each in found] == [("nonsense", 0), ("estimates", 2)]
    assert [each.trouble for each in found] == ["it ended with 2; what it said is above", ""]
    monkeypatch.setattr("benchmarks.every.ROW_SECONDS", 0.01)
    await measure_all(["felt"], ["--quick"], 1, found.append)
    assert found[-1].trouble == "it had not ended after 0 s"
