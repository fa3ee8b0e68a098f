"""One bot that serves every platform at once, and a terminal beside it: one set of programs for many conversations."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bot.cli.imagine import make
from bot.contract.line import read_line
from bot.errors import UserError
from bot.settings import Settings
from tests.asking import ready
from tests.contracts.at_the_terminal import TerminalChat
from tests.contracts.chats import Chat, File, Shown
from tests.contracts.on_discord import DiscordChat
from tests.contracts.on_telegram import TelegramChat
from tests.contracts.on_the_web import WebChat, browsers_of
from tests.discord.double import Discord
from tests.discord.double import serving as serving_discord
from tests.discord.payloads import TOKEN
from tests.processes import Program, running, simulator_program
from tests.telegram.conftest import telegram_bot
from tests.telegram.double import Telegram
from tests.telegram.double import serving as serving_telegram

COPIES = {
    "film": {
        "1": {"class_type": "LoadVideo", "inputs": {"file": "a.mp4"}},
        "2": {
            "class_type": "SaveVideo",
            "inputs": {
                "video": ["1", 0],
                "filename_prefix": "film",
                "format": "auto",
                "format.codec": "auto",
            },
        },
    },
    "tune": {
        "1": {"class_type": "LoadAudio", "inputs": {"audio": "a.wav"}},
        "2": {"class_type": "SaveAudio", "inputs": {"audio": ["1", 0], "filename_prefix": "tune"}},
    },
    "lacking": {
        "1": {"class_type": "NodeOfNobody", "inputs": {"text": ""}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    },
}
"""What comes in goes out; and one that the server lacks a node for."""

TABLES = {
    "film": '[parameters.video]\ntype = "video"\nto = "1.file"\nrequired = true\n',
    "tune": '[parameters.sound]\ntype = "audio"\nto = "1.audio"\nrequired = true\n',
    "lacking": '[parameters]\nprompt = "1.text"\n',
}
COUNTED = ("request", "job", "input", "flow", "line", "message")


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """The programs, and a chat on each platform."""

    chats: dict[str, Chat]
    discord: Discord
    telegram: Telegram
    comfyui: Program
    bot: Program
    data: Path

    def stored(self) -> dict[str, int]:
        """How many rows there are of all that a request leaves."""
        with sqlite3.connect(self.data / "muralist.db") as connection:
            return {
                name: connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in COUNTED
            }


class HereTerminal(TerminalChat):
    """`muralist imagine` in this process: what it prints is told in other tests, of processes of their own."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        super().__init__(folder, "")
        self._settings = settings

    async def ask(
        self, line: str, *, by: str = "ann", to: Shown | None = None, files: Sequence[File] = ()
    ) -> Any:
        """The folder with what was written, or why nothing was."""
        del by, to
        read = read_line(line, ())
        given = []
        for file in files:
            path = self._folder / file.name
            path.write_bytes(file.data)
            given.append(("", path))
        target = self._folder / f"out-{next(self._numbers)}"
        target.mkdir()
        values = {"prompt": "", **read.values} if read.command not in ("film", "tune") else dict(read.values)
        try:
            failed = await make(self._settings, read.command, values, given, target, preview=False)
        except UserError as error:
            return error
        assert not failed
        return target

    async def card(self, asked: Any, button: str) -> Shown:
        """The files."""
        assert isinstance(asked, Path), asked
        made = tuple(path.read_bytes() for path in sorted(asked.iterdir()))
        return Shown(words="", pictures=made, buttons=(), handle=asked)

    async def told(self, asked: Any) -> str:
        """The sentence."""
        assert isinstance(asked, UserError), asked
        return str(asked)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[House]:
    """Everything, running."""
    data = folder / "data"
    for name, graph in COPIES.items():
        own = data / "workflows" / name
        own.mkdir(parents=True)
        (own / "graph.json").write_text(json.dumps(graph), encoding="utf-8")
        (own / "workflow.toml").write_text(TABLES[name], encoding="utf-8")
    discord, telegram = Discord(), Telegram()
    async with AsyncExitStack() as stack:
        comfyui = await stack.enter_async_context(
            running(simulator_program(folder, "--step-seconds", "0.02"))
        )
        await stack.enter_async_context(serving_discord(discord))
        await stack.enter_async_context(serving_telegram(telegram))
        program = telegram_bot(
            folder,
            comfyui.url,
            telegram,
            TELEGRAM_PUBLIC="true",
            DISCORD_TOKEN=TOKEN,
            DISCORD_API_BASE=discord.api,
        )
        await stack.enter_async_context(running(program))
        await discord.connected.wait()
        await telegram.updates.polled.wait()
        async with aiohttp.ClientSession() as http:
            await ready(http, program.url)
        settings = Settings(comfyui_urls=(comfyui.url,), data_dir=data)
        browsers = await stack.enter_async_context(browsers_of(program.url))
        yield House(
            chats={
                "discord": DiscordChat(discord, program),
                "telegram": TelegramChat(telegram, program),
                "web": WebChat(program, browsers),
                "terminal": HereTerminal(settings, folder),
            },
            discord=discord,
            telegram=telegram,
            comfyui=comfyui,
            bot=program,
            data=data,
        )
    assert telegram.violations == []
