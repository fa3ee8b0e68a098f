"""`muralist imagine` at a terminal, and one's jobs."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from tests.asking import runs
from tests.cli.pseudo_terminal import at_terminal
from tests.processes import Program, bot_program, run_command, start_command
from tests.terminal.decoders import kitty_commands, kitty_pixels, sixel_pixels

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="terminals and signals are as on Unix"),
    pytest.mark.timeout(400),  # many processes, one after the other
]

SMALL = ("--set", "width=64", "--set", "height=64", "--set", "steps=4")
LONG = ("--set", "width=128", "--set", "height=64", "--set", "steps=60")
QUESTION = b"\x1b[c"
KITTY = b"\x1b_Gi=31;OK\x1b\\\x1b[6;20;10t\x1b[?62;c"
SIXEL = b"\x1b[6;20;10t\x1b[?62;4;22c"


@pytest.fixture
def settings(simulated: Program) -> dict[str, str]:
    """The settings that a person would have in `.env`."""
    return {"COMFYUI_URLS": simulated.url}


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal that the tests run in says nothing of the one in them."""
    for name in ("KITTY_WINDOW_ID", "TERM_PROGRAM", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("reply", [KITTY, SIXEL], ids=["kitty", "sixel"])
async def test_previews_are_drawn_where_the_terminal_says_that_it_can(
    tmp_path: Path, settings: dict[str, str], reply: bytes
) -> None:
    """Above the bar, in their proportions, and taken away at the end."""
    async with at_terminal(tmp_path, "imagine", "a red fox", "-o", "fox.png", *LONG, **settings) as terminal:
        await terminal.answer(QUESTION, reply)
        await terminal.until("%")
        await terminal.until("fox.png\n")
        assert await terminal.exit_code() == 0
        raw = terminal.raw
    begun = b"\x1b_Ga=T" if reply is KITTY else b'\x1bP0;1;0q"'
    assert begun in raw
    drawn = kitty_pixels(raw) if reply is KITTY else sixel_pixels(raw)
    assert len(drawn[0]) == 2 * len(drawn) > 0
    assert len({colour for row in drawn for colour in row}) > 10
    if reply is KITTY:
        assert kitty_commands(raw)[-1][0]["a"] == "d"
    assert re.search(rb"\x1b\[\d+A\r\x1b\[J", raw[raw.rindex(begun) :])
    assert raw.count(b"\x1b7") == raw.count(b"\x1b8") == raw.count(begun)


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize(
    ("options", "term"), [((), "xterm"), (("--no-preview",), "xterm-kitty"), ((), "dumb")]
)
async def test_other_terminals_see_the_bar_alone(
    tmp_path: Path, settings: dict[str, str], options: tuple[str, ...], term: str
) -> None:
    """One that answers without pictures, one that is not to draw any, one that can do nothing."""
    arguments = ("imagine", "a red fox", "-o", "fox.png", *options, *LONG)
    async with at_terminal(tmp_path, *arguments, **settings, TERM=term) as terminal:
        if term == "xterm":
            await terminal.answer(QUESTION, b"\x1b[?62;22c")
        await terminal.until("fox.png\n")
        assert await terminal.exit_code() == 0
        raw = terminal.raw
    assert (QUESTION in raw) is (term == "xterm")
    assert b"\x1b_Ga=T" not in raw
    assert b"\x1bP" not in raw
    assert (b"%" in raw) is (term != "dumb")


async def test_the_bar_lives_while_a_running_bot_does_the_work(tmp_path: Path, simulated: Program) -> None:
    """The bot holds ComfyUI; how far it is stands in the store."""
    bot = bot_program(tmp_path, simulated.url)
    await bot.start()
    try:
        arguments = ("imagine", "a red fox", "-o", "fox.png", "--no-preview", "--set", "steps=100")
        async with at_terminal(tmp_path, *arguments, COMFYUI_URLS=simulated.url) as terminal:
            await terminal.until("Sampler: ")
            await terminal.until("fox.png\n")
            assert await terminal.exit_code() == 0
            assert len(set(re.findall(r"Sampler: (\d+)%", terminal.screen))) > 1
    finally:
        assert await bot.stop() == 0
    with Image.open(tmp_path / "fox.png") as picture:
        assert picture.format == "PNG"


async def test_ctrl_c_at_a_terminal_cancels_and_leaves_it_in_order(
    tmp_path: Path, slow: Program, http: aiohttp.ClientSession
) -> None:
    """The cursor is seen again."""
    settings = {"COMFYUI_URLS": slow.url}
    arguments = ("imagine", "slow", "--no-preview", "--set", "steps=100")
    async with at_terminal(tmp_path, *arguments, **settings) as terminal:
        await terminal.until("Sampler: ")
        terminal.interrupt()
        await terminal.until("cancelled\n")
        assert await terminal.exit_code() == 130
        assert terminal.raw.rindex(b"\x1b[?25h") > terminal.raw.rindex(b"\x1b[?25l")
    assert [run["outcome"] for run in await runs(http, slow.url)] == ["interrupted"]


async def test_files_go_where_they_are_wished(tmp_path: Path, settings: dict[str, str]) -> None:
    """Into a folder under their own names; without a wish nothing is overwritten."""
    (tmp_path / "pictures").mkdir()
    made = await run_command(
        tmp_path, "imagine", "fox", "-o", "pictures", "--set", "count=2", *SMALL, **settings
    )
    names = made[2].splitlines()
    assert (made[0], [re.sub("-[0-9a-f]{8}-", "-ID-", name) for name in names]) == (
        0,
        ["pictures/sdxl-ID-1.png", "pictures/sdxl-ID-2.png"],
    )
    assert all((tmp_path / name).is_file() for name in names)

    deep = await run_command(tmp_path, "imagine", "fox", "-o", "new/deep/fox.png", *SMALL, **settings)
    assert deep == (0, b"", "new/deep/fox.png\n")
    free = await run_command(tmp_path, "imagine", "fox", *SMALL, **settings)
    assert (free[0], (tmp_path / free[2].strip()).is_file()) == (0, True)
    (tmp_path / "file").write_text("in the way")
    barred = await run_command(tmp_path, "imagine", "fox", "-o", "file/fox.png", *SMALL, **settings)
    assert barred[:2] == (1, b"")
    assert re.fullmatch(r"error: file/fox.png can't be written: .+\. Choose another with -o\.\n", barred[2])


async def test_two_pictures_go_into_one_pipe_one_after_the_other(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    """As programs that read streams of pictures take them."""
    arguments = ("imagine", "fox", "-o", "-", "--set", "count=2", *SMALL)
    code, out, err = await run_command(tmp_path, *arguments, **settings)
    assert (code, err) == (0, "")
    assert out.startswith(b"\x89PNG")
    assert out.count(b"\x89PNG\r\n\x1a\n") == out.count(b"IEND") == 2


async def test_a_pipe_that_nobody_reads_is_one_sentence(tmp_path: Path, settings: dict[str, str]) -> None:
    """Not Python's own words."""
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", "imagine", "fox", "-o", "-", *SMALL),
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "DATA_DIR": str(tmp_path),
            **settings,
        },
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writing)
    os.close(reading)
    _, err = await process.communicate()
    assert (process.returncode, err.decode()) == (
        1,
        "error: Whatever reads the pipe has ended before it had everything.\n",
    )


