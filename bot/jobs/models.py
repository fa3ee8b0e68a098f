"""The records of a request, as the store keeps them. Times are seconds since 1970, for people only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.contract.values import (
    AccountId,
    Actor,
    Address,
    JobId,
    MessageId,
    OutputRef,
    Place,
    RequestId,
    Trouble,
)
from bot.jobs.states import State
from bot.jobs.work import Lane, Work

Graph = Mapping[str, Mapping[str, Any]]
"""What ComfyUI calls "prompt": `{node id: {"class_type", "inputs"}}`."""

PatchValue = str | int | float | bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One value of a patch and the node input that it goes to."""

    node: str
    input: str
    value: PatchValue


Patch = tuple[Setting, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class InputImage:
    """A picture that a job starts from: the parameter it was given for, and its bytes by hash."""

    parameter: str
    node: str
    input: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How a person's words were read: texts that the graph has in another form, by parameter, and what is told."""

    texts: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


AS_WRITTEN = Reading()


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One requested run. Everything that decides its picture is frozen here.

    `models` are those that its graph loads, a line each; `shunned` the backends that failed it. When it was asked
    for it was thought to be done between `early` and `late`.
    """

    id: JobId
    request: RequestId
    account: AccountId
    workflow: str
    version: str
    values: Mapping[str, PatchValue]
    patch: Patch
    seed: int | None
    inputs: tuple[InputImage, ...] = ()
    parent: OutputRef | None = None
    created: float
    state: State = State.QUEUED
    attempt: int = 0
    failures: int = 0
    cancel_requested: bool = False
    fraction: float = 0.0
    node: str | None = None
    error: Trouble | None = None
    started: float | None = None
    finished: float | None = None
    models: str = ""
    shunned: tuple[str, ...] = ()
    early: float | None = None
    late: float | None = None
    revision: int | None = None
    reading: Reading = AS_WRITTEN
    paid: bool = False
    price: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRequest:
    """What is stored when a command is accepted: a request, its message and its job.

    `fingerprint` tells two requests apart that come under one event key. `models` are those that the graph loads, a
    line each; empty for none. `shunned` are the backends that can't run it. `revision` is the version of a workflow
    that was added in a chat. `paid`: a run costs money, `price` dollars if that is known.
    """

    request: RequestId
    event_key: str
    fingerprint: str
    actor: Actor
    place: Place
    command: str
    message: MessageId
    adapter: str
    address: Address
    job: JobId
    workflow: str
    version: str
    graph: Graph
    values: Mapping[str, PatchValue]
    patch: Patch
    seed: int | None
    inputs: tuple[InputImage, ...] = ()
    parent: OutputRef | None = None
    transient: bool = False
    spoiler: bool = False
    lane: Lane = Lane.INTERACTIVE
    models: str = ""
    shunned: tuple[str, ...] = ()
    reading: Reading = AS_WRITTEN
    work: Work
    revision: int | None = None
    paid: bool = False
    price: float | None = None
    created: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """The outcome of storing a request; `existing` if its event key had been there already.

    `address` is where its message is shown, None once that was taken away.
    """

    request: RequestId
    job: JobId
    message: MessageId
    address: Address | None
    fingerprint: str
    existing: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A job that a backend's lease holder has in hand: its `number`-th try, fenced by `epoch`.

    `last`: when it was claimed, nobody else waited.
    """

    job: Job
    number: int
    prompt_id: str
    backend: str
    epoch: int
    graph: Graph
    last: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Blob:
    """Bytes in the spool. `size` is in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """A result of a job; `name` is the file name that people see."""

    index: int
    blob: Blob
    media_type: str
    name: str
    node: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageView:
    """A message with the job that it shows, all that a card is made of.

    `reachable`: its address is good, or was when it was last tried.
    """

    id: MessageId
    adapter: str
    address: Address
    actor: Actor
    place: Place
    command: str
    wanted: int
    shown: int
    removed: bool
    transient: bool = False
    spoiler: bool = False
    reachable: bool = True
    job: Job
    outputs: tuple[Output, ...] = field(default=())
