"""A machine, a database and servers that are wrong in each usual way: named, with what to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from simulator.versions import VERSIONS
from tests.processes import Program, bot_program, free_port, run_command

pytestmark = pytest.mark.timeout(300)

QUIET = ("setup", "--yes", "--no-picture", "--no-service")


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """A home of its own, and platforms that are nowhere."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    return {
        "HOME": str(tmp_path / "home"),
        "DISCORD_API_BASE": f"{nowhere}/api",
        "TELEGRAM_API_BASE": nowhere,
        "COMFYUI_URLS": nowhere,
    }


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 kB, with nothing on it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("A small disk is made by root on Linux alone.")
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("This machine lets nobody mount a disk.")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def troubles(folder: Path, *arguments: str, **settings: str) -> list[str]:
    """What `check` or `setup` calls a problem, when that makes it fail."""
    code, out, err = await run_command(folder, *arguments, **settings)
    found = [line.strip() for line in out.decode().splitlines() if line.strip().startswith("problem: ")]
    assert (code, err) == (1, ""), out.decode()
    return [line.removeprefix("problem: ") for line in found]


async def test_a_port_that_is_taken(tmp_path: Path, settings: dict[str, str]) -> None:
    """By another program; `run` says it too."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        found = await troubles(tmp_path, "check", **settings, WEB_PORT=str(port))
        code, _, err = await run_command(tmp_path, "run", **settings, WEB_PORT=str(port))
        _, said, _ = await run_command(tmp_path, *QUIET, **settings, WEB_PORT=str(port))
    sentence = (
        f"127.0.0.1:{port} can't be used for the page: another program has it, or this machine has no such address. "
        "Stop that program, or set WEB_PORT and WEB_HOST."
    )
    assert found[0] == sentence
    assert (code, err.splitlines()[-1]) == (
        2,
        f"error: The page can't be served at 127.0.0.1:{port} (address already in use). "
        "Stop what uses that port, or set WEB_PORT to another.",
    )
    assert f"note: {sentence}" in said.decode()


async def test_a_bot_that_runs_is_no_other_program(
    tmp_path: Path, simulated: Program, settings: dict[str, str]
) -> None:
    """Its owner may look at it at any time."""
    bot = bot_program(tmp_path, simulated.url, WEB_TOKEN="0123456789abcdef")
    await bot.start()
    try:
        port = bot.url.rpartition(":")[2]
        here = {**settings, "COMFYUI_URLS": simulated.url, "WEB_PORT": port}
        code, out, _ = await run_command(tmp_path, "check", **here)
        assert (code, out.decode().splitlines()[-1]) == (0, "Everything is in order.")
    finally:
        assert await bot.stop() == 0


async def test_a_folder_that_can_not_be_written(tmp_path: Path, settings: dict[str, str]) -> None:
    """A file lies where it should be."""
    (tmp_path / "data").write_text("in the way")
    sentence = (
        f"DATA_DIR ({tmp_path / 'data'}) can't be written: File exists. Give this account the right to, or set it to "
        "another folder."
    )
    assert sentence in await troubles(tmp_path, "check", **settings)
    assert sentence in await troubles(tmp_path, *QUIET, **settings)
    for command in (("run",), ("imagine", "x"), ("jobs",)):
        code, out, err = await run_command(tmp_path, *command, **settings)
        assert (code, out, err) == (
            2,
            b"",
            f"error: The folder of the database ({tmp_path / 'data'}) can't be made: File exists. "
            "Set DATA_DIR to one that can.\n",
        )


async def test_a_disk_that_is_full(tmp_path: Path, small_disk: Path, settings: dict[str, str]) -> None:
    """To the last byte, and with too little left; what starts anyway says so in one sentence."""
    here = {**settings, "DATA_DIR": str(small_disk)}
    little = (
        f"The disk of DATA_DIR ({small_disk}) has 0 MB left, which a few results fill. Free some space there, or set "
        "DATA_DIR to another disk."
    )
    assert little in await troubles(tmp_path, "check", **here)
    with (small_disk / "films").open("wb") as films:
        films.truncate(0)
        while True:
            try:
                os.write(films.fileno(), bytes(4096))
            except OSError:
                break
    full = f"The disk of DATA_DIR ({small_disk}) is full. Free some space there, or set DATA_DIR to another disk."
    assert full in await troubles(tmp_path, "check", **here)
    assert full in await troubles(tmp_path, *QUIET, **here)
    for command in (("run",), ("imagine", "x"), ("db", "upgrade")):
        code, out, err = await run_command(tmp_path, *command, **here)
        assert (code, out, err.count("\n")) == (2, b"", 1), err
        assert err.startswith("error: The disk that the database lies on ")


async def test_settings_that_can_not_be_kept(tmp_path: Path, settings: dict[str, str]) -> None:
    """The folder of `.env` is none."""
    (tmp_path / "home" / ".config").mkdir(parents=True)
    (tmp_path / "home" / ".config" / "muralist").write_text("in the way")
    code, _, err = await run_command(tmp_path, *QUIET, "--admin", "discord:1", **settings)
    file = tmp_path / "home" / ".config" / "muralist" / ".env"
    assert code == 2
    assert err == f"error: {file} can't be written: File exists. Free some space or run setup elsewhere.\n"


async def test_a_database_that_is_damaged(tmp_path: Path, settings: dict[str, str]) -> None:
    """Nothing of it is touched."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "muralist.db").write_bytes(b"not a database" * 1000)
    sentence = (
        "The file of the database is damaged or is no database. Put a backup in its place, or move it away to begin "
        "anew."
    )
    assert sentence in await troubles(tmp_path, "check", **settings)
    assert await run_command(tmp_path, "db", "upgrade", **settings) == (2, b"", f"error: {sentence}\n")
    assert (tmp_path / "data" / "muralist.db").read_bytes() == b"not a database" * 1000


