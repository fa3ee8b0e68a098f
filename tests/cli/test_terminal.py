"""The command line, as a person at a terminal uses it."""

from __future__ import annotations

import asyncio
import io
import signal
import sqlite3
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from PIL import Image

from tests.asking import get, runs
from tests.processes import (
    Program,
    bot_program,
    free_port,
    run_command,
    simulator_program,
    start_command,
)
from tests.reverse import reverse_proxy

SMALL = ("--set", "width=64", "--set", "height=64", "--set", "steps=4")


@pytest.fixture
def settings(simulated: Program) -> dict[str, str]:
    """The settings that a person would have in `.env`."""
    return {"COMFYUI_URLS": simulated.url}


async def test_a_picture_goes_to_the_named_file_and_the_same_seed_gives_it_again(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    """Whatever else is made in between."""
    for name in ("one.png", "two.png"):
        code, out, err = await run_command(
            tmp_path, "imagine", "a red fox", "-o", name, "--seed", "7", *SMALL, **settings
        )
        assert (code, out, err) == (0, b"", f"{name}\n")
    one, two = Image.open(tmp_path / "one.png"), Image.open(tmp_path / "two.png")
    assert one.size == (64, 64)
    assert one.tobytes() == two.tobytes()


async def test_a_picture_goes_into_a_pipe(tmp_path: Path, settings: dict[str, str]) -> None:
    """Nothing else is on standard output."""
    code, out, err = await run_command(tmp_path, "imagine", "a red fox", "-o", "-", *SMALL, **settings)
    assert (code, err) == (0, "")
    assert Image.open(io.BytesIO(out)).size == (64, 64)


async def test_several_pictures_and_a_picture_from_a_picture(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    """The second has a number; what img2img makes depends on its input."""
    code, _, err = await run_command(
        tmp_path, "imagine", "a red fox", "-o", "fox.png", "--set", "count=2", *SMALL, **settings
    )
    assert (code, err) == (0, "fox.png\nfox-2.png\n")
    made = []
    for name in ("fox.png", "fox-2.png"):
        arguments = (
            "at night",
            "--workflow",
            "img2img",
            "--image",
            name,
            "--seed",
            "1",
            "-o",
            f"night-{name}",
        )
        code, _, _ = await run_command(tmp_path, "imagine", *arguments, "--set", "denoise=0.3", **settings)
        assert code == 0
        made.append(Image.open(tmp_path / f"night-{name}").tobytes())
    assert made[0] != made[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("",), "Write a prompt."),
        (("x", "--set", "sampler=nope"), 'Sampler "nope" is not offered. The nearest: '),
        (("x", "--set", "model=nope"), 'Model "nope" is not offered. There is: sd_xl_base_1.0.safetensors, '),
        (("x", "--set", "steps"), '--set takes KEY=VALUE, as in --set steps=30, not "steps".'),
        (("x", "--set", "widht=64"), '/imagine has no option "widht". Did you mean "width"?'),
        (
            ("x", "--seed", "-5"),
            "Seed must be a number from 0 to 18446744073709551615, not -5. The nearest is 0.",
        ),
        (("x", "--workflow", "imagin"), "There is no command /imagin. Did you mean /imagine?"),
        (("x", "--workflow", "queue"), "That is no workflow. `muralist workflow list` lists them."),
        (("x", "--workflow", "img2img"), "Picture is missing: attach one, or reply to one."),
        (
            ("x", "--workflow", "img2img", "--image", "no.png"),
            "no.png can't be read: No such file or directory.",
        ),
        (
            ("x", "--workflow", "img2img", "--image", "text.png"),
            "That file is not a picture that can be read.",
        ),
    ],
)
async def test_what_can_not_be_done_is_one_sentence_and_nothing_is_queued(
    tmp_path: Path, settings: dict[str, str], arguments: tuple[str, ...], sentence: str
) -> None:
    """Exit code 1."""
    (tmp_path / "text.png").write_text("not a picture")
    code, out, err = await run_command(tmp_path, "imagine", *arguments, **settings)
    assert (code, out) == (1, b"")
    assert err.startswith(f"error: {sentence}")
    assert err.count("\n") == 1
    assert _queued(tmp_path) == 0


