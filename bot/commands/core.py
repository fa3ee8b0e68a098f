"""The core as one adapter sees it: every command and button ends here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bot.cards import notes, render
from bot.cards.actions import read_button
from bot.cards.workshop import is_choice
from bot.commands.admin import ADMIN
from bot.commands.admission import ADMISSION, let_in
from bot.commands.community import COMMUNITY
from bot.commands.extras import EXTRAS, menus
from bot.commands.general import GENERAL
from bot.commands.languages import in_languages, menu_in_languages, parameter_in_languages
from bot.commands.registry import Context, Entry
from bot.commands.workflows import WORKFLOWS, press_of
from bot.contract.card import Action, Card, Film, Media, Preview, Raster, Span
from bot.contract.levels import Level
from bot.contract.overview import Overview
from bot.contract.values import (
    Actor,
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
from bot.errors import Stale, UnknownCommand
from bot.service.act import Act
from bot.service.grounds import Grounds
from bot.service.links import Links
from bot.service.look import Look
from bot.service.moderate import Moderate
from bot.service.offering import Offering
from bot.service.outgoing import Outgoing
from bot.service.oversee import Oversee
from bot.service.people import People
from bot.service.quota import Quota
from bot.service.rights import ADD, Rights
from bot.service.steer import Steer
from bot.service.submit import Submit
from bot.service.vitals import Vitals
from bot.service.workshop import Workshop
from bot.store.memory import Memory
from bot.store.statistics import Statistics
from bot.workflow.model import Role
from bot.workflow.values import nearest


def spoken_for() -> frozenset[str]:
    """The names of commands that belong to no workflow, and the first words of them."""
    names = (*GENERAL, *COMMUNITY, *ADMIN, *ADMISSION, *WORKFLOWS)
    return frozenset({*names, *(name.partition(" ")[0] for name in names)})


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundCore:
    """Implements `bot.contract.ports.Core` for the adapter of this name."""

    adapter: str
    listed: bool
    offering: Offering
    submit: Submit
    workshop: Workshop
    acting: Act
    look: Look
    people: People
    rights: Rights
    moderate: Moderate
    grounds: Grounds
    quota: Quota
    oversee: Oversee
    steer: Steer
    statistics: Statistics
    outgoing: Outgoing
    links: Links
    memory: Memory
    vitals: Vitals

    def commands(self) -> list[Command]:
        """Every command: the roles, the workflows, then the others."""
        made = self.offering.commands()
        return [in_languages(each) for each in (*made, *(entry.command for entry in self._general.values()))]

    def _commands_of(self, level: Level) -> list[Command]:
        """Those that people of a level may use."""
        return [command for command in self.commands() if level >= command.level]

    @property
    def _general(self) -> Mapping[str, Entry]:
        """The commands that belong to no workflow."""
        return {**GENERAL, **COMMUNITY, **ADMIN, **WORKFLOWS, **(ADMISSION if self.listed else {})}

    def extra(self, extra: Extra) -> ParameterSpec:
        """How an option that the platform carries out is published."""
        return parameter_in_languages(EXTRAS[extra])

    def menus(self) -> Sequence[Menu]:
        """What can be done with any picture in a chat."""
        return [menu_in_languages(menu) for menu in menus(self.offering)]

    def about(self, action: str) -> OutputRef | None:
        """The output that a button of some card is about."""
        try:
            return read_button(action).ref
        except Stale:
            return None

    async def invoke(self, invocation: Invocation) -> Answer:
        """Do a command. Words without a command, said in reply to a picture or with one, edit it."""
        name = invocation.command
        if not name:
            if invocation.reply_to is None and not invocation.attachments:
                raise UnknownCommand("Begin with a command, as in /imagine a red fox. /help lists them all.")
            name = Role.EDIT
            invocation = replace(invocation, command=name)
        if self.offering.has(name):
            return await self.submit.submit(invocation, self.adapter)
        if name in self._general:
            return await self._do(self._general[name], invocation)
        level = await self.rights.level(invocation.actor)
        parts = [each.name for each in self._commands_of(level) if each.name.startswith(f"{name} ")]
        if parts:
            raise UnknownCommand(f"/{name} needs a word more: /{', /'.join(parts)}.")
        near = nearest(name, [command.name for command in self._commands_of(level)], 1)
        hint = f"Did you mean /{near[0]}?" if near else "/help lists them all."
        raise UnknownCommand(f"There is no command /{name}. {hint}")

    async def _do(self, entry: Entry, invocation: Invocation) -> Answer:
        level = await self.rights.require(invocation.actor, f"/{entry.command.name}")
        context = Context(
            look=self.look,
            oversee=self.oversee,
            steer=self.steer,
            statistics=self.statistics,
            commands=partial(self._commands_of, level),
            memory=self.memory,
            adapter=self.adapter,
            level=level,
            moderate=self.moderate,
            grounds=self.grounds,
            quota=self.quota,
            submit=self.submit,
            workshop=self.workshop,
        )
        return await entry.handler(context, invocation)

    async def act(self, press: Press) -> Answer:
        """Do what a card's button says."""
        if is_choice(press.action):
            await self.rights.require(press.actor, ADD)
            return await press_of(self.workshop, self.submit, press, self.adapter)
        return await self.acting.act(press, self.adapter)

    async def cancel(self, actor: Actor, job: JobId) -> None:
        """Ask for the end of one's own job, or as a moderator of any."""
        await self.acting.cancel(actor, job)

    async def job(self, place: Place, job: JobId) -> JobStatus:
        """How a job of this place stands."""
        return await self.look.job(place, job)

    def watch(self, place: Place, job: JobId) -> AsyncIterator[JobStatus | Preview]:
        """How a job stands now and after every change."""
        return self.look.watch(place, job)

    async def cards(
        self, place: Place, *, before: MessageId | None = None, words: str = "", most: int = 50
    ) -> Sequence[PlacedCard]:
        """The newest messages of a place as they stand, oldest first."""
        return await self.look.cards(place, before=before, words=words, most=most)

    async def output(self, place: Place, ref: OutputRef) -> Media:
        """A finished output of this place."""
        return await self.look.output(place, ref)

    async def queue(self) -> QueueStatus:
        """The queue in numbers."""
        return await self.look.queue()

    async def trouble(self) -> str | None:
        """Why a picture asked for here now would not be begun and shown."""
        return await self.vitals.trouble(self.adapter)

    async def metrics(self) -> bytes:
        """Figures of everything, in Prometheus's text format."""
        return await self.vitals.metrics()

    def check_held(self) -> None:
        """Raise `LeaseLost` once another process may serve the platform."""
        self.vitals.check_held(self.adapter)

    def slowed(self) -> None:
        """The platform answered that it was asked too often."""
        self.vitals.slowed(self.adapter)

    async def name_of(self, actor: Actor) -> str:
        """What a person is called."""
        return await self.people.name_of(actor)

    async def rename(self, actor: Actor, name: str) -> str:
        """Call a person by a name of their choice."""
        return await self.people.rename(actor, name)

    async def level(self, actor: Actor) -> Level:
        """How far a person is trusted now."""
        return await self.rights.level(actor)

    async def let_in(self, *ids: str) -> bool:
        """Whether an admin let in one of these people or places."""
        return self.listed and await let_in(self.memory, self.adapter, ids)

    def roles(self) -> frozenset[str]:
        """The roles of people that the settings give a level."""
        return frozenset(self.rights.policy.levels)

    def admins(self) -> Sequence[str]:
        """The ids of the admins who are named on this adapter's platform."""
        return self.rights.named(self.adapter)

    async def overview(self, actor: Actor) -> Overview:
        """How everything stands, for admins."""
        return await self.oversee.overview(actor)

    async def inspect(self, place: Place, picture: OutputRef | Attachment) -> Card:
        """What is known of an output of this place, or of a picture from elsewhere."""
        if isinstance(picture, Attachment):
            return await self.outgoing.inspect(picture)
        return render.info(await self.look.view(place, picture.job))

    async def fit(self, media: Media, limit: int) -> Media | None:
        """An output in at most `limit` bytes; None if that can't be."""
        return await self.outgoing.fit(media, limit)

    async def film(self, media: Media) -> Film | None:
        """What there is to tell of a video; None if it can't be read."""
        return await self.outgoing.film(media)

    async def sheet(self, media: Sequence[Media], limit: int) -> Media | None:
        """One picture that shows these outputs, numbered; None if it can't be made."""
        return await self.outgoing.sheet(media, limit)

    async def raster(self, preview: Preview, most: int) -> Raster | None:
        """A preview for terminals; None if it can't be read."""
        return await self.outgoing.raster(preview, most)

    def originals(self, card: Card) -> Action | None:
        """A button that brings a card's outputs as they are."""
        return render.originals(card)

    def left_out(self, media: Sequence[Media]) -> tuple[Span, ...]:
        """A line about outputs that are too large to be shown."""
        return notes.left_out([(each, self.links.to(each)) for each in media])

    async def linked(self, ref: OutputRef, key: str) -> Media:
        """The output that a link of `left_out` leads to."""
        return await self.links.open(self.look, ref, key)

    def existing(self, url: str) -> Card:
        """A card that leads to a message which is already there."""
        return notes.existing(url)

    async def remember(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep something for this adapter beyond the process."""
        await self.memory.keep(self.adapter, name, value)

    async def recall(self, prefix: str) -> Mapping[str, Mapping[str, Any]]:
        """What was kept under names that begin so, the oldest first."""
        return await self.memory.find(self.adapter, prefix)

    async def forget(self, *names: str) -> None:
        """Keep it no longer."""
        await self.memory.drop(self.adapter, *names)
