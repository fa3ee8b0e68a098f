"""Messages to attempts and silence to questions, without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest

from bot.comfy.messages import PreviewFrame, TextFrame, parse_text
from bot.comfy.timing import Timing
from bot.comfy.watch import Watch
from bot.errors import Lost
from bot.jobs.events import Broke, Finished, Interrupted, Preview, Progress, SentPicture, Started
from tests.comfy.asked import Server, watch_over
from tests.comfy.conftest import QUICK, GraphDict, file, txt2img, until_end

JPEG = PreviewFrame(prompt_id=None, node=None, data=b"\xff\xd8\xff", media_type="image/jpeg")
ENDED = Finished(results=(file("from_history.png"),))


Say = Callable[..., None]


@pytest.fixture
def server() -> Server:
    """A server that knows nothing."""
    return Server()


@pytest.fixture
async def watch(server: Server) -> AsyncIterator[Watch]:
    """A watch that is kept."""
    kept = watch_over(server)
    keeper = asyncio.create_task(kept.run())
    yield kept
    keeper.cancel()
    with suppress(asyncio.CancelledError):
        await keeper


@pytest.fixture
def say(watch: Watch) -> Say:
    """Send a message of a type about a prompt, over a connection."""

    def send(kind: str, prompt_id: str | None = "p", *, connection: int = 1, **data: Any) -> None:
        message = parse_text(json.dumps({"type": kind, "data": {"prompt_id": prompt_id, **data}}))
        assert message is not None
        watch.hear(message, connection)

    return send


def executed(say: Say, name: str = "a.png", **more: Any) -> None:
    """A node saved a file."""
    output = {"images": [{"filename": name, "subfolder": "", "type": "output"}]}
    say("executed", node="9", display_node="9", output=output, **more)


async def test_a_blocked_branch_is_not_the_end(watch: Watch, say: Say) -> None:
    """A success follows."""
    with watch.follow("p", txt2img(), ()) as follow:
        follow.connection = 1
        say("execution_error", exception_type="ExecutionBlocked", node_id="9")
        executed(say)
        say("execution_success")
        assert await until_end(follow) == Finished(results=(file("a.png"),))


async def test_a_blocked_branch_explains_an_end_without_results(
    watch: Watch, server: Server, say: Say
) -> None:
    """The history knows of no blocks, and its outputs are empty."""
    server.history["p"] = Finished(results=())
    with watch.follow("p", txt2img(), ()) as follow:
        say(
            "execution_error",
            exception_type="ExecutionBlocked",
            node_id="9",
            exception_message="Execution Blocked: nothing to do",
        )
        say("execution_success")
        assert await until_end(follow) == Finished(results=(), kept_back="Execution Blocked: nothing to do")


async def test_what_was_saved_before_an_error_is_kept(watch: Watch, server: Server, say: Say) -> None:
    """As heard, or as the history has it when a part may have been missed."""
    boom = {"node_id": "3", "exception_type": "RuntimeError", "exception_message": "boom"}
    with watch.follow("p", txt2img(), ()) as follow:
        follow.connection = 1
        executed(say)
        say("execution_error", **boom)
        end = await until_end(follow)
        assert isinstance(end, Broke)
        assert (end.error.sentence, end.results) == ('The node "The sampler" failed: boom', (file("a.png"),))
    server.history["q"] = Broke(error=end.error, results=(file("missed.png"), file("a.png")))
    with watch.follow("q", txt2img(), ()) as follow:
        follow.connection = 1
        executed(say, "a.png", prompt_id="q", connection=2)
        say("execution_error", "q", connection=2, **boom)
        assert await until_end(follow) == server.history["q"]
    with watch.follow("r", txt2img(), ()) as follow:
        say("execution_error", "r", **boom)
        end = await until_end(follow)
        assert isinstance(end, Broke)
        assert (end.error.sentence, end.results) == ('The node "The sampler" failed: boom', ())


def sender() -> GraphDict:
    """A graph whose picture comes over the socket."""
    graph = txt2img()
    graph["9"] = {"class_type": "SaveImageWebsocket", "inputs": {"images": ["8", 0]}}
    return graph


@pytest.mark.parametrize("node", ["9", None])
async def test_pictures_sent_over_the_socket_are_the_result(
    watch: Watch, server: Server, say: Say, node: str | None
) -> None:
    """Told from previews by their node; older frames, by the node that runs."""
    server.history["p"] = Finished(results=())
    picture = PreviewFrame(
        prompt_id="p" if node else None, node=node, data=b"\x89PNG", media_type="image/png"
    )
    with watch.follow("p", sender(), ()) as follow:
        follow.connection = 1
        say("executing", node="3")
        watch.hear(JPEG, 1)
        say("executing", node="9")
        watch.hear(picture, 1)
        say("execution_success")
        sent = SentPicture(node="9", data=b"\x89PNG", media_type="image/png")
        assert await until_end(follow) == Finished(results=(sent,))


async def test_pictures_sent_while_nobody_listened_are_lost(watch: Watch, server: Server, say: Say) -> None:
    """There is nothing to fetch: it has to be made again."""
    server.history["p"] = Finished(results=())
    with watch.follow("p", sender(), ()) as follow:
        say("execution_success")
        end = await until_end(follow)
    assert isinstance(end, Broke)
    assert isinstance(end.error, Lost)
    assert end.error.sentence == (
        "The picture was sent over a connection that broke. A Save Image node would keep it."
    )


async def test_what_a_node_says_goes_with_the_progress(watch: Watch, say: Say) -> None:
    """While that node runs; strangers' words are dropped."""
    with watch.follow("p", txt2img(), ()) as follow:
        watch.hear(TextFrame(node="3", text="of a stranger"), 1)
        say("executing", node="3")
        watch.hear(TextFrame(node="3", text="half way\nin /home/me/secret"), 1)
        events = aiter(follow)
        assert await anext(events) == Started()
        event = await anext(events)
        assert event == Progress(fraction=0.0, node="The sampler", note="half way")


