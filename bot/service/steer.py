"""What admins change while everything runs. Whoever calls has checked their right; the audit trail has each change."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.comfy.address import parse_address
from bot.comfy.backend import ComfyBackend
from bot.contract.overview import Change
from bot.contract.values import Actor, JobId
from bot.errors import ConfigError, InvalidValue, NotAllowed, Stale
from bot.feed import Feed
from bot.jobs.states import ENDS, State
from bot.scheduling.caps import Caps
from bot.scheduling.holds import EVERYWHERE, Reason, Switch, Turned, hold_of
from bot.service.servers import Servers
from bot.store.claims import Rules
from bot.store.steering import Owned, Person
from bot.store.store import Store
from bot.store.switches import with_limits
from bot.worker.elsewhere import lease_name

ID_SHOWN = 8
"""Letters of a job's id that are shown; any beginning that only one job has will do."""

CAPS: Mapping[str, str] = {
    "waiting-per-person": "waiting_person",
    "waiting-per-place": "waiting_place",
    "running-per-person": "running_person",
    "running-per-place": "running_place",
    "cooldown": "cooldown",
}
"""What people call each limit, and what `Caps` does."""

WEIGHT = "weight"
LEAST_WEIGHT, MOST_WEIGHT = 0.1, 10.0
DEFAULT = "default"


class Fleet(Protocol):
    """The servers that are worked with."""

    servers: Servers

    def of_settings(self, url: str) -> bool:
        """Whether the settings name this server."""

    async def trouble(self, url: str) -> str | None:
        """What keeps a server from being worked with, tried out now."""


