"""The two sides of the seam: what an adapter calls, and what an adapter must be able to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from bot.contract import levels
from bot.contract.card import Action, Card, Film, Media, Preview, Raster, Span
from bot.contract.overview import Overview
from bot.contract.values import (
    Actor,
    Address,
    Answer,
    Attachment,
    Command,
    Extra,
    Invocation,
    JobId,
    JobStatus,
    Menu,
    MessageId,
    OutputRef,
    ParameterSpec,
    Place,
    PlacedCard,
    Press,
    QueueStatus,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a platform allows. `edit_seconds` is the least time between two edits of one message that show
    progress.

    `listed`: it serves listed people and places only, and admins may let in others. `shared`: several processes may
    serve it at a time, each those who come to it; any other is served by one.
    """

    edit_seconds: float
    media_per_message: int
    previews: bool
    listed: bool = False
    shared: bool = False


class Level(StrEnum):
    """How much a finding matters."""

    FINE = "fine"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found out about a platform's set-up. `text` says what, and what to do unless it is fine."""

    level: Level
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    """Everything found out with one token.

    `link` brings the bot to people; `owner` is whose bot it is, where the platform tells.
    """

    findings: tuple[Finding, ...]
    link: str | None = None
    owner: Actor | None = None

    @property
    def usable(self) -> bool:
        """Whether the bot can run with it."""
        return all(finding.level is not Level.PROBLEM for finding in self.findings)


class Guide(Protocol):
    """What a platform knows about being set up, before its adapter runs."""

    name: str
    title: str
    setting: str
    """The setting that holds the token."""
    advice: str
    """Where a token is to be had, in a few words."""

    def token(self) -> str | None:
        """The token that is set now."""

    async def examine(self, token: str) -> Examined:
        """Try a token. Never raises for what the platform answers; raises `ConfigError` for settings that are wrong."""

    async def meet(self, token: str, word: str, seconds: float) -> Actor | None:
        """Wait until somebody writes `word` to the bot, and say who it was; None if nobody did, or can."""


class Core(Protocol):
    """What an adapter may ask of the core. Any method may raise `UserError`; its text is safe to show."""

    def commands(self) -> Sequence[Command]:
        """Every command, with the choices that the ComfyUI servers offer now."""

    def extra(self, extra: Extra) -> ParameterSpec:
        """How an option that the platform carries out is published."""

    def menus(self) -> Sequence[Menu]:
        """What can be done with any picture in a chat."""

    async def invoke(self, invocation: Invocation) -> Answer:
        """Do a command. Nothing is queued if it raises."""

    async def act(self, press: Press) -> Answer:
        """Do what a card's button says."""

    async def cancel(self, actor: Actor, job: JobId) -> None:
        """Ask for the end of one's own job, or as a moderator of any. Its card says when it has ended.

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

    async def trouble(self) -> str | None:
        """Why a picture asked for here now would not be begun and shown, in a few words; None if it would."""

    async def metrics(self) -> bytes:
        """Figures of everything, in Prometheus's text format."""

    def check_held(self) -> None:
        """Raise `LeaseLost` once another process may serve the platform: nothing may be sent there any more."""

    def slowed(self) -> None:
        """The platform answered that it was asked too often, of which delivery was not told by `SlowDown`."""

    async def name_of(self, actor: Actor) -> str:
        """What a person is called: as they chose, or as their platform says."""

    async def rename(self, actor: Actor, name: str) -> str:
        """Call a person by a name of their choice; an empty one gives the platform's back. Says what it is now."""

    async def level(self, actor: Actor) -> levels.Level:
        """How far a person is trusted now."""

    async def let_in(self, *ids: str) -> bool:
        """Whether an admin let in one of these people or places, where only listed ones are served."""

    def roles(self) -> frozenset[str]:
        """Of what platforms say of people, whatever gives a level: what else there is need not be found out."""

    def admins(self) -> Sequence[str]:
        """The admins whom the owner names on this platform: their ids there."""

    async def overview(self, actor: Actor) -> Overview:
        """How everything stands. Raises `NotAllowed` unless `actor` is an admin."""

    def about(self, action: str) -> OutputRef | None:
        """The output that a button of some card is about: whose card a message is, its buttons tell."""

    async def inspect(self, place: Place, picture: OutputRef | Attachment) -> Card:
        """What is known of an output of this place, or of a picture from elsewhere."""

    async def fit(self, media: Media, limit: int) -> Media | None:
        """An output in at most `limit` bytes, made smaller if need be; None if that can't be."""

    async def film(self, media: Media) -> Film | None:
        """What there is to tell of a video; None if it can't be read."""

    async def sheet(self, media: Sequence[Media], limit: int) -> Media | None:
        """One picture in at most `limit` bytes that shows these outputs, numbered; None if it can't be made."""

    async def raster(self, preview: Preview, most: int) -> Raster | None:
        """A preview for terminals, at most `most` pixels on either side; None if it can't be read."""

    def originals(self, card: Card) -> Action | None:
        """A button for platforms that send pictures made smaller: it brings a card's outputs as they are."""

    def left_out(self, media: Sequence[Media]) -> tuple[Span, ...]:
        """A line for a card about outputs that are too large to be shown with it."""

    async def linked(self, ref: OutputRef, key: str) -> Media:
        """The output that a link of such a line leads to, whoever has the link. Raises `Stale` for any other key."""

    def existing(self, url: str) -> Card:
        """A card that leads to a message which is already there."""

    async def remember(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep something for this adapter beyond the process, under a name, in place of what was there."""

    async def recall(self, prefix: str) -> Mapping[str, Mapping[str, Any]]:
        """What was kept under names that begin so, the oldest first."""

    async def forget(self, *names: str) -> None:
        """Keep it no longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """Where one more message could show what several do, and how many edits a second all messages there may have."""

    address: Address
    rate: float


class Adapter(Protocol):
    """One platform. `name` is stored with each of its messages."""

    name: str
    limits: Limits

    async def opened(self) -> str:
        """Wait until people can reach it; says how, in a line for the owner."""

    async def run(self, core: Core) -> None:
        """Serve the platform until cancelled. Raises `ConfigError` if it can't start as it is set up."""

    def turn(self, address: Address, *, final: bool, left: float | None = None) -> float:
        """Use one edit of what the platform allows there, for `show`; or the seconds until there may be one.

        `final` is what must not wait for progress of others: first cards and ends. `left` is in how many seconds the
        message's end is likely, so that there is room for it then.
        """

    def shared(self, address: Address) -> Shared | None:
        """Where the message at this address shares its edits with others, for whoever sees it.

        None where it has edits of its own, or one person alone sees it. The same for all messages that share them
        and are seen together.
        """

    async def show(self, address: Address, card: Card) -> Address | None:
        """Make the message at this address show the card; says its address from now on if that changes.

        Raises `AddressGone`, `AddressExpired` or `SlowDown`.
        """

    async def remove(self, address: Address) -> None:
        """Take the message away. Raises `AddressGone`, `AddressExpired` or `SlowDown`."""