async def test_a_success_over_another_connection_asks_the_history(
    watch: Watch, server: Server, say: Say
) -> None:
    """A file may have been missed in between."""
    server.history["p"] = ENDED
    with watch.follow("p", txt2img(), ()) as follow:
        follow.connection = 1
        executed(say, connection=2)
        say("execution_success", connection=2)
        assert await until_end(follow) == ENDED


async def test_the_last_word_without_an_end_asks_the_history(watch: Watch, server: Server, say: Say) -> None:
    """Old servers say nothing else at the end."""
    server.history["p"] = ENDED
    with watch.follow("p", txt2img(), ()) as follow:
        say("executing", node=None)
        assert await until_end(follow) == ENDED


async def test_a_history_without_the_prompt(watch: Watch, say: Say) -> None:
    """Somebody cleared it: what was heard is all there is."""
    with watch.follow("p", txt2img(), ()) as follow:
        executed(say)
        say("execution_success")
        assert await until_end(follow) == Finished(results=(file("a.png"),))
    with watch.follow("q", txt2img(), ()) as follow:
        say("execution_success", "q")
        assert await until_end(follow) == Finished(results=())


async def test_frames_without_a_name_go_to_whom_the_server_works_for(watch: Watch, say: Say) -> None:
    """And to nobody while it works for a stranger."""
    with watch.follow("p", txt2img(), ()) as follow:
        events = aiter(follow)
        watch.hear(JPEG, 1)
        say("executing", node="3")
        assert await anext(events) == Started()
        watch.hear(JPEG, 1)
        seen = [await anext(events), await anext(events)]
        assert seen[1] == Preview(data=JPEG.data, media_type="image/jpeg")
        say("progress", "stranger", node="3", value=1, max=2)
        watch.hear(JPEG, 1)
        say("execution_interrupted")
        assert await anext(events) == Interrupted()