@pytest.mark.parametrize("command", [("check",), QUIET], ids=["check", "setup"])
async def test_servers_that_are_wrong_in_the_usual_ways(
    tmp_path: Path, settings: dict[str, str], command: tuple[str, ...]
) -> None:
    """A login before it, an old one, nobody there."""
    guarded = SimulatorSettings(port=0, basic_auth="me:secret")
    old = SimulatorSettings(port=0, version=VERSIONS["0.3.10"])
    nobody = f"127.0.0.1:{free_port()}"
    async with Simulator(guarded) as first, Simulator(old) as second:
        urls = [first.url, second.url, f"http://{nobody}"]
        given = [option for url in urls for option in ("--comfyui", url)] if command == QUIET else []
        found = await troubles(tmp_path, *command, *given, **{**settings, "COMFYUI_URLS": ",".join(urls)})
    names = [url.removeprefix("http://") for url in urls]
    sentences = [
        f"What answers at {names[0]} asks for a login. Put it into ComfyUI's address, or set COMFYUI_TOKEN or "
        "COMFYUI_HEADERS.",
        f"ComfyUI 0.3.10 at {names[1]} is too old for Muralist. Update it to 0.3.64 or newer.",
        f"ComfyUI at {names[2]} can't be reached. Check that it runs.",
    ]
    where = [f" ({url} in COMFYUI_URLS)" for url in urls] if command == ("check",) else [""] * 3
    assert found == [sentence + place for sentence, place in zip(sentences, where, strict=True)]


async def test_a_server_without_models(tmp_path: Path, settings: dict[str, str]) -> None:
    """What is missing is said; for `setup` that is only worth knowing, for models can be put there later."""
    async with Simulator(SimulatorSettings(port=0, checkpoints=())) as bare:
        found = await troubles(tmp_path, "check", **{**settings, "COMFYUI_URLS": bare.url})
        code, out, _ = await run_command(tmp_path, *QUIET, "--comfyui", bare.url, **settings)
    name = bare.url.removeprefix("http://")
    assert found == [f"No workflow at {name} makes pictures from words. Above is what each of them lacks."]
    assert code == 0
    assert "note: /imagine can't run there yet: ComfyUI has no" in out.decode()
