"""The steps of setting up: each can be skipped, and what it found is kept at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import get_key

from bot.app import read_workflows
from bot.cli.guides import PLATFORMS, guides
from bot.cli.imagine import make
from bot.cli.setup.autostart import install, plan
from bot.cli.setup.envfile import env_file, write_env
from bot.cli.setup.servers import Server, find, look_at
from bot.cli.setup.talk import Talk
from bot.contract.ports import Examined, Guide, Level
from bot.contract.values import Actor
from bot.errors import ConfigError, MuralistError
from bot.settings import Settings
from bot.workflow.model import Role

TRIES = 3
MEET_SECONDS = 120.0
PROMPT = "a red fox in snow"


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What stood on the command line; for the rest there are questions."""

    comfyui: tuple[str, ...]
    tokens: Mapping[str, str | None]
    admins: tuple[str, ...]
    picture: bool
    service: bool | None


class Setup:
    """One run through all steps."""

    def __init__(self, settings: Settings, given: Given, talk: Talk) -> None:
        self._settings = settings
        self._given = given
        self._talk = talk
        self._file = env_file()
        self._fine = True

    async def run(self) -> bool:
        """Go through the steps. Whether everything that was given works."""
        servers = await self._comfyui()
        if self._given.picture and any(server.can_imagine for server in servers):
            await self._picture([server.url for server in servers])
        for guide in guides():
            await self._platform(guide)
        self._admins(*self._given.admins)
        await self._autostart()
        self._talk.head("Ready")
        self._talk.say(f"The settings are in {self._file}. `muralist check` says later what is wrong.")
        self._talk.say("`muralist run` starts the bot and the page.")
        return self._fine

    async def _comfyui(self) -> list[Server]:
        """Find the servers, show what they can do, keep those that are wanted."""
        self._talk.head("ComfyUI")
        urls = list(self._given.comfyui) or await find(self._settings.comfyui_urls)
        if not urls:
            self._talk.tell(Level.NOTE, "No ComfyUI answers on this machine (ports 8188 and 8000-8010).")
            written = await self._talk.ask("Its address, such as http://192.168.1.20:8188 (Enter to skip)")
            urls = written.replace(",", " ").split()
        drafts = read_workflows(self._settings)
        servers = [await look_at(url, drafts, self._settings.access) for url in urls]
        for server in servers:
            for level, text in server.told:
                self._tell(level, text)
        wanted = await self._choose(servers)
        if wanted:
            self._write({"COMFYUI_URLS": ",".join(server.url for server in wanted)})
        return [server for server in wanted if server.up]

    async def _choose(self, servers: list[Server]) -> list[Server]:
        if len(servers) < 2 or self._given.comfyui:
            return servers
        names = ", ".join(f"{number} {server.name}" for number, server in enumerate(servers, 1))
        while True:
            answer = await self._talk.ask(f"Use which? {names}; numbers, or all", "all")
            if answer == "all":
                return servers
            numbers = answer.replace(",", " ").split()
            if numbers and all(each.isdecimal() and 1 <= int(each) <= len(servers) for each in numbers):
                return [servers[int(each) - 1] for each in numbers]
            self._talk.tell(Level.PROBLEM, f"Write numbers from 1 to {len(servers)}, or all.")

    async def _picture(self, urls: list[str]) -> None:
        """A real one, before any token is asked for."""
        self._talk.head("A first picture")
        settings = self._settings.model_copy(update={"comfyui_urls": tuple(urls)})
        name = Role.IMAGINE
        target = settings.data_dir / "first-picture.png"
        self._talk.say(f"/{name} {PROMPT}")
        try:
            failed = await make(settings, name, {"prompt": PROMPT}, [], target)
        except MuralistError as error:
            self._tell(Level.PROBLEM, str(error))
            return
        if not failed:
            self._talk.tell(Level.FINE, f"ComfyUI works: {target}")
        self._fine = self._fine and not failed

    async def _platform(self, guide: Guide) -> None:
        """Take a token, try it, and say how people reach the bot."""
        self._talk.head(guide.title)
        given = self._given.tokens.get(guide.name) or guide.token()
        for _ in range(TRIES):
            question = f"{guide.title} bot's token ({guide.advice}; Enter to skip)"
            token = given or await self._talk.ask(question, secret=True)
            if not token:
                self._talk.say(f"Skipped. `muralist setup` asks again; or set {guide.setting}.")
                return
            examined = await guide.examine(token)
            if self._told(examined):
                self._write({guide.setting: token})
                await self._owner(guide, token, examined)
                return
            if given and self._talk.silent:
                return
            given = None

    def _told(self, examined: Examined) -> bool:
        """Tell what was found out. Whether the token is known to the platform, be its set-up right or not."""
        for finding in examined.findings:
            self._tell(finding.level, finding.text)
        known = examined.findings[0].level is not Level.PROBLEM
        if known and examined.link:
            self._talk.say(f"People reach it by {examined.link}")
        return known

    async def _owner(self, guide: Guide, token: str, examined: Examined) -> None:
        """Make whoever sets it up its admin, by their id there."""
        if any(admin.startswith(f"{guide.name}:") for admin in (*self._known_admins(), *self._given.admins)):
            return
        owner = examined.owner
        if owner is not None and await self._talk.agree(
            f"Are you {owner.name} there, and its admin?", offered=True
        ):
            self._admin(owner)
        elif owner is None and not self._talk.silent:
            word = str(secrets.randbelow(9000) + 1000)
            self._talk.say(
                f"To be its admin write {word} to {examined.link} now (two minutes; Ctrl-C to skip)."
            )
            met = await guide.meet(token, word, MEET_SECONDS)
            if met is None:
                self._talk.tell(
                    Level.NOTE, f"Nobody wrote. ADMINS={guide.name}:YOUR-ID makes you admin later."
                )
            else:
                self._admin(met)

    def _admin(self, who: Actor) -> None:
        self._admins(f"{who.platform}:{who.external_id}")
        self._talk.tell(Level.FINE, f"{who.name} ({who.external_id}) is its admin.")

    def _admins(self, *more: str) -> None:
        for admin in more:
            if admin.partition(":")[0] not in (*PLATFORMS, "web") or not admin.partition(":")[2]:
                raise ConfigError(f'--admin takes PLATFORM:ID, such as discord:1234, not "{admin}".')
        if more:
            self._write({"ADMINS": ",".join(dict.fromkeys((*self._known_admins(), *more)))})

    def _known_admins(self) -> tuple[str, ...]:
        known = get_key(self._file, "ADMINS") if self._file.is_file() else None
        return tuple(admin.strip() for admin in (known or "").split(",") if admin.strip())

    async def _autostart(self) -> None:
        wanted = self._given.service
        if wanted is None:
            self._talk.head("With this machine")
            wanted = await self._talk.agree("Start Muralist whenever this machine starts?", offered=False)
        if not wanted:
            return
        planned = plan(self._file.parent, Path.home())
        try:
            install(planned)
        except (ConfigError, OSError) as error:
            self._tell(Level.PROBLEM, str(error))
        else:
            self._talk.tell(Level.FINE, f"It is started now and with this machine. To undo: {planned.undo}")

    def _tell(self, level: str, text: str) -> None:
        self._fine = self._fine and level != Level.PROBLEM
        self._talk.tell(level, text)

    def _write(self, values: Mapping[str, str]) -> None:
        write_env(self._file, values)
