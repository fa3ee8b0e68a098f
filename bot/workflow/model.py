"""A workflow: a graph, its parameters, and where each parameter's value goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.comfy.names import own_spelling
from bot.contract.values import Command, ParameterSpec, ParameterType
from bot.jobs.models import Graph


class Role(StrEnum):
    """What workflows are for. Each is a command, served by the first workflow that can run."""

    IMAGINE = "imagine"
    EDIT = "edit"
    VARY = "vary"
    ANIMATE = "animate"
    UPSCALE = "upscale"
    INPAINT = "inpaint"
    DESCRIBE = "describe"
    MUSIC = "music"


ROLES: Mapping[Role, str] = {
    Role.IMAGINE: "A picture from words",
    Role.EDIT: "Change a picture by words",
    Role.VARY: "Another picture like this one",
    Role.ANIMATE: "A film from a picture",
    Role.UPSCALE: "A larger picture",
    Role.INPAINT: "Replace a part of a picture",
    Role.DESCRIBE: "What a picture shows, in words",
    Role.MUSIC: "Music from words",
}
"""What they do, as people read it; in the order in which they are listed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A node input."""

    node: str
    input: str

    def __str__(self) -> str:
        return f"{self.node}.{self.input}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Frames:
    """How a length in seconds becomes one in frames: `fps` a second, and `first` more than a multiple of `step`."""

    fps: float
    step: int = 1
    first: int = 1

    def of(self, seconds: float) -> int:
        """The nearest number of frames that the model can make."""
        return max(0, round((seconds * self.fps - self.first) / self.step)) * self.step + self.first


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A parameter and the node inputs that take its value.

    `fallback` lets a choice that no server offers become the first one offered, if nobody asked for another.
    `families` are the kinds of models that a choice is limited to. `frames` turns seconds into frames.
    `without` are the nodes that are left out where no picture is given.
    """

    spec: ParameterSpec
    targets: tuple[Target, ...]
    fallback: bool = False
    families: tuple[str, ...] = ()
    frames: Frames | None = None
    without: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Workflow:
    """`version` is the hash of the graph; jobs are bound to it, so an edited file changes no job that waits.

    Of those that serve a role, the one with the least `order` comes first. `bundled`: it came with Muralist.
    `guessed`: nobody said which roles it serves. `age_restricted`: it runs in places alone that let only adults in.
    `revision` counts the versions of one that was added in a chat.
    """

    name: str
    title: str
    description: str
    roles: tuple[Role, ...] = ()
    order: int = 0
    age_restricted: bool = False
    bundled: bool = False
    guessed: bool = False
    graph: Graph
    version: str
    revision: int | None = None
    parameters: tuple[Parameter, ...]

    @property
    def images(self) -> tuple[Parameter, ...]:
        """The parameters that take a picture, in their order."""
        return tuple(p for p in self.parameters if p.spec.type is ParameterType.IMAGE)

    @property
    def files(self) -> tuple[Parameter, ...]:
        """The parameters that take a file: pictures, masks, videos, sounds; in their order."""
        return tuple(p for p in self.parameters if p.spec.type.attached)

    def command(self, choices: Mapping[str, tuple[str, ...]]) -> Command:
        """The workflow as a command, with what the servers offer now for its choices."""
        specs = tuple(offered(p, choices.get(p.spec.name)) for p in self.parameters)
        return Command(
            name=self.name,
            title=self.title,
            description=self.description,
            parameters=specs,
            workflow=True,
            age_restricted=self.age_restricted,
        )

    def serving(self, role: Role, choices: Mapping[str, tuple[str, ...]]) -> Command:
        """The command of a role that this workflow serves."""
        return replace(self.command(choices), name=role, title=role.capitalize(), description=ROLES[role])


def offered(parameter: Parameter, choices: tuple[str, ...] | None) -> ParameterSpec:
    """The parameter's spec with what the servers offer now; None if that is not known."""
    spec = parameter.spec
    if spec.type is not ParameterType.CHOICE or choices is None:
        return spec
    default = spec.default
    if isinstance(default, str):
        default = own_spelling(default, choices) or default
    if parameter.fallback and choices and default not in choices:
        default = choices[0]
    return replace(spec, choices=choices, default=default)