async def test_silence_is_asked_about(watch: Watch, server: Server) -> None:
    """Waiting and executing are signs of life; the second tells the start."""
    server.pending.add("p")
    with watch.follow("p", txt2img(), ()) as follow:
        follow.acknowledge()
        events = aiter(follow)
        start = asyncio.ensure_future(anext(events))
        while server.looks < 3:
            await asyncio.sleep(QUICK.silence / 10)
        assert not start.done()
        server.pending, server.running = set(), {"p"}
        assert await start == Started()
        server.running, server.history = set(), {"p": ENDED}
        assert await anext(events) == ENDED


async def test_what_was_not_acknowledged_is_not_asked_about(watch: Watch, server: Server) -> None:
    """A POST may be on its way."""
    with watch.follow("p", txt2img(), ()) as one, watch.follow("q", txt2img(), ()) as two:
        two.acknowledge()
        end = await until_end(two)
        assert (isinstance(end, Broke), one.ended) == (True, False)


async def test_one_that_waits_behind_another_of_ours_is_not_asked_about(server: Server) -> None:
    """While that one speaks, the socket is known to be sound."""
    watch = watch_over(server, Timing(silence=0.2))
    server.running, server.pending = {"p"}, {"q"}
    with watch.follow("p", txt2img(), ()), watch.follow("q", txt2img(), ()) as waiting:
        waiting.acknowledge()
        keeper = asyncio.create_task(watch.run())
        for step in range(20):
            message = parse_text(
                json.dumps(
                    {"type": "progress", "data": {"prompt_id": "p", "node": "3", "value": step, "max": 20}}
                )
            )
            assert message is not None
            watch.hear(message, 1)
            await asyncio.sleep(0.03)
        assert server.looks == 0
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper


async def test_absence_must_last(watch: Watch, server: Server) -> None:
    """Twice in a row, with a silence between; what is seen in between begins it anew."""
    with watch.follow("p", txt2img(), ()) as follow:
        follow.acknowledge()
        watch.look_soon("p")
        while follow.absent_since is None:
            await asyncio.sleep(0.001)
        server.running.add("p")
        assert await anext(aiter(follow)) == Started()
        assert follow.absent_since is None
        server.running.clear()
        end = await until_end(follow)
    assert isinstance(end, Broke)
    assert isinstance(end.error, Lost)
    assert end.error.sentence == (
        "ComfyUI forgot this picture: it was restarted, or somebody deleted it there. Try again."
    )


async def test_absence_after_a_cancel_is_no_loss(watch: Watch) -> None:
    """It was deleted from the queue, as we asked."""
    with watch.follow("p", txt2img(), ()) as follow:
        follow.acknowledge()
        follow.cancelled = True
        watch.look_soon("p")
        assert await until_end(follow) == Interrupted()


async def test_nothing_is_decided_while_it_is_down(watch: Watch, server: Server) -> None:
    """However long that lasts."""
    server.down = True
    with watch.follow("p", txt2img(), ()) as follow:
        follow.acknowledge()
        while server.looks < 4:
            await asyncio.sleep(QUICK.silence / 10)
        assert not follow.ended
        server.down, server.history = False, {"p": ENDED}
        assert await until_end(follow) == ENDED


async def test_a_new_connection_asks_at_once(server: Server) -> None:
    """About everything that the server has."""
    watch = watch_over(server, Timing(silence=60.0))
    keeper = asyncio.create_task(watch.run())
    server.history["p"] = ENDED
    with watch.follow("p", txt2img(), ()) as follow:
        follow.acknowledge()
        watch.opened(2)
        assert await until_end(follow) == ENDED
    keeper.cancel()
    with suppress(asyncio.CancelledError):
        await keeper


async def test_one_attempt_one_ear(watch: Watch) -> None:
    """Two would each miss what the other hears."""
    with watch.follow("p", txt2img(), ()), pytest.raises(ValueError, match="followed already"):
        with watch.follow("p", txt2img(), ()):
            pass