async def test_a_terminal_is_no_pipe(tmp_path: Path, settings: dict[str, str]) -> None:
    """Nothing is queued for it."""
    async with at_terminal(tmp_path, "imagine", "fox", "-o", "-", **settings) as terminal:
        await terminal.until(
            "error: With -o - files go into a pipe, and this is a terminal. Name a file instead."
        )
        assert await terminal.exit_code() == 1
    assert (await listed(tmp_path, settings)) == ["No jobs yet. `muralist imagine` makes one."]


async def listed(folder: Path, settings: dict[str, str]) -> list[str]:
    """What `muralist jobs` prints, without the ids."""
    code, out, err = await run_command(folder, "jobs", **settings)
    assert (code, err) == (0, "")
    return [re.sub(r"^[0-9a-f]{8}  ", "", line) for line in out.decode().splitlines()]


async def first_id(folder: Path, settings: dict[str, str], line: int = 0) -> str:
    """The id that `muralist jobs` shows in a line."""
    _, out, _ = await run_command(folder, "jobs", **settings)
    return out.decode().splitlines()[line][:8]


async def test_jobs_are_listed_without_a_bot_that_runs(tmp_path: Path, settings: dict[str, str]) -> None:
    """How each ended, the newest last; those of a page or chat are not in the list."""
    done = await run_command(tmp_path, "imagine", "a red\nfox", *SMALL, **settings)
    failed = await run_command(tmp_path, "imagine", "simulate an error", *SMALL, **settings)
    assert (done[0], failed[0]) == (0, 1)
    assert await listed(tmp_path, settings) == ["done    a red fox", "failed  simulate an error"]
    over = await run_command(tmp_path, "cancel", await first_id(tmp_path, settings), **settings)
    assert over == (1, b"", "error: That job is over: done.\n")
    unknown = await run_command(tmp_path, "cancel", "nosuchjob", **settings)
    assert unknown == (1, b"", "error: There is no such job of yours. `muralist jobs` lists them.\n")
    assert (await run_command(tmp_path, "cancel", "", **settings))[::2] == unknown[::2]


