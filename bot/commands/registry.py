"""The decorator that makes a function a command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.contract.levels import Level
from bot.contract.values import Answer, Command, Invocation, ParameterSpec
from bot.service.grounds import Grounds
from bot.service.look import Look
from bot.service.moderate import Moderate
from bot.service.oversee import Oversee
from bot.service.quota import Quota
from bot.service.rights import LEAST
from bot.service.steer import Steer
from bot.service.submit import Submit
from bot.service.workshop import Workshop
from bot.store.memory import Memory
from bot.store.statistics import Statistics


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a command may use: how things stand, the commands that the asker has, and what an adapter keeps.

    `level` is the asker's. `moderate`, `grounds` and `quota` are about people and places; for admins there are
    `oversee`, `steer` and `statistics`.
    """

    look: Look
    oversee: Oversee
    steer: Steer
    statistics: Statistics
    commands: Callable[[], list[Command]]
    memory: Memory
    adapter: str
    level: Level
    moderate: Moderate
    grounds: Grounds
    quota: Quota
    submit: Submit
    workshop: Workshop


Handler = Callable[[Context, Invocation], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A command and the function that does it."""

    command: Command
    handler: Handler


def command(
    registry: dict[str, Entry],
    name: str,
    description: str,
    *parameters: ParameterSpec,
) -> Callable[[Handler], Handler]:
    """Put the decorated function into `registry` as the command `/name`, for whom `LEAST` says."""

    def register(handler: Handler) -> Handler:
        published = Command(
            name=name,
            title=name.capitalize(),
            description=description,
            parameters=parameters,
            level=LEAST[f"/{name}"],
        )
        registry[name] = Entry(command=published, handler=handler)
        return handler

    return register
