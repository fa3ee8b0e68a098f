"""Statements that come again, which go straight to the driver, against what SQLAlchemy makes of them the first time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    Executable,
    Float,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    TextClause,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError, MultipleResultsFound, NoResultFound, SQLAlchemyError

from bot.store.database import Database
from bot.store.quick import Rows

metadata = MetaData()
thing = Table(
    "thing",
    metadata,
    Column("id", String, primary_key=True),
    Column("index", Integer),
    Column("sure", Boolean, nullable=False),
    Column("seconds", Float),
    Column("latest", JSON),
    Column("kept", JSON(none_as_null=True)),
)

NEW = insert(thing)
KINDS = select(
    (thing.c.seconds / 2).label("half"),
    func.sum(thing.c.index).over(),
    (thing.c.index * literal(Decimal("0.25"), Numeric(10, 2))).label("exact"),
    literal(Decimal("0.5"), Numeric(10, 2, asdecimal=False)).label("rough"),
    thing.c.latest,
    thing.c.kept["ü"].label("inner"),
    (thing.c.sure & bindparam("so", True)).label("both"),
    literal(date(2026, 1, 2), Date).label("when"),
)
ONE = select(thing).where(thing.c.id == bindparam("which"))
SOME = (
    select(thing)
    .where(thing.c.id.in_(bindparam("ids", expanding=True)), thing.c.index >= 0)
    .order_by(thing.c.id)
)
THESE = select(thing.c.id).where(thing.c.id.in_(["a", "c"])).order_by(thing.c.id)
COUNTED = select(func.count(), select(func.max(thing.c.index)).scalar_subquery(), thing.c.sure.label("so"))
GONE = delete(thing).where(thing.c.index >= bindparam("least"))
CHANGED = update(thing).where(thing.c.id == bindparam("which"))
MORE = (
    update(thing).where(thing.c.sure.is_(True)).values(index=thing.c.index + bindparam("by", type_=Integer))
)

ROWS: list[dict[str, Any]] = [
    {"id": "a", "index": 1, "sure": True, "seconds": 1.5, "latest": [1, {"b": None}], "kept": None},
    {"id": "b", "index": 2, "sure": False, "seconds": None, "latest": None, "kept": {"ü": [2.5]}},
    {"id": "c", "index": 3, "sure": True, "seconds": 3.0, "latest": "text", "kept": []},
]


@pytest.fixture
async def filled(url: str) -> AsyncIterator[Database]:
    """A database with the table and its rows, for which the insert came twice."""
    async with Database(url) as opened:
        await opened.driver.change(metadata.create_all)
        await opened.write(lambda connection: connection.execute(NEW, ROWS[:1]))
        await opened.write(lambda connection: connection.execute(NEW, ROWS[1:]))
        yield opened


@pytest.mark.parametrize(
    ("statement", "given"),
    [
        (ONE, {"which": "a"}),
        (ONE, {"which": "nobody"}),
        (SOME, {"ids": ["c", "a", "b"]}),
        (SOME, {"ids": ("b",)}),
        (SOME, {"ids": []}),
        (THESE, {}),
        (COUNTED.group_by(thing.c.sure).order_by(thing.c.sure), {}),
        (KINDS.order_by(thing.c.id), {}),
        (text("SELECT id FROM thing ORDER BY id"), {}),
    ],
)
async def test_rows_are_the_same_each_time(
    filled: Database, statement: Executable, given: dict[str, object]
) -> None:
    def rows(connection: Connection) -> tuple[bool, list[list[tuple[type, object]]]]:
        found = connection.execute(statement, given)
        straight = isinstance(found, Rows)
        return straight, [[(type(value), value) for value in row] for row in found.all()]

    (by_sqlalchemy, first), (straight, second), (_, third) = [await filled.read(rows) for _ in range(3)]
    assert first == second == third
    assert (by_sqlalchemy, straight) == (False, not isinstance(statement, TextClause))


async def test_rows_have_the_names_of_their_columns(filled: Database) -> None:
    def ask(connection: Connection) -> None:
        assert [row._asdict() for row in connection.execute(SOME, {"ids": ["a", "b", "c"]})] == ROWS
        assert list(connection.scalars(THESE)) == ["a", "c"]
        assert (connection.scalar(THESE), connection.scalar(ONE, {"which": "x"})) == ("a", None)

    for _ in range(3):
        await filled.read(ask)


async def test_changes_tell_how_many_rows_they_found(filled: Database) -> None:
    changes: list[dict[str, Any]] = [
        {"which": "a", "sure": False},
        {"which": "b", "sure": True, "latest": {"x": 1}},
        {"which": "c", "sure": False},
        {"which": "x", "sure": True},
    ]

    def change(connection: Connection) -> None:
        counts = [connection.execute(CHANGED, each).rowcount for each in changes]
        assert counts == [1, 1, 1, 0]
        assert connection.execute(NEW, {**ROWS[0], "id": "d", "sure": False, "index": -1}).rowcount == 1
        assert [connection.execute(MORE, {"by": by}).rowcount for by in (10, 100)] == [1, 1]
        found: Any = connection.execute(SOME, {"ids": ["a", "b", "c"]})
        assert [(row.id, row.index, row.sure, row.latest) for row in found] == [
            ("a", 1, False, [1, {"b": None}]),
            ("b", 112, True, {"x": 1}),
            ("c", 3, False, "text"),
        ]
        connection.execute(CHANGED, [{"which": which, "seconds": 7.0} for which in ("a", "b")])
        assert [row.seconds for row in connection.execute(SOME, {"ids": ["a", "b", "c"]})] == [7.0, 7.0, 3.0]
        assert [connection.execute(GONE, {"least": least}).rowcount for least in (112, 0, 0, -1)] == [
            1,
            2,
            0,
            1,
        ]

    await filled.write(change)
    assert await filled.read(lambda connection: connection.execute(select(thing)).all()) == []


@pytest.mark.parametrize("times", [1, 2], ids=["by SQLAlchemy", "straight"])
async def test_errors_are_those_of_sqlalchemy(filled: Database, times: int) -> None:
    everything = select(thing)
    refused: list[tuple[Executable, dict[str, Any], str]] = [
        (insert(thing), ROWS[0], r"(?i)unique"),
        (insert(thing), {"id": "d", "sure": None}, r"(?i)not.null"),
    ]
    for statement, row, words in refused:
        for _ in range(times):
            with pytest.raises(IntegrityError, match=words):
                await filled.write(lambda connection, s=statement, r=row: connection.execute(s, r))  # type: ignore[misc]
    for _ in range(times):
        with pytest.raises(SQLAlchemyError, match="which"):
            await filled.read(lambda connection: connection.execute(ONE, {}))
        with pytest.raises(NoResultFound):
            await filled.read(lambda connection: connection.execute(ONE, {"which": "nobody"}).one())
        with pytest.raises(MultipleResultsFound):
            await filled.read(lambda connection: connection.execute(everything).one_or_none())
    assert len(await filled.read(lambda connection: connection.execute(everything).all())) == 3
