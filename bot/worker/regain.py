"""Lets jobs go to a backend again that has gained what it lacked for them."""

from __future__ import annotations

import structlog

from bot.comfy.backend import ComfyBackend
from bot.comfy.schemas import NodeSchemas
from bot.errors import MissingModel, MissingNode, Refused
from bot.store.shunning import Shunned, Shunning
from bot.workflow.patch import apply
from bot.workflow.preflight import fits

log = structlog.get_logger(__name__)

LACKS = frozenset({Refused.code, MissingModel.code, MissingNode.code})
"""Ends of attempts that a backend may do better at once it has more; what a node or the memory failed stays away."""


class Regain:
    """Looks anew whenever a backend's nodes and models are others than they were."""

    def __init__(self, backend: ComfyBackend, name: str, shunning: Shunning) -> None:
        """`name` is the backend's in the store."""
        self._backend = backend
        self._name = name
        self._shunning = shunning
        self._seen: NodeSchemas | None = None

    async def look(self) -> None:
        """End the shunning by jobs that the backend can run now."""
        known = self._backend.schemas
        if known is None or known is self._seen:
            return
        self._seen = known
        able = [each.job for each in await self._shunning.of(self._name) if _may(each, known)]
        if able:
            await self._shunning.end(self._name, able)
            log.info("jobs may go to a backend again", backend=self._backend.name, jobs=len(able))


def _may(shunned: Shunned, schemas: NodeSchemas) -> bool:
    if not LACKS.issuperset(outcome for outcome in shunned.outcomes if outcome is not None):
        return False
    return fits(apply(shunned.graph, shunned.patch), schemas)
