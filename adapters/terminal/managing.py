"""A command of the admins, at the terminal of whoever runs the bot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from adapters.terminal.jobs import Desk
from adapters.terminal.order import person, terminal
from adapters.terminal.screen import plain
from bot.contract.line import read_line
from bot.contract.ports import Core
from bot.contract.values import Invocation, Said
from bot.errors import UnknownCommand

ALSO = ("queue",)
"""Commands of everybody that tell admins more."""


class Managing(Desk):
    """Does one command, as `pause` or `gpu back --how "hand over"`, and prints what it says."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__()
        self._line = "/" + " ".join(f'"{word}"' if " " in word else word for word in words)

    async def run(self, core: Core) -> None:
        """Whoever may read and write the data directory is its owner. Raises `UserError`."""
        commands = [each for each in core.commands() if each.admin or each.name in ALSO]
        line = read_line(self._line, commands)
        if line.command not in [each.name for each in commands]:
            names = ", ".join(sorted(each.name for each in commands))
            raise UnknownCommand(f'There is no command "{line.command}" for admins. There is: {names}.')
        answer = await core.invoke(
            Invocation(
                event_key=f"terminal:{uuid4().hex}",
                actor=replace(person(), owner=True),
                place=terminal(),
                command=line.command,
                address={},
                values=line.values,
            )
        )
        if isinstance(answer, Said):
            self.say(plain(answer.card.title))
            for spans in answer.card.body:
                self.say(plain("".join(span.text for span in spans)))
