"""Workflows from what somebody hands over: drafts, their changes, a try, and versions that are published."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from bot.cards.workshop import RunLine
from bot.comfy.backend import ComfyBackend
from bot.comfy.schemas import NodeSchemas
from bot.contract.card import Media
from bot.contract.values import Attachment, Invocation, JobId, ParameterType, Started
from bot.errors import (
    BackendError,
    ConfigError,
    InvalidValue,
    NotAllowed,
    Stale,
    UserError,
)
from bot.jobs.events import RemoteFile
from bot.jobs.models import Graph
from bot.jobs.states import State
from bot.media.embedded import read_embedded
from bot.media.spool import Spool
from bot.media.uploads import LIMIT_CLIP_BYTES
from bot.service.export import files_of, packed
from bot.service.runs import key_of, last_runs, pasts
from bot.service.servers import Servers
from bot.service.shelf import Shelf, draft_from
from bot.service.submit import Submit
from bot.store.store import Store
from bot.workflow.catalogue import complete
from bot.workflow.change import NOTHING_CHOSEN, File, command_name
from bot.workflow.danger import dangers, refusal
from bot.workflow.draft import Draft
from bot.workflow.infer.infer import infer
from bot.workflow.infer.ui import read_interface
from bot.workflow.model import Parameter, Role, Workflow
from bot.workflow.paid import not_allowed
from bot.workflow.patch import unbind
from bot.workflow.source import Source, read_source, source_of, suggested_name

KEPT_BY = "workshop"
"""Under this name drafts lie beside what adapters keep."""
KEPT_SECONDS = 7 * 24 * 3600.0
"""A draft that nobody published is forgotten after that."""

_FILE = re.compile(r"(?:(?P<folder>.*)/)?(?P<name>[^/]+?)(?: \[(?P<kind>input|output|temp)\])?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sketch:
    """A draft that somebody works on. `origin` is the address of the server that ran it, `replaces` what it changes.

    `job` is the last try, `edits` counts changes, `at` is when it was kept last, in seconds since 1970.
    """

    id: str
    name: str
    graph: Graph
    ui: Mapping[str, Any] | None
    file: File
    origin: str | None = None
    replaces: str | None = None
    job: str | None = None
    edits: int = 0
    at: float = 0.0


class Workshop:
    """Keeps drafts, and publishes them."""

    def __init__(
        self, shelf: Shelf, servers: Servers, store: Store, spool: Spool, reserved: Collection[str] = ()
    ) -> None:
        """`reserved` are the names of commands that belong to no workflow."""
        self.shelf = shelf
        self.servers = servers
        self._store = store
        self._spool = spool
        self._memory = store.memory
        self._reserved = {_folded(name) for name in (*reserved, *Role)}

    async def runs(self) -> list[RunLine]:
        """What the servers have run lately, the newest first; of runs that differ in values alone the newest."""
        await self.servers.ready()
        return await last_runs(self.servers.backends)

    async def begin_with_run(self, backend: str, prompt_id: str) -> Sketch:
        """A draft of a run. Raises `UserError`."""
        there = next((each for each in self.servers.backends if key_of(each) == backend), None)
        past = None if there is None else next(iter(await pasts(there, prompt_id)), None)
        if there is None or past is None:
            raise Stale("ComfyUI does not know that run any more. Send /workflow add again.")
        source = await asyncio.to_thread(source_of, past.graph, past.ui)
        return await self._begin(source, origin=there.url)

    async def begin_with_file(self, attachment: Attachment) -> Sketch:
        """A draft of a file: a graph, or a picture or film that has one in it. Raises `UserError`."""
        data = await attachment.read(LIMIT_CLIP_BYTES)
        if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            source = await asyncio.to_thread(read_source, data.decode("utf-8-sig", errors="replace"))
        else:
            source = await _embedded(data, attachment.name)
        return await self._begin(source)

    async def begin_with_workflow(self, name: str) -> Sketch:
        """A draft of a change to a workflow that is there, be it a file. Raises `UserError`."""
        draft, number = await self.shelf.draft(name), self.shelf.standing(name).number
        kept = None if number is None else await self.shelf.library.version(name, number)
        graph, ui, file = (
            (draft.graph, draft.ui, draft.written_out()) if kept is None else (kept.graph, kept.ui, kept.file)
        )
        return await self._keep(Sketch(id=_new_id(), name=name, graph=graph, ui=ui, file=file, replaces=name))

    async def sketch_or_begin(self, named: str) -> Sketch:
        """A draft, or the first of a change to the workflow of that name. Raises `UserError`."""
        try:
            return await self.sketch(named)
        except Stale:
            if named not in self.shelf.names():
                raise
            return await self.begin_with_workflow(named)

    async def sketch(self, named: str) -> Sketch:
        """A draft by its id or, the newest of that name, by its name. Raises `Stale`."""
        found = [Sketch(**value) for value in (await self._memory.find(KEPT_BY, named)).values()]
        if not found:
            every = [Sketch(**value) for value in (await self._memory.find(KEPT_BY, "")).values()]
            found = [each for each in every if each.name == named.strip().lstrip("/")]
        if not found:
            raise Stale(f'There is no draft "{named}" any more. Begin again with /workflow add.')
        return found[-1]

    async def change(self, sketch: Sketch, alter: Callable[[Workflow], File]) -> Sketch:
        """A draft with another file. Raises `UserError`."""
        changed = replace(sketch, file=alter(self.workflow(sketch)), edits=sketch.edits + 1)
        self.workflow(changed)
        return await self._keep(changed)

    async def rename(self, sketch: Sketch, wanted: str) -> Sketch:
        """A draft called otherwise. Raises `UserError`."""
        name = command_name(wanted)
        if sketch.replaces is not None and name != sketch.replaces:
            raise InvalidValue(
                "name", f"/{sketch.replaces} is known by that name: add it anew under another."
            )
        self._check_free(name, sketch)
        return await self._keep(replace(sketch, name=name, edits=sketch.edits + 1))

    async def drop(self, sketch: Sketch) -> None:
        """Forget a draft."""
        await self._memory.drop(KEPT_BY, sketch.id)

    def draft(self, sketch: Sketch) -> Draft:
        """What was found out and chosen so far. Raises `UserError`."""
        try:
            return draft_from(sketch.name, sketch.graph, sketch.ui, sketch.file)
        except ConfigError as error:
            raise UserError(str(error)) from error

    def workflow(self, sketch: Sketch) -> Workflow:
        """The workflow that it would be. Raises `UserError`."""
        try:
            return complete(self.draft(sketch), self.servers.schemas())
        except ConfigError as error:
            raise UserError(str(error)) from error

    def inferred(self, sketch: Sketch) -> Sequence[Parameter]:
        """The options as they are found out, whatever was chosen."""
        return infer(sketch.graph, self._best(sketch.graph), read_interface(sketch.ui)).parameters

    async def try_(self, sketch: Sketch, submit: Submit, invocation: Invocation, adapter: str) -> Started:
        """Run a draft once with the values that it was handed over with. Raises `UserError`."""
        workflow = self.workflow(sketch)
        self._check_safe(sketch.graph, sketch.name)
        given = {**invocation.images}
        room = [each for each in workflow.files if each.spec.name not in given][len(invocation.attachments) :]
        for parameter in room:
            file = await self._loaded(sketch, parameter)
            if file is not None:
                given[parameter.spec.name] = file
        seeds = {each.spec.name for each in workflow.parameters if each.spec.type is ParameterType.SEED}
        files = {each.spec.name for each in workflow.files}
        values = {k: v for k, v in unbind(workflow, sketch.graph).items() if k not in seeds | files}
        tried = replace(invocation, command=sketch.name, values=values, images=given)
        started = await submit.submit(tried, adapter, chosen=workflow)
        await self._keep(replace(sketch, job=started.job))
        return started

    async def tried(self, sketch: Sketch) -> tuple[State, str] | None:
        """How the last try stands, and what went wrong; None if there was none."""
        view = None if sketch.job is None else await self._store.messages.of_job(JobId(sketch.job))
        if view is None:
            return None
        return view.job.state, "" if view.job.error is None else view.job.error.message

    async def publish(self, sketch: Sketch, author: str) -> tuple[Workflow, int]:
        """Make a new version of a draft, and offer it everywhere. Raises `UserError`."""
        workflow = self.workflow(sketch)
        self._check_safe(sketch.graph, sketch.name)
        self._check_free(sketch.name, sketch)
        number = await self.shelf.library.add(
            sketch.name, graph=sketch.graph, ui=sketch.ui, file=sketch.file, author=author
        )
        await self._memory.drop(KEPT_BY, sketch.id)
        await self.shelf.changed()
        return workflow, number

    async def roll_back(self, name: str, number: int | None) -> int | None:
        """Use an older version; without a number the one before. The file of that name is before the first, and 0.

        Which it is now, None for the file. Raises `UserError`.
        """
        now, lies = self.shelf.standing(name).number, name in self.shelf.files
        await self.shelf.draft(name)
        numbers = [each for each, _, _ in await self.shelf.library.versions(name)]
        known = [0, *numbers] if lies else numbers
        if number is None:
            number = max((each for each in known if each < (now or 0)), default=None)
        if number is None or number not in known:
            there = f"There are: {', '.join(map(str, known))}." if numbers else "It is a file alone."
            raise InvalidValue("version", f"/{name} has no such version. {there}")
        await self.shelf.library.use(name, number or None)
        await self.shelf.changed()
        return number or None

    async def switch(self, name: str, *, enabled: bool) -> None:
        """Let people use a workflow, or no longer. Raises `UserError`."""
        await self.shelf.draft(name)
        await self.shelf.library.enable(name, enabled=enabled)
        await self.shelf.changed()

    async def packed(self, name: str, number: int | None = None) -> Media:
        """The folder of a workflow as an archive: what Muralist reads if it is unpacked into the workflows folder."""
        draft = await self.shelf.draft(name, number)
        number = number or self.shelf.standing(name).number
        kept = None if number is None else await self.shelf.library.version(name, number)
        data = await asyncio.to_thread(packed, files_of(draft, kept))
        blob = await self._spool.keep(data)
        return Media(
            job="",
            index=0,
            path=self._spool.path(blob.sha256),
            media_type="application/zip",
            name=f"{name}.zip",
            size=blob.size,
        )

    async def _begin(self, source: Source, origin: str | None = None) -> Sketch:
        await self.servers.ready()
        self._check_safe(source.graph)
        name = self._unused(suggested_name(source.graph))
        sketch = Sketch(
            id=_new_id(), name=name, graph=source.graph, ui=source.ui, file=NOTHING_CHOSEN, origin=origin
        )
        await asyncio.to_thread(self.workflow, sketch)
        await self._forget_old()
        return await self._keep(sketch)

    async def _keep(self, sketch: Sketch) -> Sketch:
        sketch = replace(sketch, at=time.time())
        await self._memory.keep(KEPT_BY, sketch.id, asdict(sketch))
        return sketch

    async def _forget_old(self) -> None:
        found = await self._memory.find(KEPT_BY, "")
        old = [name for name, value in found.items() if value["at"] < time.time() - KEPT_SECONDS]
        await self._memory.drop(KEPT_BY, *old)

    def _check_safe(self, graph: Graph, name: str | None = None) -> None:
        danger = next(dangers(graph, self._best(graph), self.shelf.allowed), None)
        if danger is not None and not self.shelf.has_in_files(name, graph):
            raise NotAllowed(refusal(danger))
        words = not_allowed(self.servers.costs(graph), self.servers.purse)
        if words is not None:
            raise NotAllowed(words)

    def _check_free(self, name: str, sketch: Sketch) -> None:
        if sketch.replaces == name:
            return
        if _folded(name) in self._taken():
            raise InvalidValue("name", f"There is a command /{name} already. Choose another name.")

    def _taken(self) -> set[str]:
        """Some platforms take `-` and `_` for the same."""
        return self._reserved | {_folded(name) for name in self.shelf.names()}

    def _unused(self, name: str) -> str:
        names = (name if number == 1 else f"{name[:28]}-{number}" for number in range(1, 1000))
        taken = self._taken()
        return next(each for each in names if _folded(each) not in taken)

    def _best(self, graph: Graph) -> NodeSchemas:
        """The server that has most of the classes."""
        classes = {str(node["class_type"]) for node in graph.values()}
        known = self.servers.schemas()
        return max(known, key=lambda schemas: len(schemas.only(classes)), default=NodeSchemas({}))

    async def _loaded(self, sketch: Sketch, parameter: Parameter) -> Attachment | None:
        """The file that the graph itself loads there, if the server that ran it still has it."""
        target = parameter.targets[0]
        named = _FILE.fullmatch(str(sketch.graph[target.node]["inputs"].get(target.input, "")))
        if named is None:
            return None
        file = RemoteFile(
            node=target.node,
            filename=named["name"],
            subfolder=named["folder"] or "",
            folder=named["kind"] or "input",
        )
        for backend in self.servers.backends:
            if backend.up and sketch.origin in (None, backend.url):
                data = await _fetched(backend, file)
                if data is not None:
                    return _attachment(file.filename, data)
        return None


async def _embedded(data: bytes, name: str) -> Source:
    with TemporaryDirectory(prefix="muralist-") as folder:
        path = Path(folder) / "upload"
        await asyncio.to_thread(path.write_bytes, data)
        found = await read_embedded(path, name)
    return source_of(found.prompt, found.workflow)


async def _fetched(backend: ComfyBackend, file: RemoteFile) -> bytes | None:
    data = bytearray()
    try:
        async with backend.fetch(file) as chunks:
            async for chunk in chunks:
                data += chunk
                if len(data) > LIMIT_CLIP_BYTES:
                    return None
    except BackendError:
        return None
    return bytes(data)


def _attachment(name: str, data: bytes) -> Attachment:
    async def read(_limit: int) -> bytes:
        return data

    return Attachment(name=name, read=read)


def _folded(name: str) -> str:
    return name.casefold().replace("_", "-").replace(" ", "-")


def _new_id() -> str:
    return uuid4().hex[:8]
