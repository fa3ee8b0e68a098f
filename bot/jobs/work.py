"""What a job is to the scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Lane(StrEnum):
    """The stream of jobs that one waits in."""

    ADMIN = "admin"
    INTERACTIVE = "interactive"
    BACKGROUND = "background"


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What decides how long a run takes. `pixels` and `steps` are None where a workflow has no such parameter."""

    workflow: str
    pixels: int | None = None
    steps: int | None = None
    batch: int = 1

    @property
    def units(self) -> float:
        """Its size beside other runs of the workflow."""
        return (self.pixels or 2**20) / 2**20 * (self.steps or 1) * self.batch
