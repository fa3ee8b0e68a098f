"""The ComfyUI servers as the service sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.comfy.backend import ComfyBackend
from bot.comfy.health import Condition
from bot.comfy.schemas import NodeSchemas
from bot.errors import NoBackend, NotOffered
from bot.workflow import offers
from bot.workflow.model import Workflow
from bot.workflow.patch import Choices


class Servers:
    """Answers whether and with what a workflow can run."""

    def __init__(self, backends: Sequence[ComfyBackend]) -> None:
        self.backends = tuple(backends)

    def answering(self) -> bool:
        """Whether any server answered when it was last asked."""
        return any(backend.up for backend in self.backends)

    def choices(self, workflow: Workflow) -> Choices:
        """What the servers together offer for a workflow's choices, as last known."""
        known = [backend.schemas for backend in self.backends if backend.schemas is not None]
        return offers.choices(workflow, known)

    async def require(self, workflow: Workflow) -> None:
        """Raise `NotOffered` if no server can run the workflow, `NoBackend` if there is none to wait for.

        Those that answer now count. While none does, a request waits for those that are away, by what they
        offered last; not for those of which nothing was ever known, nor for those that a guard bars.
        """
        if not self._offers() or not (self.answering() or self._asked()):
            await asyncio.gather(*(backend.probe() for backend in self.backends))
        known = self._offers()
        if not known:
            raise NoBackend(self._silence())
        if not self.answering():
            for backend in self.backends:
                backend.look_soon()
        troubles = [offers.problems(workflow, schemas) for schemas in known]
        if all(troubles):
            raise NotOffered(troubles[0][0])

    def _offers(self) -> list[NodeSchemas]:
        known = [backend for backend in self.backends if backend.schemas is not None]
        answering = [backend for backend in known if backend.up]
        away = [backend for backend in known if backend.barred is None]
        return [backend.schemas for backend in answering or away if backend.schemas is not None]

    def _asked(self) -> bool:
        """Whether it is known by now how each server is."""
        return all(backend.condition is not Condition.UNKNOWN for backend in self.backends)

    def _silence(self) -> str:
        barred = next((backend.barred for backend in self.backends if backend.barred is not None), None)
        if barred is not None:
            return barred
        names = ", ".join(backend.name for backend in self.backends)
        return f"ComfyUI does not answer at {names}. Start it, then send the command again."
