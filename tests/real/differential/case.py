"""A case, and the groups that they stand in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.real.differential.answers import Json
from tests.real.differential.graphs import placed
from tests.real.differential.side import Side

Act = Callable[[Side], Awaitable[Any]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something done to a server; `act` gives back what was seen, in plain values."""

    name: str
    act: Act
    needs_checkpoint: bool = False


class Group:
    """Cases of one subject; its name stands before theirs."""

    def __init__(self, name: str, *, needs_checkpoint: bool = False) -> None:
        self.name = name
        self.cases: list[Case] = []
        self._needs_checkpoint = needs_checkpoint

    def __call__(self, act: Act) -> Act:
        """Decorate a function that is a case."""
        self.add(getattr(act, "__name__", repr(act)), act)
        return act

    def add(self, name: str, act: Act) -> None:
        """Add a case that is made from a table."""
        case = Case(name=f"{self.name}/{name}", act=act, needs_checkpoint=self._needs_checkpoint)
        self.cases.append(case)

    def requests(self, table: Mapping[str, tuple[Any, ...]]) -> None:
        """Add one request a row: name to (method, path) or (method, path, options).

        `RUN` in a path or in the options stands for the name of the run.
        """
        for name, row in table.items():
            self.add(name, _request(*row))


def _request(method: str, path: str, options: Mapping[str, Any] | None = None) -> Act:
    async def act(side: Side) -> Json:
        given = placed(dict(options or {}), side.run_name)
        return (await side.ask(method, path.replace("RUN", side.run_name), **given)).seen()

    return act
