"""The decorator that makes a function a command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.contract.levels import Level
from bot.contract.values import Answer, Command, Invocation, ParameterSpec
from bot.service.look import Look
from bot.service.rights import LEAST
from bot.service.submit import Submit
from bot.service.workshop import Workshop
from bot.store.memory import Memory


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a command may use: how things stand, the commands that the asker has, and what an adapter keeps.

    `level` is the asker's.
    """

    look: Look
    commands: Callable[[], list[Command]]
    memory: Memory
    adapter: str
    level: Level
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
