"""Options and menus that belong to the chat rather than to a workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.contract.values import Command, Extra, Menu, ParameterSpec, ParameterType
from bot.workflow.model import Role, Workflow

EXTRAS: Mapping[Extra, ParameterSpec] = {
    Extra.PRIVATE: ParameterSpec(
        name=Extra.PRIVATE,
        type=ParameterType.BOOLEAN,
        title="Private",
        description="Only you see it",
    ),
    Extra.SPOILER: ParameterSpec(
        name=Extra.SPOILER,
        type=ParameterType.BOOLEAN,
        title="Spoiler",
        description="Hide the pictures until somebody looks",
    ),
}


def menus(commands: Mapping[str, Command], workflows: Mapping[str, Workflow]) -> Sequence[Menu]:
    """What can be done with a picture: what the workflows here are for."""
    takers = [workflow for workflow in workflows.values() if workflow.images]
    found = [
        Menu(name="edit", title="Edit", commands=_of_role(takers, Role.EDIT, commands)[:1]),
        Menu(name="use", title="Use as input", commands=tuple(commands[taker.name] for taker in takers)),
        Menu(name="animate", title="Animate", commands=_of_role(takers, Role.ANIMATE, commands)[:1]),
    ]
    return [*(menu for menu in found if menu.commands), Menu(name="info", title="Info")]


def _of_role(
    workflows: Sequence[Workflow], role: Role, commands: Mapping[str, Command]
) -> tuple[Command, ...]:
    return tuple(commands[workflow.name] for workflow in workflows if workflow.role is role)