async def test_a_job_of_a_killed_terminal_is_listed_and_cancelled_on_its_server(
    tmp_path: Path, slow: Program, http: aiohttp.ClientSession
) -> None:
    """Nobody else runs: the command takes the server over once its holder is known to be dead."""
    settings = {"COMFYUI_URLS": slow.url}
    process = await start_command(tmp_path, "imagine", "slow", "--set", "steps=100", **settings)
    while not await runs(http, slow.url):
        await asyncio.sleep(0.02)
    process.kill()
    await process.communicate()
    (line,) = await listed(tmp_path, settings)
    assert re.fullmatch(r"(Starting|.*%)  slow", line), line

    job = await first_id(tmp_path, settings)
    assert await run_command(tmp_path, "cancel", job, **settings) == (0, b"cancelled\n", "")
    assert [run["outcome"] for run in await runs(http, slow.url)] == ["interrupted"]
    assert await listed(tmp_path, settings) == ["cancelled  slow"]


async def test_jobs_show_their_place_and_are_cancelled_while_a_bot_runs(
    tmp_path: Path, slow: Program, http: aiohttp.ClientSession
) -> None:
    """One that runs, one that waits at the server, one that waits here."""
    settings = {"COMFYUI_URLS": slow.url}
    bot = bot_program(tmp_path, slow.url)
    await bot.start()
    try:
        processes, lines = [], list[str]()
        for number, state in enumerate(("%", "Starting", "Queued: you are next")):
            arguments = ("imagine", f"number {number}", "--set", "steps=100")
            processes.append(await start_command(tmp_path, *arguments, **settings))
            while len(lines) <= number or state not in lines[number]:
                lines = await listed(tmp_path, settings)
        assert [line.split()[-1] for line in lines] == ["0", "1", "2"]
        for number in (2, 0, 1):
            job = await first_id(tmp_path, settings, number)
            assert await run_command(tmp_path, "cancel", job, **settings) == (0, b"cancelled\n", "")
        for process in processes:
            _, err = await process.communicate()
            assert (process.returncode, err.decode()) == (1, "error: Cancelled\n")
        assert [line.split()[0] for line in await listed(tmp_path, settings)] == 3 * ["cancelled"]
    finally:
        assert await bot.stop() == 0
    assert (await runs(http, slow.url))[0]["outcome"] == "interrupted"


async def test_a_job_whose_server_is_away_is_noted_as_to_be_ended(tmp_path: Path, slow: Program) -> None:
    """And says so, rather than waiting for ever."""
    settings = {"COMFYUI_URLS": slow.url}
    async with aiohttp.ClientSession() as http:
        process = await start_command(tmp_path, "imagine", "slow", "--set", "steps=100", **settings)
        while not await runs(http, slow.url):
            await asyncio.sleep(0.02)
    process.kill()
    await process.communicate()
    await slow.kill()
    job = await first_id(tmp_path, settings)
    code, out, err = await run_command(tmp_path, "cancel", job, **settings)
    assert (code, err) == (0, "")
    assert out.decode() == "Its end is asked for. It ends when its ComfyUI answers.\n"
