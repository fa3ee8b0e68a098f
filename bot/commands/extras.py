"""Options and menus that belong to the chat rather than to a workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.contract.values import Command, Extra, Menu, ParameterSpec, ParameterType
from bot.service.offering import Offering
from bot.workflow.model import Role

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


def menus(offering: Offering) -> Sequence[Menu]:
    """What can be done with a picture: what the workflows here are for."""
    commands = {command.name: command for command in offering.commands()}
    takers = [workflow.name for workflow in offering.runnable() if workflow.images]
    used = tuple(commands[name] for name in takers if name in commands)
    found = [
        Menu(name="edit", title="Edit", commands=_of(Role.EDIT, commands)),
        Menu(name="use", title="Use as input", commands=used or _of(Role.EDIT, commands)),
        *(
            Menu(name=role, title=role.capitalize(), commands=_of(role, commands))
            for role in (Role.ANIMATE, Role.UPSCALE, Role.DESCRIBE)
        ),
    ]
    return [*(menu for menu in found if menu.commands), Menu(name="info", title="Info")]


def _of(role: Role, commands: Mapping[str, Command]) -> tuple[Command, ...]:
    return (commands[role],) if role in commands else ()
