"""When a server is taken to be away, what passes meanwhile, and what it can do when it is back."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
import structlog
from aiohttp import web

from bot.comfy.address import Address
from bot.comfy.backend import ComfyBackend
from bot.comfy.breaker import Breaker, Circuit
from bot.comfy.capabilities import Capabilities
from bot.comfy.health import EXPOSED, Condition
from bot.errors import BackendError, CannotConnect, Refused
from bot.jobs.events import Finished, Started
from tests.comfy.conftest import (
    CALM,
    QUICK,
    Rig,
    flat,
    new_id,
    running,
    serving,
    txt2img,
    until_end,
    went_down,
)

AWAY = CannotConnect("It is away.")
BRISK = replace(QUICK, connect=0.2, guarded=0.05)
"""Short waits for probes."""


async def until(condition: Callable[[], bool]) -> None:
    """Return when it is true."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_it_opens_after_failures_in_a_row() -> None:
    """And not before; an answer in between begins the count anew."""
    reasons: list[BackendError] = []
    breaker = Breaker(most_failures=3, on_open=reasons.append)
    for step in (breaker.failed, breaker.failed):
        step(AWAY)
    breaker.succeeded()
    breaker.failed(AWAY)
    breaker.failed(AWAY)
    breaker.check()
    assert (breaker.circuit, breaker.doubt.is_set(), reasons) == (Circuit.CLOSED, True, [])
    breaker.failed(AWAY)
    assert (breaker.circuit, reasons) == (Circuit.OPEN, [AWAY])
    with pytest.raises(CannotConnect) as caught:
        breaker.check()
    assert (caught.value.sentence, caught.value.maybe_sent) == ("It is away.", False)


async def test_only_a_probe_closes_it() -> None:
    """While one is under way, nothing else passes."""
    breaker = Breaker(most_failures=1, on_open=lambda _: None)
    breaker.failed(AWAY)
    breaker.succeeded()
    states = [breaker.circuit]
    breaker.try_again()
    states.append(breaker.circuit)
    assert states == [Circuit.OPEN, Circuit.HALF_OPEN]
    with pytest.raises(CannotConnect):
        breaker.check()
    breaker.close()
    breaker.check()
    breaker.try_again()
    breaker.check()


class Server:
    """A ComfyUI of whatever version, made of a few routes."""

    def __init__(self, version: str = "0.33.0", **known: Any) -> None:
        self.version = version
        self.known = {"_object_info": {}, **known}
        """Answers by path; other paths are unknown."""
        self.silent = False
        self.asked: list[str] = []

    def route(self) -> web.RouteDef:
        """All of it."""
        return web.route("*", "/{path:.*}", self.answer)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """As a server of that version would."""
        self.asked.append(f"{request.method} {request.path}")
        if self.silent:
            await asyncio.Event().wait()
        if request.path == "/system_stats":
            return web.json_response({"system": {"comfyui_version": self.version}, "devices": []})
        found = self.known.get(request.path.replace("/", "_"))
        if found is None:
            return web.Response(status=404 if request.method == "GET" else 405)
        return web.json_response(found)


FEATURES = {"supports_preview_metadata": True, "max_upload_size": 1048576.0}
JOBS: dict[str, Any] = {"jobs": [], "pagination": {}}


@pytest.mark.parametrize(
    ("known", "capabilities"),
    [
        (
            {"_features": FEATURES, "_api_jobs": JOBS, "_api_jobs_cancel": {"cancelled": False}},
            Capabilities(
                own_ids=True,
                jobs=True,
                cancels_jobs=True,
                previews_tell_whose=True,
                max_upload_size=1048576,
            ),
        ),
        (
            {"_features": {"max_upload_size": 0}, "_api_jobs": JOBS},
            Capabilities(
                own_ids=True,
                jobs=True,
                cancels_jobs=False,
                previews_tell_whose=False,
                max_upload_size=None,
            ),
        ),
        (
            {"_features": FEATURES},
            Capabilities(
                own_ids=True,
                jobs=False,
                cancels_jobs=False,
                previews_tell_whose=True,
                max_upload_size=1048576,
            ),
        ),
        (
            {"_api_jobs": JOBS},
            Capabilities(
                own_ids=True,
                jobs=True,
                cancels_jobs=False,
                previews_tell_whose=False,
                max_upload_size=None,
            ),
        ),
    ],
)
async def test_what_a_server_can_do_is_asked(known: dict[str, Any], capabilities: Capabilities) -> None:
    """Once when it comes up, whatever version it says it is."""
    server = Server("unknown", **known)
    async with (
        serving(server.route()) as url,
        ComfyBackend(url, client_id="c", timing=BRISK) as backend,
    ):
        assert await backend.probe()
        assert (backend.capabilities, backend.condition) == (capabilities, Condition.UP)
        server.asked.clear()
        assert await backend.probe()
        assert server.asked == ["GET /system_stats"]


