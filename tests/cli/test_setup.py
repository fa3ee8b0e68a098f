"""`muralist setup`, as a newcomer meets it."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from aiohttp import web
from dotenv import dotenv_values
from PIL import Image

from bot.comfy.discover import find_local
from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.cli.doubles import DISCORD_TOKEN, TELEGRAM_TOKEN, Discord, Telegram, serving
from tests.cli.pseudo_terminal import at_terminal
from tests.processes import Program, free_port, run_command
from tests.reverse import reverse_proxy

QUIET = ("--yes", "--no-picture", "--no-service")

OWN = {"COMFYUI_URLS"}
"""Written by itself where this machine has a ComfyUI."""


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """A home of its own; the places of the platforms are nowhere."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    return {
        "HOME": str(tmp_path / "home"),
        "DISCORD_API_BASE": f"{nowhere}/api",
        "TELEGRAM_API_BASE": nowhere,
    }


def written(tmp_path: Path) -> dict[str, str | None]:
    """The settings that were written."""
    return dict(dotenv_values(tmp_path / "home" / ".config" / "muralist" / ".env"))


async def test_three_answers_from_nothing_to_a_picture_and_two_platforms(
    tmp_path: Path, settings: dict[str, str], simulated: Program
) -> None:
    """The server was named; then a picture; two tokens; and no service."""
    async with serving(Discord()) as discord, serving(telegram := Telegram()) as bot_api:
        places = {**settings, "DISCORD_API_BASE": f"{discord}/api", "TELEGRAM_API_BASE": bot_api}
        async with at_terminal(tmp_path, "setup", "--comfyui", simulated.url, **places) as terminal:
            await terminal.until("ok: ComfyUI 0.33.0 at")
            await terminal.until("ok: It computes on cuda:0 Simulated (no GPU) (23.6 of 24.0 GB VRAM free).")
            await terminal.until("ok: Found there: SDXL, SD 1.5.")
            await terminal.until("ok: It can do /imagine (sdxl), /edit (img2img)")
            await terminal.until("ok: ComfyUI works:")
            await terminal.until("Discord bot's token")
            await terminal.until("Enter to skip): ")
            terminal.type(DISCORD_TOKEN)
            await terminal.until("ok: The token is that of foxbot.")
            await terminal.until(
                "https://discord.com/oauth2/authorize?client_id=4711&scope=bot+applications.commands"
            )
            await terminal.until("Are you ann there, and its admin? [Y/n]:")
            terminal.type()
            await terminal.until("ok: ann (42) is its admin.")
            await terminal.until("Telegram bot's token")
            await terminal.until("Enter to skip): ")
            terminal.type(TELEGRAM_TOKEN)
            asked = await terminal.until("to https://t.me/fox_bot now")
            telegram.write(f"hello {re.findall(r'write ([0-9]{4}) ', asked)[0]}")
            await terminal.until("ok: Ann (1234) is its admin.")
            await terminal.until("Start Muralist whenever this machine starts? [y/N]:")
            terminal.type()
            assert await terminal.exit_code() == 0
            assert "secret" not in terminal.screen

    assert written(tmp_path) == {
        "COMFYUI_URLS": simulated.url,
        "DISCORD_TOKEN": DISCORD_TOKEN,
        "TELEGRAM_TOKEN": TELEGRAM_TOKEN,
        "ADMINS": "discord:42,telegram:1234",
    }
    file = tmp_path / "home" / ".config" / "muralist" / ".env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with Image.open(tmp_path / "data" / "first-picture.png") as picture:
        assert picture.size == (1024, 1024)


async def test_every_step_can_be_skipped(tmp_path: Path, settings: dict[str, str]) -> None:
    """With Enter alone; nothing is written then, and it is said how to go on."""
    if await find_local():
        pytest.skip("A ComfyUI runs on this machine.")
    async with at_terminal(tmp_path, "setup", **settings) as terminal:
        await terminal.until("No ComfyUI answers on this machine")
        await terminal.until("(Enter to skip)")
        terminal.type()
        await terminal.until("Discord bot's token")
        await terminal.until("Enter to skip): ")
        terminal.type()
        await terminal.until("Skipped. `muralist setup` asks again; or set DISCORD_TOKEN.")
        await terminal.until("Telegram bot's token")
        await terminal.until("Enter to skip): ")
        terminal.type()
        await terminal.until("[y/N]:")
        terminal.type()
        await terminal.until("`muralist run` starts the bot and the page.")
        assert await terminal.exit_code() == 0
    assert not written(tmp_path).keys() - OWN


