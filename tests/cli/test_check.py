"""`muralist check`, of the platforms."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

from bot.contract.overview import Change
from bot.contract.values import Actor
from bot.media.spool import Spool
from bot.store.store import open_store
from tests.cli.doubles import DISCORD_TOKEN, TELEGRAM_TOKEN, Discord, Telegram, serving
from tests.contracts.owners_run import GRAPH
from tests.postgres import running
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


async def test_the_database_that_is_shared_and_the_servers_that_only_it_knows(
    tmp_path: Path, simulated: Program
) -> None:
    """A server that an admin added is looked at too; another folder and a database that is away are told at once."""
    here = {"COMFYUI_URLS": simulated.url}
    nowhere = f"127.0.0.1:{free_port()}"
    with running() as postgres:
        url = await asyncio.to_thread(postgres.create, "check")
        async with open_store(url) as store:
            await store.memory.once("core", "spool", {"mark": "fox"})
            await Spool(tmp_path / "data" / "spool").claim("fox", new=True)
            ann = Actor(platform="web", external_id="ann", name="Ann")
            change = Change(at=1.0, by=ann, what="backend add", whom=nowhere)
            await store.switches.add(f"backend:http://{nowhere}", f"http://{nowhere}", change)
        down = (
            f"problem: ComfyUI at {nowhere} can't be reached. Check that it runs. "
            f"(http://{nowhere} added by an admin)"
        )
        code, out, err = await run_command(tmp_path, "check", DATABASE_URL=url, **here)
        assert (code, err, _problems(out)) == (1, "", [down])
        other = tmp_path / "other"
        other.mkdir()
        _, out, _ = await run_command(other, "check", DATABASE_URL=url, **here)
        assert _problems(out) == [
            f"problem: DATA_DIR: the pictures of this database lie in another folder than {other / 'data'}. All "
            "processes that share a database need the same folder. If it was lost, write fox into the file "
            f"{other / 'data' / 'spool' / 'mark'} to begin with an empty one.",
            down,
        ]
        await asyncio.to_thread(postgres.kill)
        _, out, _ = await run_command(tmp_path, "check", DATABASE_URL=url, **here)
        assert _problems(out) == [
            "problem: The database of DATABASE_URL can't be used (ConnectionRefusedError). Check that its server runs, "
            "and the address, name and password."
        ]


async def test_tables_of_another_muralist(tmp_path: Path, simulated: Program) -> None:
    """Older ones are left as they are until the next start; newer ones are nothing to be touched."""
    here = {"COMFYUI_URLS": simulated.url}
    assert (await run_command(tmp_path, "db", "upgrade", **here))[0] == 0
    _be(tmp_path, "0007")
    code, out, _ = await run_command(tmp_path, "check", **here)
    assert (code, out.decode().splitlines()[0]) == (
        0,
        "note: The database has the tables of an older Muralist. Stop all that use it, then `muralist db upgrade`; the "
        "next start does that, too.",
    )
    _be(tmp_path, "9999")
    newer = (
        "The database was last used by a newer Muralist, and this one does not know its tables. Install that version, "
        "or go back to a copy of the database."
    )
    code, out, _ = await run_command(tmp_path, "check", **here)
    assert (code, _problems(out)) == (1, [f"problem: {newer}"])
    code, _, err = await run_command(tmp_path, "run", **here)
    assert (code, err.splitlines()[-1]) == (2, f"error: {newer}")


def _problems(out: bytes) -> list[str]:
    return [line for line in out.decode().splitlines() if line.startswith("problem: ")]


def _be(folder: Path, revision: str) -> None:
    """Have the database say that its tables are of this revision."""
    with sqlite3.connect(folder / "data" / "muralist.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
    connection.close()


async def test_which_workflow_is_served_and_what_it_reaches(tmp_path: Path, simulated: Program) -> None:
    """A version stands before the file of its name; the owner's own files are told of, and not refused."""
    own = tmp_path / "data" / "workflows" / "oak"
    own.mkdir(parents=True)
    reaching = {"class_type": "VHS_LoadVideoPath", "inputs": {"video": "/films/a.mp4"}}
    (own / "graph.json").write_text(json.dumps({**GRAPH, "10": reaching}))

    async def muralist(*arguments: str, **more: str) -> list[str]:
        _, out, err = await run_command(tmp_path, *arguments, COMFYUI_URLS=simulated.url, **more)
        assert err == ""
        return out.decode().splitlines()

    lines = await muralist("check", ALLOW_NODES="ImageLoader")
    assert [line for line in lines if line.startswith(("note:", "ALLOW_NODES", "Workflow oak"))] == [
        "ALLOW_NODES lets workflows that are added from a chat have: ImageLoader.",
        "note: workflow oak, a file of yours: the node (VHS_LoadVideoPath) reaches files by their path on the server, "
        "so whoever may use it can, too. Added from a chat it would be refused without ALLOW_NODES=VHS_LoadVideoPath.",
    ]
    assert (await muralist("workflow", "show", "sdxl"))[1] == "  It is bundled."
    assert (await muralist("workflow", "edit", "sdxl", "--rename", "negative=without"))[-1] == (
        "sdxl: It is version 1, which stands before the bundled one."
    )
    assert "Workflow sdxl: It is version 1, which stands before the bundled one." in await muralist("check")
    shown = await muralist("workflow", "show", "sdxl")
    assert shown[1] == "  It is version 1, which stands before the bundled one."
    assert any(line.split()[0] == "without" for line in shown)
    assert await muralist("workflow", "rollback", "sdxl") == ["sdxl is the file"]
    assert (await muralist("workflow", "show", "sdxl"))[1] == "  It is bundled."