async def test_a_dead_server_and_a_server_without_models_are_one_sentence(tmp_path: Path) -> None:
    """Nothing is queued for either."""
    address = f"127.0.0.1:{free_port()}"
    dead = await run_command(tmp_path, "imagine", "x", COMFYUI_URLS=f"http://{address}")
    expected = f"error: ComfyUI does not answer at {address}. Start it, then send the command again.\n"
    assert dead == (1, b"", expected)
    assert _queued(tmp_path) == 0


async def test_ctrl_c_cancels_the_job_on_the_server(
    tmp_path: Path, slow: Program, http: aiohttp.ClientSession
) -> None:
    """The exit code is the shell's own for it."""
    process = await start_command(tmp_path, "imagine", "slow", COMFYUI_URLS=slow.url)
    while not await runs(http, slow.url):
        await asyncio.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()

    assert (process.returncode, err.decode()) == (130, "cancelled\n")
    assert [run["outcome"] for run in await runs(http, slow.url)] == ["interrupted"]


async def test_a_running_bot_does_the_work_for_the_terminal(
    tmp_path: Path, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """They share the data directory, and the bot holds the server."""
    bot = bot_program(tmp_path, simulated.url)
    await bot.start()
    try:
        arguments = ("imagine", "a red fox", "-o", "fox.png", *SMALL)
        code, _, err = await run_command(tmp_path, *arguments, COMFYUI_URLS=simulated.url)
        assert (code, err) == (0, "fox.png\n")
        assert (await get(http, f"{bot.url}/api/v1/queue"))["running"] == 0
    finally:
        assert await bot.stop() == 0


async def test_a_guarded_server_is_reached_and_its_secrets_are_kept(
    tmp_path: Path, simulated: Program
) -> None:
    """A login, a token and a header, by the settings; nothing of them is printed, logged or stored."""
    wanted = {"Authorization": "Basic bWU6c2VjcmV0LTE=", "X-Key": "secret-2", "X-Own": "secret-3"}

    def guard(request: web.Request) -> web.Response | None:
        known = all(request.headers.get(name) == value for name, value in wanted.items())
        return None if known and request.query.get("token") == "secret-4" else web.Response(status=401)

    async with reverse_proxy(simulated.url, prefix="/comfy", guard=guard) as url:
        address = f"{url}?token=secret-4#X-Own=secret-3".replace("://", "://me:secret-1@")
        arguments = ("imagine", "a red fox", "-o", "fox.png", *SMALL)
        settings = {"COMFYUI_HEADERS": "X-Key: secret-2", "COMFYUI_TOKEN": "secret-5", "LOG_FORMAT": "json"}
        done = await run_command(tmp_path, *arguments, COMFYUI_URLS=address, **settings)
        checked = await run_command(tmp_path, "check", COMFYUI_URLS=address, **settings)
        shut_out = await run_command(tmp_path, *arguments, COMFYUI_URLS=address)
    assert done == (0, b"", "fox.png\n")
    assert (checked[0], shut_out[0]) == (0, 1)
    assert "asks for a login" in shut_out[2]
    shown = f"{done}{checked}{shut_out}".encode()
    kept = [path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert kept
    assert not any(b"secret-" in text or b"c2VjcmV0" in text for text in (shown, *kept))


async def test_check_says_what_is_wrong_in_a_line_each(tmp_path: Path, settings: dict[str, str]) -> None:
    """And exits with 1 if anything is."""
    good = await run_command(tmp_path, "check", **settings)
    url = settings["COMFYUI_URLS"]
    name = url.removeprefix("http://")
    lines = [
        f"{url} is ComfyUI 0.33.0: cuda:0 Simulated (no GPU) (23.6 of 24.0 GB VRAM free), uploads up to 100 MB, "
        "previews that name their job, job list, cancelling many at once.",
        f"Workflow img2img runs at {name}.",
        f"Workflow sdxl runs at {name}.",
        f"Workflow sdxl-inpaint runs at {name}.",
        "Everything is in order.",
    ]
    code, out, err = good
    said = out.decode().splitlines()
    lacking = [line for line in said if f" does not run at {name} yet: " in line]
    assert (code, [line for line in said if line not in lacking], err) == (0, lines, "")
    assert lacking[0] == (
        f"Workflow ace-step does not run at {name} yet: ComfyUI has no ckpt_name "
        '"ace_step_1.5_turbo_aio.safetensors", which node 1 (CheckpointLoaderSimple) needs. Download '
        "https://huggingface.co/Comfy-Org/ace_step_1.5_ComfyUI_files/resolve/main/checkpoints/"
        "ace_step_1.5_turbo_aio.safetensors (9.34 GB) into models/checkpoints."
    )
    address = f"127.0.0.1:{free_port()}"
    bad = await run_command(tmp_path, "check", COMFYUI_URLS=f"http://me:secret@{address}")
    assert bad == (
        1,
        (
            f"problem: ComfyUI at {address} can't be reached. Check that it runs. "
            f"(http://{address} in COMFYUI_URLS)\n"
        ).encode(),
        "",
    )


async def test_a_server_that_is_too_old_says_so(tmp_path: Path) -> None:
    """To the owner, and to whoever asks for a picture."""
    program = simulator_program(tmp_path, "--version", "0.3.10")
    await program.start()
    name = program.url.removeprefix("http://")
    sentence = f"ComfyUI 0.3.10 at {name} is too old for Muralist. Update it to 0.3.64 or newer."
    try:
        checked = await run_command(tmp_path, "check", COMFYUI_URLS=program.url)
        asked = await run_command(tmp_path, "imagine", "x", COMFYUI_URLS=program.url)
    finally:
        await program.stop()
    assert checked == (1, f"problem: {sentence} ({program.url} in COMFYUI_URLS)\n".encode(), "")
    assert asked == (1, b"", f"error: {sentence}\n")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"COMFYUI_URLS": "8188"}, "COMFYUI_URLS: "),
        ({"COMFYUI_URLS": "http://x#Upgrade=no"}, "COMFYUI_URLS: "),
        ({"COMFYUI_HEADERS": "secret"}, "COMFYUI_HEADERS: Value error, write each header as Name: value, "),
        ({"COMFYUI_CA_FILE": "nowhere.pem"}, "COMFYUI_CA_FILE: Path does not point to a file."),
        (
            {"COMFYUI_URLS": "https://gpu.test", "COMFYUI_PROXY": "socks5://secret@p:1"},
            "The proxy (COMFYUI_PROXY, HTTP_PROXY or HTTPS_PROXY) is none that works here. ",
        ),
        ({"WEB_HOST": "0.0.0.0"}, "WEB_HOST is 0.0.0.0, which others can reach, but there is no WEB_TOKEN. "),
        ({"WEB_TOKEN": "short"}, "WEB_TOKEN: "),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL is not one that Muralist understands. "),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT: "),
    ],
)
async def test_wrong_settings_are_named(tmp_path: Path, settings: dict[str, str], sentence: str) -> None:
    """In one sentence, with exit code 2."""
    code, out, err = await run_command(tmp_path, "run", **settings)
    assert (code, out) == (2, b"")
    assert err.startswith(f"error: {sentence}")
    assert err.count("\n") == 1
    assert "secret" not in err


@pytest.mark.parametrize(
    "command",
    ["setup", "run", "demo", "imagine", "check", "simulate", "workflow", "workflow show", "db", "db upgrade"],
)
async def test_every_command_explains_itself(tmp_path: Path, command: str) -> None:
    """`--help` says in a sentence what it does."""
    code, out, _ = await run_command(tmp_path, *command.split(), "--help")
    assert code == 0
    assert f"Usage: muralist {command}" in out.decode()
    whole = (await run_command(tmp_path, "--help"))[1].decode()
    assert command.split()[0] in whole


def _queued(folder: Path) -> int:
    if not (folder / "data" / "muralist.db").exists():
        return 0
    with sqlite3.connect(folder / "data" / "muralist.db") as database:
        count: int = database.execute("SELECT count(*) FROM job").fetchone()[0]
    database.close()
    return count


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on Unix")