async def test_a_second_run_keeps_what_the_first_one_wrote(
    tmp_path: Path, settings: dict[str, str], simulated: Program
) -> None:
    """Other lines of the file stay as they are, comments included."""
    (tmp_path / ".env").write_text("# mine\nLOG_FORMAT=json\nDISCORD_TOKEN=old\nADMINS=web:me\n")
    async with serving(Discord()) as discord:
        places = {**settings, "DISCORD_API_BASE": f"{discord}/api"}
        given = ("--comfyui", simulated.url, "--discord-token", DISCORD_TOKEN, "--admin", "telegram:5")
        code, out, err = await run_command(tmp_path, "setup", *QUIET, *given, **places)
    assert (code, err) == (0, ""), out
    assert (tmp_path / ".env").read_text() == (
        f"# mine\nLOG_FORMAT=json\nDISCORD_TOKEN='{DISCORD_TOKEN}'\nADMINS='web:me,discord:42,telegram:5'\n"
        f"COMFYUI_URLS='{simulated.url}'\n"
    )


async def test_a_guarded_server_is_looked_at_with_its_token(
    tmp_path: Path, settings: dict[str, str], simulated: Program
) -> None:
    """As `muralist run` will reach it."""

    def guard(request: web.Request) -> web.Response | None:
        known = request.headers.get("Authorization") == "Bearer secret-1"
        return None if known else web.Response(status=401)

    async with reverse_proxy(simulated.url, guard=guard) as url:
        given = ("setup", *QUIET, "--comfyui", url)
        shut_out = await run_command(tmp_path, *given, **settings)
        let_in = await run_command(tmp_path, *given, COMFYUI_TOKEN="secret-1", **settings)
    assert (shut_out[0], b"asks for a login" in shut_out[1]) == (1, True)
    assert (let_in[0], b"ok: It can do /imagine (sdxl)" in let_in[1]) == (0, True)


@pytest.mark.parametrize(
    ("double", "told"),
    [
        (
            Discord(broken=503),
            "problem: Discord answers 503. Try again in a few minutes.",
        ),
        (
            Discord(application={"id": "4711", "flags": 0, "owner": {"id": "42", "username": "ann"}}),
            "note: It may not read messages, so a reply in plain words must mention the bot. To allow it: "
            "https://discord.com/developers/applications > Bot > Message Content Intent.",
        ),
        (
            Discord(application={"id": "4711", "interactions_endpoint_url": "https://other.example/secret"}),
            "problem: Its commands are sent to another program (an Interactions Endpoint URL is set). "
            "Empty that field at https://discord.com/developers/applications > General Information.",
        ),
        (
            Discord(application={"id": "4711", "bot_require_code_grant": True}),
            "problem: Its invitations need a code grant, which nobody here answers. "
            "Turn that off at https://discord.com/developers/applications > Bot.",
        ),
        (
            Discord(without_commands={"7"}),
            'problem: In the server "Fox den" the bot may make no commands: it was invited without the scope '
            "applications.commands. Open the invitation again for that server.",
        ),
        (
            Discord(servers=[]),
            "note: The bot is in no server yet. Open the invitation and choose one; it works in direct messages too.",
        ),
    ],
)
async def test_what_is_wrong_on_discord_is_named_with_its_cure(
    tmp_path: Path, settings: dict[str, str], double: Discord, told: str
) -> None:
    """And the exit code says whether it can work."""
    async with serving(double) as discord:
        places = {**settings, "DISCORD_API_BASE": f"{discord}/api"}
        code, out, _ = await run_command(
            tmp_path, "setup", *QUIET, "--discord-token", DISCORD_TOKEN, **places
        )
    text = out.decode()
    assert f"  {told}\n" in text
    assert code == (1 if told.startswith("problem") else 0)
    assert "other.example" not in text


@pytest.mark.parametrize(
    ("double", "told"),
    [
        (
            Telegram(me={"id": 9, "username": "fox_bot", "can_join_groups": False}),
            "note: It may not join groups. To allow it: @BotFather, /setjoingroups.",
        ),
        (
            Telegram(me={"id": 9, "username": "fox_bot", "can_join_groups": True}),
            "note: Group privacy is on: in groups it sees commands and replies to its own messages, which is enough to "
            "work. To let it see replies to other people's pictures: @BotFather, /setprivacy, Disable.",
        ),
        (
            Telegram(webhook="https://other.example/secret-path"),
            "note: Its messages go to a webhook at other.example. Muralist takes them over when it starts.",
        ),
    ],
)
async def test_what_is_notable_on_telegram_is_named(
    tmp_path: Path, settings: dict[str, str], double: Telegram, told: str
) -> None:
    """None of it keeps the bot from working; secrets of others are not repeated."""
    async with serving(double) as bot_api:
        places = {**settings, "TELEGRAM_API_BASE": bot_api}
        code, out, _ = await run_command(
            tmp_path, "setup", *QUIET, "--telegram-token", TELEGRAM_TOKEN, **places
        )
    text = out.decode()
    assert f"  {told}\n" in text
    assert (code, "secret-path" in text) == (0, False)


