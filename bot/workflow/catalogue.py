"""The workflows that are here, by name: those whose files do not say everything once a server's schemas are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import is_

import structlog

from bot.comfy.schemas import NodeSchemas
from bot.errors import ConfigError
from bot.workflow.draft import Draft
from bot.workflow.model import Workflow

log = structlog.get_logger(__name__)


class Catalogue(Mapping[str, Workflow]):
    """Looks at what the servers are known to have each time it is asked, and infers anew when that has changed."""

    def __init__(self, drafts: Mapping[str, Draft], schemas: Callable[[], Sequence[NodeSchemas]]) -> None:
        """Raises `ConfigError` for what is wrong in the files, as far as `schemas` can tell by now."""
        self._drafts = drafts
        self._schemas = schemas
        self._seen: tuple[NodeSchemas, ...] = ()
        self._made: dict[str, Workflow] = {}
        self._look(strict=True)

    def stand(self, drafts: Mapping[str, Draft]) -> None:
        """From now on there are these; whatever is the same draft as before stays as it was made."""
        self._made = {
            name: made for name, made in self._made.items() if drafts.get(name) is self._drafts.get(name)
        }
        self._drafts = drafts
        self._made = dict(self._complete(self._seen, strict=False))

    def __getitem__(self, name: str) -> Workflow:
        self._look()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        self._look()
        return iter(self._made)

    def __len__(self) -> int:
        self._look()
        return len(self._made)

    def _look(self, *, strict: bool = False) -> None:
        known = tuple(self._schemas())
        same = len(known) == len(self._seen) and all(map(is_, known, self._seen))
        if same and not strict:
            return
        self._seen = known
        self._made = dict(self._complete(known, strict=strict))

    def _complete(self, known: Sequence[NodeSchemas], *, strict: bool) -> Iterator[tuple[str, Workflow]]:
        for name, draft in self._drafts.items():
            before = self._made.get(name)
            if draft.whole and before is not None:
                yield name, before
            elif draft.whole or known:
                try:
                    yield name, complete(draft, known)
                except ConfigError as error:
                    if strict:
                        raise
                    log.error("a workflow is left out", workflow=name, reason=str(error))


def complete(draft: Draft, known: Sequence[NodeSchemas]) -> Workflow:
    """A workflow by the server that has most of its node classes. Raises `ConfigError`."""
    classes = {str(node.get("class_type")) for node in draft.graph.values()}
    best = max(known, key=lambda schemas: len(schemas.only(classes)), default=NodeSchemas({}))
    return draft.complete(best)
