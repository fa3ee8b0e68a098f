"""What only a server can do to us: restart, die, and lose the answer to a commit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import Connection, Float, bindparam, func, insert, make_url, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from bot.store import postgres
from bot.store.database import Database
from bot.store.tables import account
from tests.postgres import Server, running


@pytest.fixture(scope="module")
def mortal() -> Iterator[Server]:
    """A server that these tests may kill."""
    with running() as server:
        yield server


@pytest.fixture
async def url(mortal: Server, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A database with its tables."""
    name = f"database_{request.node.name}".replace("[", "-").replace("]", "")
    url = mortal.create(name)
    async with Database(url) as database:
        await database.upgrade()
    yield url
    mortal.drop(name)


ADD = insert(account)
NAMES = select(account.c.id).order_by(account.c.id)
SLEEP = select(func.pg_sleep(bindparam("seconds", type_=Float)))
OPEN = select(func.count()).select_from(
    text("pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'")
)


class Adds:
    """Adds an account and counts how often it was run."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.times = 0

    def __call__(self, connection: Connection) -> str:
        self.times += 1
        connection.execute(ADD, {"id": self.name, "created": 1.0})
        return self.name


def names(connection: Connection) -> list[str]:
    """All accounts."""
    return list(connection.scalars(NAMES))


async def test_a_server_that_was_killed_is_waited_for(mortal: Server, url: str) -> None:
    """Whoever asks meanwhile is answered once it is back, as if nothing had been."""
    async with Database(url) as database:
        for name in ("a", "b"):  # the second time the statements go straight to the driver
            await database.write(Adds(name))
            await database.read(names)
        mortal.kill()
        asked = [
            asyncio.create_task(database.read(names)),
            asyncio.create_task(database.write(Adds("during"))),
        ]
        done, _ = await asyncio.wait(asked, timeout=1)
        assert not done
        await asyncio.to_thread(mortal.start)
        seen, wrote = await asyncio.gather(*asked)
        assert seen in (["a", "b"], ["a", "b", "during"])
        assert wrote == "during"
        assert await database.read(names) == ["a", "b", "during"]


async def test_a_server_that_dies_under_a_statement_is_waited_for(mortal: Server, url: str) -> None:
    """What it had not answered is done again, and once."""
    asked = threading.Event()
    adds = Adds("ann")

    def wait_there(connection: Connection) -> None:
        adds(connection)
        if adds.times == 1:
            asked.set()
            connection.execute(SLEEP, {"seconds": 60.0})

    async with Database(url) as database:
        for _ in range(2):
            await database.read(lambda connection: connection.execute(SLEEP, {"seconds": 0.0}))
        writing = asyncio.create_task(database.write(wait_there))
        await asyncio.to_thread(asked.wait)
        mortal.kill()
        await asyncio.to_thread(mortal.start)
        await writing
        assert adds.times == 2
        assert await database.read(names) == ["ann"]


async def test_statements_outlive_a_change_of_their_tables(url: str) -> None:
    """Another process changes a column: who has the statement prepared does it again, in a read and in a write."""
    look = select(account).order_by(account.c.id)

    def all_of_them(connection: Connection) -> list[tuple[object, ...]]:
        return [tuple(row) for row in connection.execute(look)]

    async with Database(url) as database, Database(url) as other:
        await database.write(Adds("ann"))
        for _ in range(3):
            assert await database.read(all_of_them) == [("ann", 1.0, 1.0, None, None)]
        for again, new in ((database.read, "numeric"), (database.write, "double precision")):
            await other.driver.change(
                lambda connection, new=new: _retype(connection, new)  # type: ignore[misc]
            )
            for _ in range(2):
                assert await again(all_of_them) == [("ann", 1.0, 1.0, None, None)]


def _retype(connection: Connection, new: str) -> None:
    connection.exec_driver_sql(f"ALTER TABLE account ALTER COLUMN created TYPE {new}")


async def test_a_read_that_is_given_up_leaves_nothing_open(url: str) -> None:
    """Its connection is used again, and has no transaction."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait_there(connection: Connection) -> None:
        loop.call_soon_threadsafe(asked.set)
        connection.execute(SLEEP, {"seconds": 60.0})

    async with Database(url) as database, Database(url) as other:
        for _ in range(2):
            await database.read(lambda connection: connection.execute(SLEEP, {"seconds": 0.0}))
        for _ in range(postgres.CONNECTIONS + 1):
            asked.clear()
            reading = asyncio.create_task(database.read(wait_there))
            await asked.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        assert await database.read(names) == []
        assert await other.read(lambda connection: connection.scalar(OPEN)) == 0