@pytest.mark.parametrize(
    ("option", "token", "told"),
    [
        (
            "--discord-token",
            "MTIz.abc.other",
            "Discord does not know that token. Make a new one at https://discord.com/developers/applications "
            "> Bot > Reset Token.",
        ),
        (
            "--discord-token",
            "my tok\u00e9n",
            "That is no token: it has characters that none has. Copy it again from "
            "https://discord.com/developers/applications.",
        ),
        (
            "--telegram-token",
            "123456:other-secret-ABCDEF-xyz",
            "Telegram does not know that token. @BotFather shows the right one: /mybots > API Token.",
        ),
        (
            "--telegram-token",
            "fox_bot",
            "That is no token: one looks like 123456:ABC-DEF. @BotFather shows it: /mybots > API Token.",
        ),
    ],
)
async def test_a_wrong_token_is_not_written(
    tmp_path: Path, settings: dict[str, str], option: str, token: str, told: str
) -> None:
    """What to do is said instead."""
    async with serving(Discord()) as discord, serving(Telegram()) as bot_api:
        places = {**settings, "DISCORD_API_BASE": f"{discord}/api", "TELEGRAM_API_BASE": bot_api}
        code, out, err = await run_command(tmp_path, "setup", *QUIET, option, token, **places)
    assert (code, err) == (1, "")
    assert f"  problem: {told}\n" in out.decode()
    assert not written(tmp_path).keys() - OWN


async def test_platforms_that_do_not_answer(tmp_path: Path, settings: dict[str, str]) -> None:
    """Nothing is written that could not be tried."""
    tokens = ("--discord-token", DISCORD_TOKEN, "--telegram-token", TELEGRAM_TOKEN)
    code, out, _ = await run_command(tmp_path, "setup", *QUIET, *tokens, **settings)
    assert code == 1
    for title in ("Discord", "Telegram"):
        assert (
            f"problem: {title} does not answer. Check this machine's connection, then try again."
            in out.decode()
        )
    assert not written(tmp_path).keys() - OWN


async def test_a_second_receiver_on_telegram(tmp_path: Path, settings: dict[str, str]) -> None:
    """Two programs can't receive for one bot."""
    async with serving(Telegram(taken=True)) as bot_api:
        places = {**settings, "TELEGRAM_API_BASE": bot_api}
        async with at_terminal(
            tmp_path, "setup", "--telegram-token", TELEGRAM_TOKEN, "--comfyui", "127.0.0.1:1", **places
        ) as terminal:
            await terminal.until("Discord bot's token")
            await terminal.until("Enter to skip): ")
            terminal.type()
            await terminal.until(
                "error: Another program receives for this Telegram bot. Stop it, then try again."
            )
            assert await terminal.exit_code() == 2


async def test_several_servers_are_told_apart(tmp_path: Path, settings: dict[str, str]) -> None:
    """One without models says what to do about it; of several one can choose."""
    empty = SimulatorSettings(port=0, checkpoints=())
    async with Simulator(SimulatorSettings(port=0)) as full, Simulator(empty) as bare:
        known = {**settings, "COMFYUI_URLS": f"{full.url.replace('127.0.0.1', '127.0.0.2')},{bare.url}"}
        code, out, _ = await run_command(tmp_path, "setup", *QUIET, "--comfyui", bare.url, **known)
    text = out.decode()
    assert code == 0
    assert (
        "note: /imagine can't run there yet: ComfyUI has no Z-Image model yet. Put one into its models folder"
        in text
    )
    assert written(tmp_path) == {"COMFYUI_URLS": bare.url}


async def test_a_wrong_admin_is_refused(tmp_path: Path, settings: dict[str, str]) -> None:
    """With the form that is meant."""
    code, _, err = await run_command(tmp_path, "setup", *QUIET, "--admin", "ann", **settings)
    assert (code, err) == (2, 'error: --admin takes PLATFORM:ID, such as discord:1234, not "ann".\n')