class Steer:
    """Changes the queue, the servers and the limits. Each method says in a sentence what it did.

    Raises `InvalidValue`, `Stale` or `NotAllowed` for what can't be done.
    """

    def __init__(self, store: Store, feed: Feed, fleet: Fleet, rules: Rules) -> None:
        self._store = store
        self._feed = feed
        self._fleet = fleet
        self._rules = rules

    async def pause(self, by: Actor, server: str) -> str:
        """Have nothing begun that waits, anywhere or at one server."""
        key, name, said = self._all_or(server)
        on = Turned(since=time.time())
        if not await self._turn(_change(by, "pause", name), Switch.PAUSED, key, on):
            return f"{name} is paused already."
        return f"{name} is paused. What runs is finished, what waits keeps its place; /resume{said} goes on."

    async def resume(self, by: Actor, server: str) -> str:
        """Go on after `pause`."""
        key, name, _ = self._all_or(server)
        if not await self._turn(_change(by, "resume", name), Switch.PAUSED, key, None):
            return f"{name} is not paused."
        return f"{name} goes on."

    async def drain(self, by: Actor, server: str) -> str:
        """Have a server take no more jobs and finish what it runs; what waits there goes back."""
        backend = self._one(server)
        on = Turned(since=time.time())
        if not await self._turn(_change(by, "drain", backend.name), Switch.DRAINED, _key(backend), on):
            return f"{backend.name} is drained already."
        return (
            f"{backend.name} takes no more jobs. What it runs is finished, what waited there went back; "
            f"/restore {backend.name} has it work again."
        )

    async def restore(self, by: Actor, server: str) -> str:
        """Have a drained server work again."""
        backend = self._one(server)
        if not await self._turn(_change(by, "restore", backend.name), Switch.DRAINED, _key(backend), None):
            return f"{backend.name} is not drained."
        return f"{backend.name} works again."

    async def give_gpu(self, by: Actor, server: str, *, hand_over: bool) -> str:
        """Give GPUs back to their owner: finish or hand over what runs, free the memory, take nothing more."""
        backends = self._some(server)
        on = Turned(since=time.time(), hand_over=hand_over)
        for backend in backends:
            await self._turn(_change(by, "gpu back", backend.name), Switch.OWNERS, _key(backend), on)
            await self._turn(_change(by, "gpu back", backend.name), Switch.BOTS, _key(backend), None)
        running = "What ran goes back to the queue" if hand_over else "What runs is finished"
        return f"{_names(backends)}: yours. {running}, then the memory is freed; /gpu take takes it again."

    async def take_gpu(self, by: Actor, server: str) -> str:
        """Take GPUs again; against the hours until these end the next time."""
        backends, now = self._some(server), time.time()
        for backend in backends:
            key, change = _key(backend), _change(by, "gpu take", backend.name)
            await self._turn(change, Switch.OWNERS, key, None)
            hold = hold_of(await self._store.switches.read(), self._rules.plan, key, now)
            if hold is not None and hold.reason is Reason.HOURS:
                await self._turn(change, Switch.BOTS, key, Turned(since=now))
        return f"{_names(backends)}: the bot works there again."

    async def cancel_job(self, by: Actor, beginning: str) -> str:
        """End anybody's job."""
        owned = await self._job(beginning)
        change = _change(by, "cancel-job", whose(owned.job, owned.actor))
        if await self._store.steering.cancel(owned.job, change) in ENDS:
            raise Stale("That job is over.")
        self._feed.cancelled(owned.job)
        return f"{_of(owned)} is cancelled."

    async def front(self, by: Actor, beginning: str) -> str:
        """Have a job taken before all others."""
        owned = await self._job(beginning)
        change = _change(by, "front", whose(owned.job, owned.actor))
        if owned.state is not State.QUEUED or not await self._store.steering.front(owned.job, change):
            raise Stale("That job does not wait any more.")
        self._feed.changed(owned.job)
        return f"{_of(owned)} goes before all others."

    async def clear(self, by: Actor, words: str) -> str:
        """End all jobs of a person that wait."""
        person = await self._person(words)
        change = _change(by, "clear", _known_as(person.actor))
        ended = await self._store.steering.clear(person.account, change)
        for job in ended:
            self._feed.cancelled(job)
        jobs = "1 waiting job" if len(ended) == 1 else f"{len(ended)} waiting jobs"
        return (
            f"{jobs} of {person.actor.name} cancelled." if ended else f"{person.actor.name} has none waiting."
        )

    async def add_server(self, by: Actor, text: str) -> str:
        """Work with another server from now on, and after a restart."""
        url = _address(text)
        address = parse_address(url)
        if any(backend.url == address.url for backend in self._fleet.servers.backends):
            raise InvalidValue("url", f"{address.name} is there already.")
        trouble = await self._fleet.trouble(address.url)
        if trouble is not None:
            raise InvalidValue("url", f"{address.name} is not added. {trouble}")
        change = _change(by, "backend add", address.name)
        if not await self._store.switches.add(lease_name(address.url), address.url, change):
            raise InvalidValue("url", f"{address.name} is there already.")
        self._feed.steered()
        return f"{address.name} is added. It gets jobs in a moment, and after a restart too."

    async def remove_server(self, by: Actor, server: str) -> str:
        """Work with a server that was added no longer."""
        backend = self._one(server)
        if self._fleet.of_settings(backend.url):
            raise NotAllowed(
                f"{backend.name} is in COMFYUI_URLS. Take it out there and start again, or /drain {backend.name}."
            )
        change = _change(by, "backend remove", backend.name)
        if not await self._store.switches.remove(_key(backend), change):
            raise Stale(f"{backend.name} is removed already.")
        self._feed.steered()
        return f"{backend.name} is removed. What it had in hand goes to other servers."

    async def limits(self) -> list[tuple[str, float, bool]]:
        """Each limit's name, value (0 is none) and whether it is the settings'."""
        changed = await self._store.switches.limits()
        caps = with_limits(self._rules.caps, changed)
        return [(name, _value(caps, field), field not in changed) for name, field in CAPS.items()]

    async def limit(self, by: Actor, name: str, text: str) -> str:
        """Set one of them for everybody; `default` has the settings' hold again."""
        if name not in CAPS:
            raise InvalidValue(
                "limit", f'There is no limit "{name}". There is: {", ".join((*CAPS, WEIGHT))}.'
            )
        known = {each: value for each, value, _ in await self.limits()}
        value = None if text == DEFAULT else _number(name, text, 0, math.inf)
        if value is not None and name != "cooldown" and value != int(value):
            raise InvalidValue("value", f"{name} must be a whole number; 0 is no limit.")
        after = f"{_value(self._rules.caps, CAPS[name]):g}" if value is None else f"{value:g}"
        change = Change(
            at=time.time(), by=by, what="limits", whom=name, before=f"{known[name]:g}", after=after
        )
        await self._store.switches.limit(CAPS[name], value, change)
        self._feed.steered()
        return f"{name} is {after} now, was {known[name]:g}."

    async def weigh(self, by: Actor, words: str, text: str) -> str:
        """Set a person's share beside that of others; `default` is what their level gives."""
        person = await self._person(words)
        weight = None if text == DEFAULT else _number(WEIGHT, text, LEAST_WEIGHT, MOST_WEIGHT)
        change = _change(by, "limits", f"weight of {_known_as(person.actor)}")
        await self._store.steering.weigh(person.account, weight, change)
        after = "their level's" if weight is None else f"{weight:g}"
        return f"The weight of {person.actor.name} is {after} now, was {person.weight:g}."

    async def note(self, by: Actor, what: str, whom: str, before: str, after: str) -> None:
        """Note a change that was made elsewhere."""
        change = Change(at=time.time(), by=by, what=what, whom=whom, before=before, after=after)
        await self._store.audit.note(change)

    async def changes(self, most: int) -> Sequence[Change]:
        """The end of the audit trail, the newest first."""
        return await self._store.audit.newest(most)

    async def _turn(self, change: Change, name: Switch, key: str, turned: Turned | None) -> bool:
        turned_now = await self._store.switches.turn(name, key, turned, change, self._rules.plan)
        self._feed.steered()
        return turned_now

    def _all_or(self, server: str) -> tuple[str, str, str]:
        """What a pause is about: its key, what it is called, and how to name it in a command."""
        if not server:
            return EVERYWHERE, "The queue", ""
        backend = self._one(server)
        return _key(backend), backend.name, f" {backend.name}"

    def _some(self, server: str) -> Sequence[ComfyBackend]:
        return [self._one(server)] if server else self._fleet.servers.backends

    def _one(self, server: str) -> ComfyBackend:
        """The server of this name or address; without words the only one there is."""
        backends = self._fleet.servers.backends
        if not server and len(backends) == 1:
            return backends[0]
        wanted = server.strip().rstrip("/").lower()
        for backend in backends:
            if wanted and wanted in (backend.name.lower(), backend.url.lower()):
                return backend
        started = [backend for backend in backends if wanted and wanted in backend.name.lower()]
        if len(started) == 1:
            return started[0]
        what = f'There is no server "{server}".' if server else "Name a server."
        raise InvalidValue("server", f"{what} There is: {_names(backends)}.")

    async def _job(self, beginning: str) -> Owned:
        found = await self._store.steering.jobs(beginning.strip().lower()) if beginning.strip() else []
        exact = [each for each in found if each.job == beginning.strip()]
        if not found:
            raise InvalidValue("id", f'No job has an id that begins with "{beginning}". /queue lists them.')
        if len(found) > 1 and not exact:
            raise InvalidValue("id", "Several jobs begin so. Give more of the id.")
        owned = (exact or found)[0]
        if owned.state in ENDS:
            raise Stale("That job is over.")
        return owned

    async def _person(self, words: str) -> Person:
        found = await self._store.steering.people(words.strip().removeprefix("@"))
        if not found:
            raise InvalidValue("person", f'Nobody known is called "{words}". Give a name, or platform:id.')
        if len(found) > 1:
            names = ", ".join(_known_as(person.actor) for person in found)
            raise InvalidValue("person", f'Several are called "{words}": {names}. Name one by that.')
        return found[0]


