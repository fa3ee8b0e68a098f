"""`muralist check`, of the platforms."""

from __future__ import annotations

from pathlib import Path

from tests.cli.doubles import DISCORD_TOKEN, TELEGRAM_TOKEN, Discord, Telegram, serving
from tests.processes import Program, free_port, run_command


async def test_what_the_platforms_say_of_their_tokens(tmp_path: Path, simulated: Program) -> None:
    """A line each; what is only worth knowing leaves everything in order."""
    tokens = {"DISCORD_TOKEN": DISCORD_TOKEN, "TELEGRAM_TOKEN": TELEGRAM_TOKEN}
    in_no_server = Discord(servers=[])
    async with serving(in_no_server) as discord, serving(Telegram()) as bot_api:
        places = {"DISCORD_API_BASE": f"{discord}/api", "TELEGRAM_API_BASE": bot_api}
        code, out, err = await run_command(tmp_path, "check", COMFYUI_URLS=simulated.url, **tokens, **places)
    assert (code, err) == (0, "")
    lines = out.decode().splitlines()
    assert [line for line in lines if "Discord:" in line or "Telegram:" in line] == [
        "Discord: The token is that of foxbot.",
        "note: Discord: The bot is in no server yet. Open the invitation and choose one; it works in direct messages "
        "too.",
        "Telegram: The token is that of @fox_bot.",
    ]
    assert lines[-1] == "Everything is in order."


async def test_a_token_that_does_not_work_is_a_problem(tmp_path: Path, simulated: Program) -> None:
    """Each platform's is told, whatever is wrong with the others; the tokens are not."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    async with serving(Telegram()) as bot_api:
        places = {"DISCORD_API_BASE": f"{nowhere}/api", "TELEGRAM_API_BASE": bot_api}
        code, out, err = await run_command(
            tmp_path,
            "check",
            COMFYUI_URLS=nowhere,
            DISCORD_TOKEN=DISCORD_TOKEN,
            TELEGRAM_TOKEN="123456:other-secret-ABCDEF-xyz",
            **places,
        )
    name = nowhere.removeprefix("http://")
    assert (code, err) == (1, "")
    assert out.decode().splitlines() == [
        f"problem: ComfyUI at {name} can't be reached. Check that it runs. ({nowhere} in COMFYUI_URLS)",
        "problem: Discord: Discord does not answer. Check this machine's connection, then try again.",
        "problem: Telegram: Telegram does not know that token. @BotFather shows the right one: /mybots > API Token.",
    ]
