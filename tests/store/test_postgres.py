"""What only a server can do to us: restart, die, and lose the answer to a commit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import Connection, insert, make_url, select
from sqlalchemy.exc import DBAPIError

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


class Adds:
    """Adds an account and counts how often it was run."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.times = 0

    def __call__(self, connection: Connection) -> str:
        self.times += 1
        connection.execute(insert(account).values(id=self.name, created=1.0))
        return self.name


def names(connection: Connection) -> list[str]:
    """All accounts."""
    return list(connection.scalars(select(account.c.id).order_by(account.c.id)))


async def test_a_server_that_was_killed_is_waited_for(mortal: Server, url: str) -> None:
    """Whoever asks meanwhile is answered once it is back, as if nothing had been."""
    async with Database(url) as database:
        await database.write(Adds("before"))
        mortal.kill()
        asked = [
            asyncio.create_task(database.read(names)),
            asyncio.create_task(database.write(Adds("during"))),
        ]
        done, _ = await asyncio.wait(asked, timeout=1)
        assert not done
        await asyncio.to_thread(mortal.start)
        seen, wrote = await asyncio.gather(*asked)
        assert seen in (["before"], ["before", "during"])
        assert wrote == "during"
        assert await database.read(names) == ["before", "during"]


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