async def test_a_server_that_is_too_old_says_so_until_it_is_updated() -> None:
    """In one sentence; it is given no work and asked now and then."""
    server = Server("0.3.10")
    sentence = "ComfyUI 0.3.10 at {} is too old for Muralist. Update it to 0.3.64 or newer."
    async with serving(server.route()) as url, ComfyBackend(url, client_id="c", timing=BRISK) as backend:
        assert backend.condition is Condition.UNKNOWN
        with structlog.testing.capture_logs() as logs:
            for _ in range(3):
                assert not await backend.probe()
        assert (backend.trouble, backend.condition) == (sentence.format(backend.name), Condition.DOWN)
        assert [entry["event"] for entry in logs] == ["backend_down"]
        async with backend.follow(new_id(), flat()) as follow:
            with pytest.raises(CannotConnect, match="too old") as caught:
                await backend.post(follow, flat(), tag={})
        assert caught.value.maybe_sent is False
        assert not any(path.startswith("POST /prompt") for path in server.asked)
        keeper = asyncio.create_task(backend.run())
        server.known["_features"] = FEATURES
        async with asyncio.timeout(10):
            await backend.wait_up()
        assert (backend.trouble, backend.circuit) == (None, Circuit.CLOSED)
        keeper.cancel()


async def test_a_server_that_is_seen_to_change_ids_is_too_old_until_it_is_another(rig: Rig) -> None:
    """Whatever it says of its features: the answer to a graph is what counts."""
    server = Server(
        "0.3.43", _features=FEATURES, _prompt={"prompt_id": "theirs", "node_errors": {}}, _queue={}
    )
    async with serving(server.route()) as url, ComfyBackend(url, client_id="c", timing=BRISK) as backend:
        assert await backend.probe()
        async with backend.follow(new_id(), flat()) as follow:
            with pytest.raises(Refused, match=r"ComfyUI 0.3.43 .* too old"):
                await backend.post(follow, flat(), tag={})
        assert (backend.up, await backend.probe()) == (False, False)
        assert backend.trouble is not None
        assert "too old" in backend.trouble
        server.version = "0.3.44"
        assert await backend.probe()
    assert [path for path in server.asked if path.startswith("POST")] == ["POST /prompt", "POST /queue"]


async def test_a_server_that_hangs_is_away_at_once() -> None:
    """Nobody else waits for it, until a probe is answered."""
    server = Server(_features=FEATURES, _queue={})
    async with serving(server.route()) as url, ComfyBackend(url, client_id="c", timing=BRISK) as backend:
        assert await backend.probe()
        server.silent = True
        assert not await backend.probe()
        assert backend.trouble == f"ComfyUI at {backend.name} takes too long to answer."
        server.asked.clear()
        for ask in (backend.routes.queue, backend.routes.stats, backend.routes.free):
            with pytest.raises(CannotConnect, match="takes too long"):
                await ask()
        assert server.asked == []
        server.silent = False
        assert await backend.probe()
        await backend.routes.queue()


async def test_those_who_ask_at_once_share_an_answer() -> None:
    """A hung server holds ten of them up no longer than one."""
    server = Server(_features=FEATURES)
    server.silent = True
    async with serving(server.route()) as url, ComfyBackend(url, client_id="c", timing=BRISK) as backend:
        assert await asyncio.gather(*(backend.probe() for _ in range(10))) == [False] * 10
    assert server.asked == ["GET /system_stats"]


async def test_one_failure_is_looked_into_before_it_counts(rig: Rig) -> None:
    """A connection that broke once is no reason to stop."""
    async with running(rig.simulator.url, CALM) as backend:
        rig.simulator.faults.swallow_answer("/system_stats", times=2)
        assert (await backend.probe(), backend.up) == (True, True)
        rig.simulator.faults.swallow_answer("/system_stats", times=20)
        with structlog.testing.capture_logs() as logs:
            assert (await backend.probe(), backend.up) == (False, False)
        assert [entry["event"] for entry in logs] == ["backend_down"]


async def test_a_busy_server_that_still_speaks_is_not_away(rig: Rig) -> None:
    """Loading a model can keep it from answering."""
    graph = txt2img(steps=400)
    timing = replace(CALM, connect=0.3)
    async with running(rig.simulator.url, timing) as backend, backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        assert await anext(aiter(follow)) == Started()
        rig.simulator.faults.delay_answer("/system_stats", 1.0)
        assert (await backend.probe(), backend.circuit) == (True, Circuit.CLOSED)
        await backend.cancel(follow.prompt_id)


