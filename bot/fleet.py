"""The ComfyUI servers that are worked with: those of the settings, and those that admins added."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from bot.comfy.address import parse_address
from bot.comfy.backend import ComfyBackend
from bot.feed import Feed, Topic
from bot.service.servers import Servers
from bot.settings import Settings
from bot.store.store import Store
from bot.store.switches import SwitchStore
from bot.tasks import end
from bot.worker.worker import Worker

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
"""How often it is looked whether an admin added or removed one, of which nothing was heard."""

LEAVE_SECONDS = 30.0
"""How long what a removed server has in hand may take to go back."""

Work = Callable[[ComfyBackend], Worker]


@dataclass(kw_only=True, slots=True)
class Member:
    """A server, what goes on with it (its upkeep first), and who works for it here."""

    backend: ComfyBackend
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    worker: Worker | None = None


class Fleet:
    """Keeps in touch with every server while the block lasts, and, while `run` does, with whichever there are then."""

    def __init__(self, settings: Settings, store: Store, feed: Feed) -> None:
        self.servers = Servers((), settings.purse)
        self._settings = settings
        self._store = store
        self._feed = feed
        self._members: dict[str, Member] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        urls = await known_urls(self._settings, self._store.switches)
        for backend in await asyncio.gather(
            *(open_backend(url, self._settings, self._store) for url in urls)
        ):
            await self._join(backend)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(end(task) for task in self._leaving))
        await asyncio.gather(*(_close(member) for member in self._members.values()))

    @property
    def workers(self) -> list[Worker]:
        """Those that work here now."""
        return [member.worker for member in self._members.values() if member.worker is not None]

    def of_settings(self, url: str) -> bool:
        """Whether the settings name this server."""
        return url in {parse_address(each).url for each in self._settings.comfyui_urls}

    async def trouble(self, url: str) -> str | None:
        """What keeps a server from being worked with, tried out now; None if nothing does."""
        backend = await open_backend(url, self._settings, None)
        async with backend:
            return None if await backend.probe() else backend.trouble

    async def run(self, work: Work | None) -> None:
        """Let members come and go until cancelled. With `work` each gets a worker."""
        try:
            with self._feed.ear(Topic.STEERED) as ear:
                while True:
                    try:
                        await self._follow(work)
                    except Exception:  # a worker's loop: it logs and goes on
                        log.exception("the servers can't be looked after")
                    await ear.news(LOOK_SECONDS)
        finally:
            workers = [member.tasks[1:] for member in self._members.values()]
            await asyncio.gather(*(end(task) for tasks in workers for task in tasks))

    async def _follow(self, work: Work | None) -> None:
        wanted = {
            parse_address(url).url: url for url in await known_urls(self._settings, self._store.switches)
        }
        for key in self._members.keys() - wanted.keys():
            leaving = asyncio.create_task(self._leave(self._members.pop(key)))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        for key, url in wanted.items():
            if key not in self._members:
                await self._join(await open_backend(url, self._settings, self._store))
        for member in self._members.values():
            if work is not None and member.worker is None:
                member.worker = work(member.backend)
                member.tasks.append(asyncio.create_task(member.worker.run()))

    async def _join(self, backend: ComfyBackend) -> None:
        await backend.__aenter__()
        self._members[backend.url] = Member(backend=backend, tasks=[asyncio.create_task(backend.keep())])
        self._tell()

    async def _leave(self, member: Member) -> None:
        """Once what it has in hand went back, or could not for too long: whoever comes next takes that up."""
        log.info("a server is worked with no longer", backend=member.backend.name)
        self._tell()
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                if member.worker is not None:
                    await member.worker.idle()
        except TimeoutError:
            log.warning("a removed server had jobs in hand to the end", backend=member.backend.name)
        finally:
            await _close(member)

    def _tell(self) -> None:
        self.servers.backends = tuple(member.backend for member in self._members.values())


async def known_urls(settings: Settings, switches: SwitchStore) -> list[str]:
    """The addresses of all servers: those of the settings, and those that admins added."""
    urls = {parse_address(url).url: url for url in settings.comfyui_urls}
    for url in await switches.added():
        urls.setdefault(parse_address(url).url, url)
    return list(urls.values())


async def open_backend(url: str, settings: Settings, store: Store | None) -> ComfyBackend:
    """A backend that its server knows again after a restart, and the other way round, if there is a store.

    Credentials of the address are not stored. Raises `ConfigError`.
    """
    known_as = parse_address(url).url
    if store is None:
        return ComfyBackend(url, access=settings.access, client_id="muralist-tries")
    return ComfyBackend(
        url,
        access=settings.access,
        api_key=settings.api_key,
        client_id=await store.backends.client_id(known_as),
        on_new_client_id=partial(store.backends.remember, known_as),
        object_info=await store.offers.of(known_as),
        on_object_info=partial(store.offers.remember, known_as),
    )


async def _close(member: Member) -> None:
    await asyncio.gather(*(end(task) for task in reversed(member.tasks)))
    await member.backend.__aexit__(None, None, None)
