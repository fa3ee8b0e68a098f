"""A core that notes what it is asked, and answers as it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.cards import notes
from bot.cards.actions import read_button
from bot.commands.extras import EXTRAS
from bot.contract.card import Action, Card, Film, Media, Preview, Raster, Span
from bot.contract.levels import Level
from bot.contract.overview import Overview
from bot.contract.values import (
    Accepted,
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
    ParameterType,
    Place,
    PlacedCard,
    Press,
    QueueStatus,
    RequestId,
    Started,
)
from bot.errors import Stale, UserError

MODELS = tuple(f"{family}_{n}.safetensors" for family in ("sdxl", "flux", "qwen") for n in range(12))


def commands() -> list[Command]:
    """One of every kind of parameter."""
    text = ParameterSpec(
        name="prompt", type=ParameterType.TEXT, title="Prompt", description="What it shows", required=True,
        max_length=4000,
    )  # fmt: skip
    picture = ParameterSpec(name="image", type=ParameterType.IMAGE, title="Picture", required=True)
    second = ParameterSpec(name="second", type=ParameterType.IMAGE, title="Second picture")
    imagine = Command(
        name="imagine",
        title="Imagine",
        description="A picture from words",
        workflow=True,
        parameters=(
            ParameterSpec(name="steps", type=ParameterType.INTEGER, title="Steps", minimum=1, maximum=100),
            ParameterSpec(name="cfg", type=ParameterType.NUMBER, title="CFG", minimum=1.0, maximum=30.0),
            ParameterSpec(name="tiled", type=ParameterType.BOOLEAN, title="Tiled"),
            ParameterSpec(name="seed", type=ParameterType.SEED, title="Seed", minimum=0, maximum=2**64 - 1),
            ParameterSpec(
                name="sampler", type=ParameterType.CHOICE, title="Sampler", choices=("euler", "ddim")
            ),
            ParameterSpec(name="model", type=ParameterType.CHOICE, title="Model", choices=MODELS),
            text,
        ),
    )
    edit = Command(
        name="edit",
        title="Edit a picture",
        description="By words",
        workflow=True,
        parameters=(text, picture, second),
    )
    upscale = Command(
        name="upscale", title="Upscale", description="Larger", workflow=True, parameters=(picture,)
    )
    help_ = Command(name="help", title="Help", description="What can be asked for")
    stop = Command(name="stop", title="Stop", description="Stop everything", level=Level.ADMIN)
    return [imagine, edit, upscale, help_, stop]


@dataclass
class ScriptedCore:
    """`answers` are given in turn; an error among them is raised. Without any, a request is started."""

    published: list[Command] = field(default_factory=commands)
    answers: list[Answer | UserError] = field(default_factory=list)
    invoked: list[Invocation] = field(default_factory=list)
    pressed: list[Press] = field(default_factory=list)
    inspected: list[OutputRef | str] = field(default_factory=list)
    kept: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    shrinks: bool = False
    """Whether outputs can be made to fit."""

    def commands(self) -> Sequence[Command]:
        return self.published

    def extra(self, extra: Extra) -> ParameterSpec:
        return EXTRAS[extra]

    def menus(self) -> Sequence[Menu]:
        edit, upscale = self.published[1], self.published[2]
        return [
            Menu(name="edit", title="Edit", commands=(edit,)),
            Menu(name="use", title="Use as input", commands=(edit, upscale)),
            Menu(name="animate", title="Animate", commands=(upscale,)),
            Menu(name="info", title="Info"),
        ]

    async def invoke(self, invocation: Invocation) -> Answer:
        self.invoked.append(invocation)
        return self._answer(invocation.address)

    async def act(self, press: Press) -> Answer:
        self.pressed.append(press)
        return self._answer(press.address)

    def about(self, action: str) -> OutputRef | None:
        try:
            return read_button(action).ref
        except Stale:
            return None

    async def inspect(self, place: Place, picture: OutputRef | Attachment) -> Card:
        self.inspected.append(picture.name if isinstance(picture, Attachment) else picture)
        return notes.note("It is a fox")

    async def fit(self, media: Media, limit: int) -> Media | None:
        if media.size <= limit or not self.shrinks:
            return media if media.size <= limit else None
        path = media.path.with_name(f"{media.path.name}-{limit}")
        path.write_bytes(bytes(limit))
        return replace(media, path=path, size=limit)

    async def sheet(self, media: Sequence[Media], limit: int) -> Media | None:
        raise AssertionError("Discord shows each picture by itself")

    async def raster(self, preview: Preview, most: int) -> Raster | None:
        raise AssertionError("Discord shows previews as files")

    def originals(self, card: Card) -> Action | None:
        raise AssertionError("Discord shows the pictures as they are")

    def left_out(self, media: Sequence[Media]) -> tuple[Span, ...]:
        return notes.left_out([(each, None) for each in media])

    async def linked(self, ref: OutputRef, key: str) -> Media:
        raise AssertionError("that is for the page")

    def existing(self, url: str) -> Card:
        return notes.existing(url)

    async def remember(self, name: str, value: Mapping[str, Any]) -> None:
        self.kept[name] = value

    async def recall(self, prefix: str) -> Mapping[str, Mapping[str, Any]]:
        return {name: value for name, value in self.kept.items() if name.startswith(prefix)}

    async def forget(self, *names: str) -> None:
        for name in names:
            self.kept.pop(name, None)

    async def cancel(self, actor: Actor, job: JobId) -> None:
        raise AssertionError("Discord's adapter cancels by buttons")

    async def job(self, place: Place, job: JobId) -> JobStatus:
        raise AssertionError("Discord's adapter asks for no job")

    def watch(self, place: Place, job: JobId) -> AsyncIterator[JobStatus | Preview]:
        raise AssertionError("Discord's adapter watches no job")

    async def cards(
        self, place: Place, *, before: MessageId | None = None, words: str = "", most: int = 50
    ) -> Sequence[PlacedCard]:
        raise AssertionError("Discord keeps the cards itself")

    async def output(self, place: Place, ref: OutputRef) -> Media:
        raise AssertionError("cards bring their media along")

    async def queue(self) -> QueueStatus:
        raise AssertionError("that is a command of the core's")

    def check_held(self) -> None:
        """Nobody else serves it."""

    async def trouble(self) -> str | None:
        raise AssertionError("that is for who watches the page")

    async def metrics(self) -> bytes:
        raise AssertionError("that is for metrics")

    def slowed(self) -> None:
        """Nobody counts here."""

    async def name_of(self, actor: Actor) -> str:
        raise AssertionError("Discord knows its people's names")

    async def rename(self, actor: Actor, name: str) -> str:
        raise AssertionError("people change their names at Discord")

    async def level(self, actor: Actor) -> Level:
        raise AssertionError("the core asks that of itself")

    def roles(self) -> frozenset[str]:
        raise AssertionError("Discord tells all roles anyway")

    async def film(self, media: Media) -> Film | None:
        raise AssertionError("Discord looks at videos itself")

    async def let_in(self, *ids: str) -> bool:
        """Nobody was: everybody is served."""
        del ids
        return False

    def admins(self) -> Sequence[str]:
        raise AssertionError("Discord's own permissions hide commands")

    async def overview(self, actor: Actor) -> Overview:
        raise AssertionError("that is the page's")

    def _answer(self, address: Address) -> Answer:
        if not self.answers:
            return started(address)
        answer = self.answers.pop(0)
        if isinstance(answer, UserError):
            raise answer
        return answer


def started(address: Address | None, *, existing: bool = False) -> Started:
    """A request that was made, or had been."""
    return Started(
        request=RequestId("r"), job=JobId("j"), message=MessageId("m"), address=address, existing=existing
    )


ACCEPTED = Accepted()