async def test_a_server_that_came_back_is_looked_at_anew(rig: Rig) -> None:
    """It may be another version."""
    async with running(rig.simulator.url, QUICK) as backend:
        assert backend.capabilities is not None
        rig.requests.clear()
        restart = asyncio.create_task(rig.simulator.faults.restart(0.5))
        await went_down(backend)
        assert backend.condition is Condition.DOWN
        async with asyncio.timeout(5):
            await backend.wait_up()
        await restart
    assert {"GET /system_stats", "GET /features", "GET /api", "POST /api", "GET /object_info"} <= set(
        rig.requests
    )


async def test_what_makes_no_progress_is_told(rig: Rig) -> None:
    """As stalled, while the server answers and its socket is open; the first word ends that."""
    graph = txt2img(steps=60)
    timing = replace(QUICK, silence=0.05, stalled=0.3)
    async with running(rig.simulator.url, timing) as backend, backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        assert await anext(aiter(follow)) == Started()
        rig.simulator.faults.hang()
        await until(lambda: backend.condition is Condition.STALLED)
        assert backend.trouble == (
            f"What runs on ComfyUI at {backend.name} has not moved for 0 minutes. Its console says more."
        )
        assert backend.up
        rig.simulator.faults.unhang()
        await until(lambda: backend.condition is Condition.UP)
        assert isinstance(await until_end(follow), Finished)


async def test_the_owner_is_warned_of_an_open_server(monkeypatch: pytest.MonkeyPatch, rig: Rig) -> None:
    """Once, when it comes up."""

    async def public(_: Address) -> bool:
        return True

    monkeypatch.setattr(Address, "is_public", public)
    guarded = rig.simulator.url.replace("http://", "http://me:secret@")
    for url, warnings in ((rig.simulator.url, [EXPOSED]), (guarded, [])):
        async with ComfyBackend(url, client_id="c", timing=BRISK) as backend:
            with structlog.testing.capture_logs() as logs:
                assert await backend.probe()
                rig.simulator.faults.fail_next("/system_stats", 502, times=20)
                assert not await backend.probe()
                while not await backend.probe():
                    pass
            assert [entry["advice"] for entry in logs if "advice" in entry] == warnings


@pytest.mark.parametrize("count", [1, 5])
async def test_many_are_cancelled_in_one_request(rig: Rig, count: int) -> None:
    """Those that wait and the one that runs alike."""
    graph = txt2img(steps=1000)
    ids = [new_id() for _ in range(count)]
    async with running(rig.simulator.url, CALM) as backend, AsyncExitStack() as stack:
        follows = [await stack.enter_async_context(backend.follow(each, graph)) for each in ids]
        for follow in follows:
            await backend.post(follow, graph, tag={})
        rig.requests.clear()
        await backend.cancel(*ids)
        for follow in follows:
            await until_end(follow)
    assert rig.requests.count("POST /api") == 1
    assert not {"POST /queue", "POST /interrupt"} & set(rig.requests)


@pytest.mark.parametrize(
    ("known", "posts", "looks"),
    [
        # Neither runs, so nothing is interrupted.
        ({"_queue": {"queue_running": [[1, "theirs", {}, {}, []]]}}, ["POST /queue"], 1),
        # One of ours does: asked right before, since such servers may ignore the id.
        ({"_queue": {"queue_running": [[1, "b", {}, {}, []]]}}, ["POST /queue", "POST /interrupt"], 1),
        # With jobs, ids are heeded.
        ({"_api_jobs": JOBS}, ["POST /queue", "POST /interrupt", "POST /interrupt"], 0),
        ({"_api_jobs": JOBS, "_api_jobs_cancel": {"cancelled": True}}, ["POST /api/jobs/cancel"], 0),
    ],
)
async def test_nobody_elses_is_interrupted(known: dict[str, Any], posts: list[str], looks: int) -> None:
    """However the server cancels."""
    server = Server(_features=FEATURES, **{"_queue": {}, "_interrupt": {}, **known})
    async with serving(server.route()) as url, ComfyBackend(url, client_id="c", timing=BRISK) as backend:
        assert await backend.probe()
        server.asked.clear()
        await backend.cancel("a", "b")
    assert [path for path in server.asked if path.startswith("POST")] == posts
    assert server.asked.count("GET /queue") == looks


async def test_requests_while_it_is_away_cost_nothing(rig: Rig) -> None:
    """However many there are."""
    async with running(rig.simulator.url, QUICK) as backend:
        await rig.simulator.__aexit__(None, None, None)
        await went_down(backend)
        rig.requests.clear()
        for _ in itertools.repeat(None, 100):
            with pytest.raises(CannotConnect):
                await backend.cancel(new_id())
    assert rig.requests == []
