"""What admins see: everybody's jobs, the servers, the people, what failed. Times are seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass

from bot.contract.values import Actor, JobId, JobState


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingJob:
    """A job that is not over. `since` is when it was asked for, or begun once it runs; `fraction` is 0..1."""

    job: JobId
    actor: Actor
    command: str
    prompt: str
    state: JobState
    since: float
    fraction: float
    node: str | None
    backend: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedJob:
    """A job that failed, and why: a stable code and a sentence."""

    job: JobId
    actor: Actor
    workflow: str
    at: float
    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceReport:
    """What a server computes on, and its memory in bytes."""

    name: str
    memory: int
    free: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BackendReport:
    """A ComfyUI server as its owner may see it. `trouble` says what is wrong with it.

    `hold` says why it takes no jobs now, in a few words; `lent`: the bot may use its GPU; `drained`: an admin has it
    take none; `added`: it is there beside those of the settings.
    """

    name: str
    up: bool
    version: str | None
    running: int
    trouble: str | None
    devices: tuple[DeviceReport, ...]
    hold: str | None = None
    lent: bool = True
    drained: bool = False
    added: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonReport:
    """A person and how many jobs of theirs wait, are in a backend's hand, and were done since midnight."""

    actor: Actor
    waiting: int
    running: int
    done: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something that an admin changed: what, on whom or on what, from what to what."""

    at: float
    by: Actor
    what: str
    whom: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """How everything stands at a moment.

    `waiting` is in the order in which jobs are taken, as far as `more_waiting` leaves them out; `failures` and
    `changes` are the newest first. `paused`: nothing that waits is begun.
    """

    at: float
    waiting: tuple[StandingJob, ...]
    more_waiting: int
    running: tuple[StandingJob, ...]
    backends: tuple[BackendReport, ...]
    people: tuple[PersonReport, ...]
    failures: tuple[FailedJob, ...]
    paused: bool = False
    changes: tuple[Change, ...] = ()
