"""The two sides of the seam: what an adapter calls, and what an adapter must be able to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.contract.card import Card, Media, Preview
from bot.contract.overview import Overview
from bot.contract.values import (
    Actor,
    Address,
    Answer,
    Command,
    Invocation,
    JobId,
    JobState,
    JobStatus,
    MessageId,
    OutputRef,
    Place,
    PlacedCard,
    Press,
    QueueStatus,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a platform allows. `edit_seconds` is the least time between two edits of one message."""

    edit_seconds: float
    media_per_message: int
    previews: bool


class Core(Protocol):
    """What an adapter may ask of the core. Any method may raise `UserError`; its text is safe to show."""

    def commands(self) -> Sequence[Command]:
        """Every command, with the choices that the ComfyUI servers offer now."""

    async def invoke(self, invocation: Invocation) -> Answer:
        """Do a command. Nothing is queued if it raises."""

    async def act(self, press: Press) -> Answer:
        """Do what a card's button says."""

    async def cancel(self, actor: Actor, job: JobId) -> None:
        """Ask for the end of one's own job, or as an admin of any. Its card says when it has ended.

        One that is over is left alone.
        """

    async def job(self, place: Place, job: JobId) -> JobStatus:
        """How a job of this place stands."""

    def watch(self, place: Place, job: JobId) -> AsyncIterator[JobStatus | Preview]:
        """How a job of this place stands now and after changes, the newest each; ends with its final state."""

    async def cards(
        self, place: Place, *, before: MessageId | None = None, words: str = "", most: int = 50
    ) -> Sequence[PlacedCard]:
        """The newest messages of a place as they stand, oldest first.

        With `before` those that are older than that message, with `words` those whose prompt has all of them.
        """

    async def output(self, place: Place, ref: OutputRef) -> Media:
        """A finished output of this place."""

    async def queue(self) -> QueueStatus:
        """The queue in numbers."""

    async def ended(self) -> Mapping[JobState, int]:
        """How many jobs have ended so far, by how."""

    async def name_of(self, actor: Actor) -> str:
        """What a person is called: as they chose, or as their platform says."""

    async def rename(self, actor: Actor, name: str) -> str:
        """Call a person by a name of their choice; an empty one gives the platform's back. Says what it is now."""

    def is_admin(self, actor: Actor) -> bool:
        """Whether a person may see and end everybody's jobs."""

    async def overview(self, actor: Actor) -> Overview:
        """How everything stands. Raises `NotAllowed` unless `actor` is an admin."""


class Adapter(Protocol):
    """One platform. `name` is stored with each of its messages."""

    name: str
    limits: Limits

    async def opened(self) -> str:
        """Wait until people can reach it; says how, in a line for the owner."""

    async def run(self, core: Core) -> None:
        """Serve the platform until cancelled. Raises `ConfigError` if it can't start as it is set up."""

    async def show(self, address: Address, card: Card) -> None:
        """Make the message at this address show the card. Raises `AddressGone` or `SlowDown`."""

    async def remove(self, address: Address) -> None:
        """Take the message away. Raises `AddressGone` or `SlowDown`."""
