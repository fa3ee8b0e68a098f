"""What a client is asked to do, and what came of it: the same for the floor and for Muralist."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """Some jobs of one workflow; all times are in seconds.

    One after another, or all `at_once`, asked for by so many `people` in turn. Each message with a result takes
    the chat `upload_seconds`. Jobs that have not ended after `limit_seconds` count as lost. `steps`: each job samples
    for between so many and so many, where the workflow lets people say; Muralist alone can do that.
    """

    workflow: str
    jobs: int
    at_once: bool = False
    people: int = 1
    upload_seconds: float = 0.0
    limit_seconds: float = 170.0
    steps: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a workload; all times are in seconds.

    `walls` has one time for each job that was completed, in the order of asking: from asking to its pictures
    being here and its end being on the disk. `cpu` is what the whole process used, `block` the longest time that its
    event loop did not turn. Empty for the floor: `first_cards`, from asking to the first sight in the chat, and
    `finals`, seconds since 1970 when the chat showed a result.
    """

    jobs: int
    seconds: float
    cpu: float
    pictures: int
    walls: list[float]
    block: float
    first_cards: list[float] = field(default_factory=list)
    finals: list[float] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Jobs that were not completed."""
        return self.jobs - len(self.walls)
