"""Workflows that were added while Muralist runs: every version of each, and which of them is in use."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from bot.jobs.models import Graph
from bot.store.database import Database, reading, writing
from bot.store.rows import put
from bot.store.tables import library, shelf


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """One version of a workflow. `file` is what its `workflow.toml` says, `ui` the form that its author sees.

    `number` counts from 1; `created` is in seconds since 1970.
    """

    name: str
    number: int
    graph: Graph
    ui: Mapping[str, Any] | None
    file: Mapping[str, Any]
    author: str
    created: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How it is with a workflow: the version in use, None where its files are, and whether people may use it."""

    name: str
    number: int | None
    enabled: bool


class Library:
    """Reads and writes versions of workflows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def standings(self, connection: Connection) -> Sequence[Standing]:
        """Every workflow of which anything is kept. Cheap: it is asked again and again."""
        rows = connection.execute(select(shelf).order_by(shelf.c.name))
        return [Standing(name=row.name, number=row.number, enabled=row.enabled) for row in rows]

    @reading
    def version(self, connection: Connection, name: str, number: int) -> Kept | None:
        """One version; None if there is no such."""
        query = select(library).where(library.c.name == name, library.c.number == number)
        row = connection.execute(query).one_or_none()
        return None if row is None else Kept(**row._mapping)

    @reading
    def versions(self, connection: Connection, name: str) -> Sequence[tuple[int, str, float]]:
        """Number, author and time of each version, the oldest first."""
        query = (
            select(library.c.number, library.c.author, library.c.created)
            .where(library.c.name == name)
            .order_by(library.c.number)
        )
        return [(row.number, row.author, row.created) for row in connection.execute(query)]

    @writing
    def add(
        self,
        connection: Connection,
        name: str,
        *,
        graph: Graph,
        ui: Mapping[str, Any] | None,
        file: Mapping[str, Any],
        author: str,
    ) -> int:
        """Keep a new version and use it. Its number."""
        last = connection.scalar(select(func.max(library.c.number)).where(library.c.name == name))
        number: int = (last or 0) + 1
        row = {"graph": graph, "ui": ui, "file": file, "author": author, "created": time.time()}
        connection.execute(insert(library).values(name=name, number=number, **row))
        put(connection, shelf, {"name": name}, {"number": number, "enabled": True})
        return number

    @writing
    def use(self, connection: Connection, name: str, number: int | None) -> None:
        """Use a version that is kept; None for the files."""
        put(connection, shelf, {"name": name}, {"number": number})

    @writing
    def enable(self, connection: Connection, name: str, *, enabled: bool) -> None:
        """Let people use a workflow, or no longer."""
        put(connection, shelf, {"name": name}, {"enabled": enabled})
