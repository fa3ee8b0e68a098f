"""The ComfyUI servers as the service sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.comfy.backend import ComfyBackend
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
        """Raise `NoBackend` if no server answers now, `NotOffered` if none that does can run the workflow."""
        if not self.answering():
            await asyncio.gather(*(backend.probe() for backend in self.backends))
        known = [backend.schemas for backend in self.backends if backend.up and backend.schemas is not None]
        if not known:
            raise NoBackend(self._silence())
        troubles = [offers.problems(workflow, schemas) for schemas in known]
        if all(troubles):
            raise NotOffered(troubles[0][0])

    def _silence(self) -> str:
        barred = next((backend.barred for backend in self.backends if backend.barred is not None), None)
        if barred is not None:
            return barred
        names = ", ".join(backend.name for backend in self.backends)
        return f"ComfyUI does not answer at {names}. Start it, then send the command again."
