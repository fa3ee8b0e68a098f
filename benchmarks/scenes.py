"""What `freshness` looks at: chats, the jobs in them, and the least staleness that is possible there."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from math import sqrt

from benchmarks.chats import DELAY_SECONDS, JITTER_SECONDS, Platform

SECONDS = (10.0, 20.0, 40.0)
"""A job takes one of these, each as likely."""

STEP_SECONDS = 0.2
"""Between two times that a job says how far it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Chats of a platform, in each of them so many jobs at any time. It is watched for `seconds`."""

    platform: str
    chats: int
    jobs: int
    seconds: float
    group: bool = False
    boards: bool = False
    """Whether there may be one message for all jobs of a chat."""

    @property
    def warm_up(self) -> float:
        """Seconds until the longest budget is in use, and it is known how many finals there are."""
        return 240.0 if self.group else 30.0

    def chat(self, line: int) -> int:
        """The chat of the line of jobs with that number; groups are numbered as Telegram does."""
        chat = line // self.jobs + 1
        return -chat if self.group else chat

    @property
    def name(self) -> str:
        """As in the figures."""
        board = ", one message for all" if self.boards else ""
        return f"{self.chats} {self.platform}s with {self.jobs} job{'s' if self.jobs > 1 else ''} each{board}"


@dataclass(kw_only=True, slots=True)
class Seen:
    """What was measured: for how many seconds jobs were seen, how many points (0..100) they were shown wrong times the
    seconds, the durations of jobs, and seconds until ends were accepted."""

    seconds: float = 0.0
    wrong: float = 0.0
    durations: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def error(self) -> float:
        """Points between truth and chat on average."""
        return self.wrong / self.seconds


def least_staleness(scene: Scene, platform: Platform, durations: list[float]) -> float:
    """Points that whoever knew every duration before would still be behind on average, with all edits that are left.

    k edits for a job; edits in proportion to the root of the duration make the mean error least.
    """
    running, mean = scene.chats * scene.jobs, statistics.fmean(durations)
    rate = platform.chat.rate * scene.chats
    if platform.all is not None:
        rate = min(rate, platform.all.rate)
    ends = running / mean
    free = rate - ends * (2 if platform.sends_count else 1)
    edits = max(0.0, free) * mean / running
    root = statistics.fmean(sqrt(seconds) for seconds in durations)
    slope, delay = 100 / mean, DELAY_SECONDS + JITTER_SECONDS / 2
    return 50 * root**2 / (mean * (edits + 1)) + slope * delay * edits / (edits + 1)