async def test_an_error_undoes_its_write_alone(url: str) -> None:
    """Also when its statements went straight to the driver; the connection is used on."""
    async with Database(url) as database:
        await database.write(Adds("ann"))
        await database.write(Adds("bob"))
        for _ in range(2):
            with pytest.raises(IntegrityError, match="duplicate key"):
                await database.write(lambda connection: (Adds("cid")(connection), Adds("ann")(connection)))
        await database.write(Adds("dot"))
        assert await database.read(names) == ["ann", "bob", "dot"]
        assert await database.read(lambda connection: connection.scalar(OPEN)) == 0


class Cut:
    """A way to the server that breaks once, at a COMMIT: before it arrives, or before its answer does."""

    def __init__(self, port: int, *, arrives: bool) -> None:
        self._port = port
        self._arrives = arrives
        self.armed = False

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Its port, while the block lasts."""
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection("127.0.0.1", self._port)
        back = asyncio.create_task(_copy(there, writer))
        try:
            while data := await reader.read(65536):
                if self.armed and b"COMMIT" in data:
                    self.armed = False
                    if self._arrives:
                        back.cancel()  # from here on nothing comes back
                        here.write(data)
                        await here.drain()
                        await there.read(1)  # the server has answered
                    break
                here.write(data)
        finally:
            back.cancel()
            for end in (here, writer):
                end.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_commit_without_an_answer_is_looked_up(mortal: Server, url: str, arrives: bool) -> None:
    """It is made once: again only if the server says that it was undone."""
    cut = Cut(mortal.port, arrives=arrives)
    async with cut.listening() as port, Database(_at(url, port)) as database:
        adds = Adds("ann")
        cut.armed = True
        assert await database.write(adds) == "ann"
        assert not cut.armed
        assert adds.times == (1 if arrives else 2)
        assert await database.read(names) == ["ann"]


def _at(url: str, port: int) -> str:
    return make_url(url).set(port=port).render_as_string(hide_password=False)


async def test_writes_of_all_processes_come_one_after_another(url: str) -> None:
    """Each reads what is there and adds one: none sees the same number twice."""

    def count(connection: Connection) -> int:
        number = len(names(connection))
        connection.execute(insert(account).values(id=f"{number:03}", created=1.0))
        return number

    async with Database(url) as one, Database(url) as other:
        found = await asyncio.gather(*(each.write(count) for _ in range(25) for each in (one, other)))
    assert sorted(found) == list(range(50))


async def test_who_stands_still_in_a_write_holds_up_nobody_for_long(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped, or cut off, in the middle of it: the others go on, and it writes again what was undone."""
    monkeypatch.setattr(postgres, "LOCK_SECONDS", 0.5)
    monkeypatch.setattr(postgres, "STALLED_SECONDS", 1.0)
    began, goes_on = threading.Event(), threading.Event()
    adds = Adds("ann")

    def stops(connection: Connection) -> str:
        name = adds(connection)
        began.set()
        goes_on.wait()
        return name

    async def stand_still() -> str:
        async with Database(url) as database:
            return await database.write(stops)

    standing = asyncio.create_task(asyncio.to_thread(asyncio.run, stand_still()))
    await asyncio.to_thread(began.wait)
    async with Database(url) as database:
        assert await database.write(Adds("bob")) == "bob"
        goes_on.set()
        assert await standing == "ann"
        assert adds.times == 2
        assert sorted(await database.read(names)) == ["ann", "bob"]


async def test_a_read_can_t_write(url: str) -> None:
    """The server itself refuses."""
    async with Database(url) as database:
        with pytest.raises(DBAPIError, match="read-only"):
            await database.read(Adds("ann"))
        assert await database.read(names) == []
