"""Statements that come again, which go straight to SQLite, against what SQLAlchemy makes of them the first time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Executable,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError, MultipleResultsFound, NoResultFound, SQLAlchemyError

from bot.store.quick import Forms, Quick

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
ONE = select(thing).where(thing.c.id == bindparam("which"))
SOME = (
    select(thing)
    .where(thing.c.id.in_(bindparam("ids", expanding=True)), thing.c.index >= 0)
    .order_by(thing.c.id)
)
THESE = select(thing.c.id).where(thing.c.id.in_(["a", "c"])).order_by(thing.c.id)
COUNTED = select(func.count(), select(func.max(thing.c.index)).scalar_subquery(), thing.c.sure.label("so"))
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
def connection(tmp_path: Path) -> Iterator[Quick]:
    engine = create_engine(f"sqlite:///{tmp_path / 'quick.db'}")
    metadata.create_all(engine)
    opened = Quick(engine, Forms(engine.dialect))
    with opened.begin():
        opened.execute(NEW, ROWS[:1])
        opened.execute(NEW, ROWS[1:])  # the second time
        yield opened
    opened.close()
    engine.dispose()


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
        (text("SELECT id FROM thing ORDER BY id"), {}),
    ],
)
def test_rows_are_the_same_each_time(
    connection: Quick, statement: Executable, given: dict[str, object]
) -> None:
    first, second, third = (
        [tuple(row) for row in connection.execute(statement, given).all()] for _ in range(3)
    )
    assert first == second == third


def test_rows_have_the_names_of_their_columns(connection: Quick) -> None:
    for _ in range(2):
        assert [row._asdict() for row in connection.execute(SOME, {"ids": ["a", "b", "c"]})] == ROWS
        assert list(connection.scalars(THESE)) == ["a", "c"]
        assert (connection.scalar(THESE), connection.scalar(ONE, {"which": "x"})) == ("a", None)


def test_changes_tell_how_many_rows_they_found(connection: Quick) -> None:
    changes: list[dict[str, Any]] = [
        {"which": "a", "sure": False},
        {"which": "b", "sure": True, "latest": {"x": 1}},
        {"which": "c", "sure": False},
        {"which": "x", "sure": True},
    ]
    counts = [connection.execute(CHANGED, change).rowcount for change in changes]
    assert counts == [1, 1, 1, 0]
    assert [connection.execute(MORE, {"by": by}).rowcount for by in (10, 100)] == [1, 1]
    found = connection.execute(SOME, {"ids": ["a", "b", "c"]})
    assert [(row.id, row.index, row.sure, row.latest) for row in found] == [
        ("a", 1, False, [1, {"b": None}]),
        ("b", 112, True, {"x": 1}),
        ("c", 3, False, "text"),
    ]
    assert connection.execute(delete(thing)).rowcount == 3


def test_errors_are_those_of_sqlalchemy(connection: Quick) -> None:
    for row in ROWS[:2]:
        with pytest.raises(IntegrityError, match="UNIQUE"):
            connection.execute(NEW, row)
    connection.execute(ONE, {"which": "a"})
    with pytest.raises(SQLAlchemyError, match="which"):
        connection.execute(ONE, {})
    with pytest.raises(NoResultFound):
        connection.execute(ONE, {"which": "nobody"}).one()
    everything = select(thing)
    connection.execute(everything)
    with pytest.raises(MultipleResultsFound):
        connection.execute(everything).one_or_none()