def whose(job: JobId, owner: Actor) -> str:
    """A job and its owner, as the audit trail names them."""
    return f"{job[:ID_SHOWN]} of {_known_as(owner)}"


def _of(owned: Owned) -> str:
    return f"Job {owned.job[:ID_SHOWN]} of {owned.actor.name}"


def _known_as(actor: Actor) -> str:
    return f"{actor.platform}:{actor.external_id}"


def _change(by: Actor, what: str, whom: str) -> Change:
    return Change(at=time.time(), by=by, what=what, whom=whom)


def _key(backend: ComfyBackend) -> str:
    return lease_name(backend.url)


def _names(backends: Sequence[ComfyBackend]) -> str:
    return ", ".join(backend.name for backend in backends)


def _value(caps: Caps, field: str) -> float:
    return getattr(caps, field) or 0


def _address(text: str) -> str:
    """A server's address without credentials: those would stay in the chat and in the database."""
    try:
        address = parse_address(text)
    except ConfigError as error:
        raise InvalidValue("url", str(error)) from None
    if address.guarded:
        raise InvalidValue(
            "url", "An address with a login, token or headers belongs in COMFYUI_URLS, not in a chat."
        )
    return address.url


def _number(name: str, text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InvalidValue("value", f'{name} must be a number, or "{DEFAULT}".') from None
    if not least <= value <= most or math.isinf(value):
        upper = f"to {most:g}" if most < math.inf else "up"
        raise InvalidValue("value", f"{name} must be a number from {least:g} {upper}, not {text}.")
    return value
