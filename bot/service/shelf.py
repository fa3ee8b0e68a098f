"""The workflows that there are: those in files, and those that were added in a chat, from any process."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import structlog

from bot.comfy.schemas import NodeSchemas
from bot.errors import ConfigError, UserError
from bot.feed import Feed, Topic
from bot.jobs.models import Graph
from bot.store.library import Kept, Library, Standing
from bot.workflow.catalogue import Catalogue, complete
from bot.workflow.change import File
from bot.workflow.danger import dangers, refusal
from bot.workflow.draft import Draft, draft_of
from bot.workflow.infer.ui import read_interface
from bot.workflow.load import version_of, with_notes
from bot.workflow.model import Workflow
from bot.workflow.model_notes import read_model_notes
from bot.workflow.tables import WorkflowFile
from bot.workflow.toml import toml_of

LOOK_SECONDS = 5.0
"""How often it is looked whether another process added something; where processes tell each other, it is at once."""

log = structlog.get_logger(__name__)


class Shelf:
    """Keeps the catalogue as the store has it. A workflow that was added stands above the file of its name."""

    def __init__(
        self,
        files: Mapping[str, Draft],
        library: Library,
        feed: Feed,
        schemas: Callable[[], Sequence[NodeSchemas]],
        allowed: Collection[str] = (),
    ) -> None:
        """`allowed` are the node classes that the owner lets reach paths, addresses and code. Raises `ConfigError`."""
        self.files = files
        self.drafts = files
        """What people may use, by name."""
        self.library = library
        self.allowed = allowed
        self.catalogue = Catalogue(files, schemas)
        self.schemas = schemas
        self._feed = feed
        self._standings: Sequence[Standing] = ()
        self._added: dict[tuple[str, int], Draft] = {}

    async def run(self) -> None:
        """Keep up with other processes until cancelled."""
        with self._feed.ear(Topic.WORKFLOWS) as ear:
            while True:
                try:
                    await self.refresh()
                except Exception:  # a worker's loop: logged, and looked again
                    log.exception("it could not be looked which workflows there are")
                await ear.news(LOOK_SECONDS)

    async def refresh(self) -> None:
        """Offer what the store has now."""
        standings = await self.library.standings()
        if standings == self._standings:
            return
        drafts = dict(self.files)
        for each in standings:
            if each.number is not None:
                draft = await self._draft(each.name, each.number)
                if draft is not None:
                    drafts[each.name] = replace(draft, bundled=self.has_bundled(each.name))
            if not each.enabled:
                drafts.pop(each.name, None)
        self._standings = standings
        self.drafts = drafts
        self.catalogue.stand(drafts)

    async def changed(self) -> None:
        """Something was written: here it counts at once, elsewhere soon."""
        await self.refresh()
        self._feed.workflows()

    def standing(self, name: str) -> Standing:
        """How it is with a workflow, as last read."""
        found = next((each for each in self._standings if each.name == name), None)
        return found or Standing(name=name, number=None, enabled=True)

    def has_bundled(self, name: str) -> bool:
        """Whether a workflow of that name came with Muralist, be it changed by now."""
        return name in self.files and self.files[name].bundled

    def has_in_files(self, name: str | None, graph: Graph) -> bool:
        """Whether this graph lies in a file of that name: then its owner has put it there."""
        return name is not None and name in self.files and self.files[name].graph == graph

    def served(self, name: str) -> str:
        """Which of a workflow people get, in words."""
        standing, lies = self.standing(name), self.files.get(name)
        file = "the bundled one" if lies is not None and lies.bundled else "the file of that name"
        off = "" if standing.enabled else " It is switched off."
        if standing.number is None:
            return f"It is {'bundled' if self.has_bundled(name) else 'a file'}.{off}"
        before = "" if lies is None else f", which stands before {file}"
        return f"It is version {standing.number}{before}.{off}"

    def names(self) -> list[str]:
        """All that there are, switched off or not."""
        return sorted({*self.files, *(each.name for each in self._standings if each.number is not None)})

    async def draft(self, name: str, number: int | None = None) -> Draft:
        """A workflow as it stands, or a version of it. Raises `UserError` if there is none."""
        number = self.standing(name).number if number is None else number
        found = self.files.get(name) if number is None else await self._draft(name, number)
        if found is None:
            version = "" if number is None else f" in version {number}"
            raise UserError(f'There is no workflow "{name}"{version}. `/workflow list` says what there is.')
        return found

    async def past(self, name: str, number: int) -> Workflow | None:
        """A version as it was, for jobs that were made with it; None if it is not kept, or can't be made any more."""
        draft = await self._draft(name, number)
        if draft is None or not self.standing(name).enabled:
            return None
        try:
            return complete(draft, self.schemas())
        except ConfigError as error:
            log.warning("an old version can't be used", workflow=name, number=number, reason=str(error))
            return None

    async def _draft(self, name: str, number: int) -> Draft | None:
        if (name, number) not in self._added:
            kept = await self.library.version(name, number)
            if kept is None or (made := await asyncio.to_thread(self._made, kept)) is None:
                return None
            self._added[name, number] = made
        return self._added[name, number]

    def _made(self, kept: Kept) -> Draft | None:
        """A version as a draft; None for one that may not run here any more."""
        known = self.schemas()
        schemas = known[0] if known else NodeSchemas({})
        danger = next(dangers(kept.graph, schemas, self.allowed), None)
        if danger is not None and not self.has_in_files(kept.name, kept.graph):
            log.error("an added workflow is left out", workflow=kept.name, reason=refusal(danger))
            return None
        try:
            return draft_from(kept.name, kept.graph, kept.ui, kept.file, kept.number)
        except ConfigError as error:
            log.error("an added workflow is left out", workflow=kept.name, reason=str(error))
            return None


def draft_from(
    name: str, graph: Graph, ui: Mapping[str, object] | None, file: File, number: int | None = None
) -> Draft:
    """A draft of what was handed over and chosen. Raises `ConfigError`."""
    text = toml_of(file)
    known_as = hashlib.sha256(f"{version_of(graph)}{json.dumps(file, sort_keys=True)}".encode()).hexdigest()
    return draft_of(
        name=name,
        graph=with_notes(graph, read_model_notes(ui)),
        version=known_as,
        file=WorkflowFile.model_validate(dict(file)),
        text=text,
        interface=read_interface(ui),
        ui=ui,
        revision=number,
    )
