"""A workflow: a graph, its parameters, and where each parameter's value goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.comfy.names import own_spelling
from bot.contract.values import Command, ParameterSpec, ParameterType
from bot.jobs.models import Graph


class Role(StrEnum):
    """What a workflow is for; buttons look for a workflow by its role."""

    IMAGINE = "imagine"
    EDIT = "edit"
    ANIMATE = "animate"
    UPSCALE = "upscale"
    DESCRIBE = "describe"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A node input."""

    node: str
    input: str

    def __str__(self) -> str:
        return f"{self.node}.{self.input}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A parameter and the node inputs that take its value.

    `fallback` lets a choice that no server offers become the first one offered, if nobody asked for another.
    """

    spec: ParameterSpec
    targets: tuple[Target, ...]
    fallback: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Workflow:
    """`version` is the hash of the graph; jobs are bound to it, so an edited file changes no job that waits."""

    name: str
    title: str
    description: str
    role: Role
    graph: Graph
    version: str
    parameters: tuple[Parameter, ...]

    @property
    def images(self) -> tuple[Parameter, ...]:
        """The parameters that take a picture, in their order."""
        return tuple(p for p in self.parameters if p.spec.type is ParameterType.IMAGE)

    def command(self, choices: Mapping[str, tuple[str, ...]]) -> Command:
        """The workflow as a command, with what the servers offer now for its choices."""
        specs = tuple(offered(p, choices.get(p.spec.name)) for p in self.parameters)
        return Command(
            name=self.name, title=self.title, description=self.description, parameters=specs, workflow=True
        )


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
