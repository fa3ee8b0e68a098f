"""Looking for ComfyUI servers, and at what they can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.cli.devices import in_words
from bot.comfy.access import Access
from bot.comfy.backend import ComfyBackend
from bot.comfy.discover import find_local
from bot.contract.ports import Level
from bot.workflow.catalogue import Catalogue
from bot.workflow.draft import Draft
from bot.workflow.families import families
from bot.workflow.model import Role, Workflow
from bot.workflow.offers import problems
from bot.workflow.roles import in_order, serving

Told = tuple[Level, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A ComfyUI that was looked at."""

    url: str
    name: str
    up: bool
    can_imagine: bool
    told: tuple[Told, ...]


async def find(known: Sequence[str]) -> list[str]:
    """The servers of this machine, and those that are set and are not this machine's."""
    local = await find_local()
    return list(dict.fromkeys((*local, *(url for url in known if not _is_local(url)))))


def _is_local(url: str) -> bool:
    return any(f"//{host}:" in url for host in ("127.0.0.1", "localhost"))


async def look_at(url: str, drafts: Mapping[str, Draft], access: Access) -> Server:
    """Ask a server what it is and what it can run.

    Raises `ConfigError` for what is no address, and for a workflow whose file does not fit its graph there.
    """
    async with ComfyBackend(url, client_id="muralist-setup", access=access) as backend:
        up = await backend.probe() and backend.schemas is not None
        known = () if backend.schemas is None else (backend.schemas,)
        workflows = list(Catalogue(drafts, lambda: known).values())
        told = (
            _told(backend, workflows) if up else ((Level.PROBLEM, backend.trouble or "It does not answer."),)
        )
        can = up and any(Role.IMAGINE in w.roles and not _lacks(backend, w) for w in workflows)
        return Server(url=url, name=backend.name, up=up, can_imagine=can, told=tuple(told))


def _told(backend: ComfyBackend, workflows: Sequence[Workflow]) -> list[Told]:
    told: list[Told] = [(Level.FINE, f"ComfyUI {backend.version} at {backend.name}.")]
    if backend.stats is not None:
        told.extend((Level.FINE, f"It computes on {in_words(device)}.") for device in backend.stats.devices)
    assert backend.schemas is not None
    found = families(backend.schemas.models())
    if found:
        told.append((Level.FINE, f"Found there: {', '.join(found)}."))
    lacks = {workflow.name: _lacks(backend, workflow) for workflow in workflows}
    ordered = in_order(workflows, ())
    runnable = [workflow for workflow in ordered if not lacks[workflow.name]]
    roles = {role: first.name for role in Role if (first := serving(role, runnable)) is not None}
    if roles:
        words = ", ".join(f"/{role} ({name})" for role, name in roles.items())
        told.append((Level.FINE, f"It can do {words}."))
    told += [(Level.NOTE, _nobody_serves(role, ordered, lacks)) for role in Role if role not in roles]
    for workflow in ordered:
        if lacks[workflow.name] and not workflow.bundled:
            told.append((Level.NOTE, f"/{workflow.name} can't run there yet: {lacks[workflow.name][0]}"))
    return told


def _nobody_serves(role: Role, ordered: Sequence[Workflow], lacks: Mapping[str, list[str]]) -> str:
    """What the workflow lacks that would come first."""
    wanted = serving(role, ordered)
    lacking = "There is no workflow for it." if wanted is None else lacks[wanted.name][0]
    return f"/{role} can't run there yet: {lacking}"


def _lacks(backend: ComfyBackend, workflow: Workflow) -> list[str]:
    return [] if backend.schemas is None else problems(workflow, backend.schemas)
