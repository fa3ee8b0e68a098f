"""Servers of other versions, as the same questions were answered by five of them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from simulator.versions import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.conftest import Client, Json, Start

    Graph = Callable[..., Json]

ALL = ["0.3.10", "0.3.64", "0.7.0", "0.25.0", "0.33.0"]


@pytest.fixture(params=ALL)
async def server(request: pytest.FixtureRequest, start: Start) -> Client:
    """A server of each version."""
    made: Client = await start(version=VERSIONS[request.param])
    return made


def of(server: Client, **answers: Any) -> Any:
    """What a version answers; each keyword is the version from which on it is so, dots as underscores."""
    known = [name for name in ALL if f"v{name.replace('.', '_')}" in answers]
    now = ALL.index(server.simulator.settings.version.name)
    newest = max(ALL.index(name) for name in known if ALL.index(name) <= now)
    return answers[f"v{ALL[newest].replace('.', '_')}"]


async def test_routes(server: Client) -> None:
    """Unknown GETs are 404, unknown POSTs 405."""
    routes = {
        "GET /features": of(server, v0_3_10=404, v0_3_64=200),
        "GET /api/jobs": of(server, v0_3_10=404, v0_7_0=200),
        "GET /api/queue": 200,
        "GET /node_replacements": of(server, v0_3_10=404, v0_25_0=200),
        "POST /api/jobs/cancel": of(server, v0_3_10=405, v0_33_0=200),
    }
    asked = {route: (await server.ask(*route.split(), json={"job_ids": []}))[0] for route in routes}
    assert asked == routes


async def test_own_ids(server: Client, flat: Graph) -> None:
    """Ignored, any text, and only UUIDs in their canonical form."""
    own = str(uuid.uuid4())
    assert (await server.queue(flat(), prompt_id=own) == own) is of(server, v0_3_10=False, v0_3_64=True)
    status, answer = await server.ask("POST", "/prompt", json={"prompt": flat(), "prompt_id": "my-job-1"})
    assert status == of(server, v0_3_10=200, v0_25_0=400)
    if status == 200:
        assert (answer["prompt_id"] == "my-job-1") is of(server, v0_3_10=False, v0_3_64=True)
    else:
        assert answer["error"]["type"] == "invalid_prompt_id"


async def test_refusals(server: Client) -> None:
    """Old versions have one word for every graph that is none."""

    async def refused(prompt: Any) -> tuple[int, str, Any]:
        status, answer = await server.ask("POST", "/prompt", json={"prompt": prompt})
        return (
            (status, "", answer)
            if status == 500
            else (status, answer["error"]["type"], answer["error"]["message"])
        )

    empty: list[Any] | dict[str, Any] = of(server, v0_3_10=[], v0_3_64={})
    assert await server.ask("POST", "/prompt", json={"prompt": {}}) == (
        400,
        {
            "error": {
                "type": "prompt_no_outputs",
                "message": "Prompt has no outputs",
                "details": "",
                "extra_info": {},
            },
            "node_errors": empty,
        },
    )
    unknown = {"1": {"class_type": "NoSuch", "inputs": {}}}
    assert await refused(unknown) == of(
        server,
        v0_3_10=(400, "invalid_prompt", "Cannot execute because node NoSuch does not exist."),
        v0_25_0=(
            400,
            "missing_node_type",
            "Node 'NoSuch' not found. The custom node may not be installed.",
        ),
    )
    editor = {"nodes": [], "links": [], "version": 0.4}
    lacking = "Cannot execute because a node is missing the class_type property."
    assert (await refused(editor))[:2] == of(server, v0_3_10=(400, "invalid_prompt"), v0_25_0=(500, "")), (
        lacking
    )


async def test_an_interrupt_by_id(server: Client, txt2img: Graph) -> None:
    """The oldest does not look at the id, and stops whatever runs."""
    server.simulator.faults.hang()
    socket = await server.connect(flags=False)
    running = await server.queue(txt2img(), socket.client_id)
    await socket.until("execution_cached")
    await server.ask("POST", "/interrupt", json={"prompt_id": str(uuid.uuid4())})
    server.simulator.faults.unhang()
    await socket.finished(running)
    assert server.simulator.runs[-1].outcome == of(server, v0_3_10="interrupted", v0_3_64="success")
    if server.simulator.settings.version.has_jobs and server.simulator.runs[-1].outcome == "success":
        assert (await server.get(f"/api/jobs/{running}"))["status"] == "completed"


async def test_an_interrupted_job(start: Start, txt2img: Graph) -> None:
    """It is `cancelled` only in newer ones."""
    told = {}
    for name in ("0.7.0", "0.25.0"):
        server: Client = await start(version=VERSIONS[name])
        server.simulator.faults.hang()
        socket = await server.connect()
        running = await server.queue(txt2img(), socket.client_id)
        await socket.until("execution_cached")
        await server.ask("POST", "/interrupt", json={"prompt_id": running})
        server.simulator.faults.unhang()
        await socket.finished(running)
        listed = (await server.get("/api/jobs?status=failed"))["jobs"]
        told[name] = ((await server.get(f"/api/jobs/{running}"))["status"], len(listed))
    assert told == {"0.7.0": ("failed", 1), "0.25.0": ("cancelled", 0)}


async def test_messages_of_a_run(server: Client, txt2img: Graph) -> None:
    """The oldest tells no whole progress, answers no flags, and its previews do not say whose they are."""
    socket = await server.connect(flags=False)
    await socket.ws.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
    prompt_id = await server.queue(txt2img(), socket.client_id, extra_data={"preview_method": "auto"})
    frames = await socket.finished(prompt_id)
    kinds = {frame["type"] if isinstance(frame, dict) else frame[1] for frame in frames}
    newer = of(server, v0_3_10=set(), v0_3_64={"feature_flags", "progress_state"})
    assert kinds & {"feature_flags", "progress_state"} == newer
    usual = {
        "status",
        "execution_start",
        "execution_cached",
        "executing",
        "progress",
        "executed",
        "execution_success",
    }
    assert usual <= kinds
    assert kinds - usual - newer == of(server, v0_3_10=set(), v0_7_0={4})
    entry = (await server.get(f"/history/{prompt_id}"))[prompt_id]
    assert ("create_time" in entry["prompt"][3]) is of(server, v0_3_10=False, v0_7_0=True)


async def test_choices_in_the_oldest_are_lists(start: Start) -> None:
    """Newer ones have a type for them."""
    method = {}
    for name in ("0.3.10", "0.33.0"):
        info = await (await start(version=VERSIONS[name])).get("/object_info/SaveAnimatedWEBP")
        method[name] = info["SaveAnimatedWEBP"]["input"]["required"]["method"][0]
    assert method == {"0.3.10": ["default", "fastest", "slowest"], "0.33.0": "COMBO"}


async def test_only_some_outputs(start: Start, flat: Graph) -> None:
    """A version that does not know the wish runs everything."""
    two = {**flat(), "4": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
    ran = {}
    for name in ("0.3.10", "0.33.0"):
        entry = await (await start(version=VERSIONS[name])).run(two, partial_execution_targets=["3"])
        ran[name] = sorted(entry["outputs"])
    assert ran == {"0.3.10": ["3", "4"], "0.33.0": ["3"]}
