"""What only silence tells: attempts that somebody deleted, and a server that makes no progress."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from bot.comfy.messages import parse_text
from bot.comfy.timing import Timing
from bot.comfy.watch import Watch
from bot.errors import Lost
from bot.jobs.events import Broke
from tests.comfy.asked import Server, watch_over
from tests.comfy.conftest import txt2img, until_end


@asynccontextmanager
async def kept(server: Server, timing: Timing) -> AsyncIterator[Watch]:
    """A watch that runs."""
    watch = watch_over(server, timing)
    keeper = asyncio.create_task(watch.run())
    yield watch
    keeper.cancel()
    with suppress(asyncio.CancelledError):
        await keeper


def tell(watch: Watch, kind: str, prompt_id: str) -> None:
    """A message of a type about a prompt."""
    message = parse_text(json.dumps({"type": kind, "data": {"prompt_id": prompt_id, "node": "3"}}))
    assert message is not None
    watch.hear(message, 1)


async def chatter(say: Callable[[], None]) -> None:
    """Say something again and again."""
    while True:
        say()
        await asyncio.sleep(0.01)


async def test_one_deleted_while_another_of_ours_runs_is_missed_soon() -> None:
    """The server's queue became shorter without a reason that was heard; ends of ours are such reasons."""
    server = Server()
    server.running, server.pending = {"p"}, {"q"}
    async with kept(server, Timing(silence=0.1, settle=0.0)) as watch:
        with (
            watch.follow("o", txt2img(), ()),
            watch.follow("p", txt2img(), ()) as busy,
            watch.follow("q", txt2img(), ()) as waiting,
        ):
            watch.counted(3)
            waiting.acknowledge()
            tell(watch, "execution_success", "o")
            watch.counted(2)
            tell(watch, "execution_start", "p")
            talking = asyncio.create_task(chatter(lambda: tell(watch, "executing", "p")))
            before = busy.heard_at
            while busy.heard_at < before + 0.05:
                await asyncio.sleep(0.001)
            assert server.looks == 0
            server.pending.clear()
            watch.counted(1)
            end = await until_end(waiting)
            talking.cancel()
    assert isinstance(end, Broke)
    assert isinstance(end.error, Lost)


async def test_one_that_starts_after_the_queue_became_shorter_is_not_asked_about() -> None:
    """A stranger's ended, and its turn came."""
    server = Server()
    async with kept(server, Timing(silence=30.0, settle=0.02)) as watch:
        with watch.follow("p", txt2img(), ()) as follow, watch.follow("q", txt2img(), ()) as other:
            follow.acknowledge()
            watch.counted(2)
            watch.counted(1)
            tell(watch, "execution_start", "p")
            other.acknowledge()
            watch.counted(0)
            while server.looks == 0:
                await asyncio.sleep(0.001)
            assert (follow.asked_at < other.asked_at, server.looks) == (True, 1)


async def test_one_that_is_nowhere_after_a_new_connection_is_looked_for_once_more() -> None:
    """A server that was restarted has forgotten it: two looks tell, without waiting for a silence."""
    server = Server()
    async with kept(server, Timing(silence=3600.0, settle=0.02)) as watch:
        with watch.follow("p", txt2img(), ()) as follow:
            follow.acknowledge()
            watch.opened(2)
            end = await until_end(follow)
    assert isinstance(end, Broke)
    assert isinstance(end.error, Lost)
    assert server.looks == 2


async def test_what_executes_in_silence_has_stalled() -> None:
    """Over an open socket, for long, and the server says that it executes still; a word ends that."""
    server = Server()
    server.running.add("p")
    async with kept(server, Timing(silence=0.02, stalled=0.1)) as watch:
        watch.opened(1)
        with watch.follow("p", txt2img(), ()) as follow:
            assert not watch.stalled()
            follow.acknowledge()
            while not watch.stalled():
                await asyncio.sleep(0.001)
            assert server.looks > 1
            tell(watch, "executing", "p")
            assert not watch.stalled()
            while not watch.stalled():
                await asyncio.sleep(0.001)
            watch.opened(2)
            assert not watch.stalled()
        assert not watch.stalled()


async def test_a_long_silence_is_asked_about_more_and_more_rarely() -> None:
    """What loads a model says nothing for long; a word makes the next silence a new one."""
    assert [Timing().patience(asked) for asked in range(5)] == [1.0, 2.0, 4.0, 4.0, 4.0]
    server = Server()
    server.running.add("p")
    async with kept(server, Timing(silence=0.05)) as watch:
        with watch.follow("p", txt2img(), ()) as follow:
            follow.acknowledge()
            times = [asyncio.get_running_loop().time()]
            for look in range(1, 5):
                while follow.asked < look:
                    await asyncio.sleep(0.001)
                times.append(follow.asked_at)
            waits = [after - before for before, after in itertools.pairwise(times)]
            assert all(wait > least - 0.01 for wait, least in zip(waits, (0.05, 0.1, 0.2, 0.2), strict=True))
            tell(watch, "executing", "p")
            assert follow.asked == 0
