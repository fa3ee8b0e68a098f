"""The JSON API, over a socket, with a simulated ComfyUI behind it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import aiohttp
import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from tests.asking import ask, encoded, fault, generate, get, picture, ready, until
from tests.processes import Program, wait_for_job


async def test_a_job_from_its_post_to_its_picture(
    served: Program, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """202 with an id, states in their order with a fraction that never falls, then the bytes."""
    await fault(http, simulated.url, "hang")  # until somebody listens
    job = await generate(http, served.url, values={"width": 128, "height": 64})
    listening = asyncio.create_task(_events(http, served.url, job))
    await until(http, served.url, job, "running")
    await fault(http, simulated.url, "unhang")
    seen, previews = await listening

    states = [status["state"] for status in seen]
    assert states == sorted(states, key=["queued", "running", "done"].index)
    fractions = [status["fraction"] for status in seen]
    assert fractions == sorted(fractions)
    assert previews
    assert previews[0].startswith("data:image/jpeg;base64,")
    output = {"url": f"/api/v1/jobs/{job}/outputs/0", "media_type": "image/png"}
    assert seen[-1] == {"state": "done", "fraction": 1.0, "outputs": [output]}
    assert await get(http, f"{served.url}/api/v1/jobs/{job}") == seen[-1]
    assert (await picture(http, served.url, seen[-1])).size == (128, 64)


async def test_a_batch_is_one_job_with_several_outputs(served: Program, http: aiohttp.ClientSession) -> None:
    """Each is another picture."""
    status = await wait_for_job(http, served.url, await generate(http, served.url, values={"count": 3}))
    pictures = [(await picture(http, served.url, status, index)).tobytes() for index in range(3)]
    assert len(set(pictures)) == 3


async def test_an_image_can_be_sent_along(served: Program, http: aiohttp.ClientSession) -> None:
    """What comes out depends on it."""
    made = []
    for colour in ("red", "blue"):
        status = await wait_for_job(
            http,
            served.url,
            await generate(
                http,
                served.url,
                workflow="img2img",
                images={"image": encoded(Image.new("RGB", (64, 64), colour))},
                values={"denoise": 0.2, "seed": 1},
            ),
        )
        made.append((await picture(http, served.url, status)).tobytes())
    assert made[0] != made[1]


async def test_a_key_makes_a_request_one_for_its_user(served: Program, http: aiohttp.ClientSession) -> None:
    """The same key and body is the same job; another user's is another; another body is an error."""
    first = await ask(http, served.url, key="k", user="ann")
    assert await ask(http, served.url, key="k", user="ann") == first
    other = await ask(http, served.url, key="k", user="bob")
    assert (other[0], other[1] != first[1]) == (202, True)
    status, answer = await ask(http, served.url, "a blue fox", key="k", user="ann")
    assert (status, answer) == (
        400,
        {
            "error": {
                "code": "invalid_value",
                "message": "That key was used for another request. Use a new one.",
            }
        },
    )


async def test_many_at_once_with_one_key_are_one_job(served: Program, http: aiohttp.ClientSession) -> None:
    """Whoever comes first makes it."""
    answers = await asyncio.gather(*(ask(http, served.url, key="k") for _ in range(10)))
    assert {(status, answer["job_id"]) for status, answer in answers} == {(202, answers[0][1]["job_id"])}


async def test_waiting_jobs_know_their_place(
    served: Program, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """From 1, and it counts down."""
    await fault(http, simulated.url, "hang")
    jobs = [await generate(http, served.url, f"number {number}") for number in range(5)]
    while (await get(http, f"{simulated.url}/prompt"))["exec_info"]["queue_remaining"] < 2:
        await asyncio.sleep(0.02)
    places = [(await get(http, f"{served.url}/api/v1/jobs/{job}")).get("position") for job in jobs]
    queue = await get(http, f"{served.url}/api/v1/queue")
    await fault(http, simulated.url, "unhang")

    assert places == [None, None, 1, 2, 3]
    assert (queue["waiting"], queue["running"]) == (3, 2)
    name = simulated.url.removeprefix("http://")
    assert queue["backends"] == [{"name": name, "up": True, "version": "0.33.0", "running": 2}]
    assert [(await wait_for_job(http, served.url, job))["state"] for job in jobs] == ["done"] * 5


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"no json", 400, "invalid_value"),
        (b"[]", 400, "invalid_value"),
        (b"{}", 400, "invalid_value"),
        (b'{"workflow": "imagine", "surprise": 1}', 400, "invalid_value"),
        (b'{"workflow": "nope"}', 404, "unknown_command"),
        (b'{"workflow": "queue"}', 404, "unknown_command"),
        (b'{"workflow": "imagine", "values": {"prompt": ""}}', 400, "invalid_value"),
        (b'{"workflow": "imagine", "values": {"prompt": "x", "seed": -1}}', 400, "invalid_value"),
        (b'{"workflow": "imagine", "values": {"prompt": "x", "sampler": "nope"}}', 400, "invalid_value"),
        (
            b'{"workflow": "imagine", "values": {"prompt": "x"}, "images": {"image": ""}}',
            400,
            "invalid_value",
        ),
        (b'{"workflow": "img2img", "values": {"prompt": "x"}}', 400, "invalid_value"),
        (
            b'{"workflow": "img2img", "values": {"prompt": "x"}, "images": {"image": "!"}}',
            415,
            "media_rejected",
        ),
        (
            b'{"workflow": "img2img", "values": {"prompt": "x"}, "images": {"image": "aGk="}}',
            415,
            "media_rejected",
        ),
    ],
)
async def test_a_bad_request_is_a_sentence_and_queues_nothing(
    served: Program, http: aiohttp.ClientSession, body: bytes, status: int, code: str
) -> None:
    """And holds no path and no traceback."""
    async with http.post(f"{served.url}/api/v1/generate", data=body) as answer:
        error = (await answer.json())["error"]
    assert (answer.status, error["code"]) == (status, code)
    assert error["message"].endswith(".")
    assert not re.search(r"Traceback|File \"|/tmp|/home", error["message"])
    queue = await get(http, f"{served.url}/api/v1/queue")
    assert (queue["waiting"], queue["running"]) == (0, 0)


async def test_unknown_jobs_and_outputs_are_told_alike(served: Program, http: aiohttp.ClientSession) -> None:
    """404 for a job, 410 for an output that is not there."""
    job = await generate(http, served.url)
    await until(http, served.url, job, "done")
    for path, status, code in (
        ("jobs/0123", 404, "no_such_job"),
        ("jobs/..%2F..", 404, "no_such_job"),
        ("jobs/0123/events", 404, "no_such_job"),
        ("jobs/0123/outputs/0", 404, "no_such_job"),
        (f"jobs/{job}/outputs/1", 410, "stale"),
        (f"jobs/{job}/outputs/x", 410, "stale"),
    ):
        async with http.get(f"{served.url}/api/v1/{path}") as answer:
            assert (path, answer.status, (await answer.json())["error"]["code"]) == (path, status, code)


async def test_workflows_say_what_may_be_set(served: Program, http: aiohttp.ClientSession) -> None:
    """With the choices of the server, and nothing that JavaScript could not read exactly."""
    await ready(http, served.url)
    workflows = {w["name"]: w for w in (await get(http, f"{served.url}/api/v1/workflows"))["workflows"]}
    assert list(workflows) == [
        *("imagine", "edit", "vary", "inpaint"),
        *("img2img", "sdxl", "sdxl-inpaint"),
    ]
    parameters = {p["name"]: p for p in workflows["imagine"]["parameters"]}
    assert parameters["steps"] == {
        "name": "steps",
        "type": "integer",
        "title": "Steps",
        "description": "Sampling steps: more is slower and finer",
        "required": False,
        "default": 20,
        "minimum": 1,
        "maximum": 100,
    }
    assert parameters["model"]["choices"] == ["sd_xl_base_1.0.safetensors", "dreamshaper_8.safetensors"]
    assert parameters["seed"]["maximum"] == "18446744073709551615"


async def test_the_description_covers_the_routes(served: Program, http: aiohttp.ClientSession) -> None:
    """Every reference resolves, and the contract's routes are there."""
    found = await get(http, f"{served.url}/openapi.json")
    assert found["openapi"] == "3.1.0"
    assert sorted(found["paths"]) == [
        "/api/v1/admin/commands/{name}",
        "/api/v1/admin/jobs/{id}",
        "/api/v1/admin/overview",
        "/api/v1/generate",
        "/api/v1/jobs/{id}",
        "/api/v1/jobs/{id}/events",
        "/api/v1/jobs/{id}/outputs/{index}",
        "/api/v1/me",
        "/api/v1/queue",
        "/api/v1/workflows",
        "/healthz",
        "/metrics",
        "/readyz",
    ]
    for reference in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(found)):
        assert reference in found["components"]["schemas"]


async def test_health_readiness_and_metrics(
    served: Program, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Ready means that a picture asked for now would be begun and shown; figures have few labels, and no secrets."""
    await ready(http, served.url)
    await wait_for_job(http, served.url, await generate(http, served.url))
    assert await get(http, f"{served.url}/healthz") == {"status": "ok"}
    assert await get(http, f"{served.url}/readyz") == {"status": "ok"}
    async with asyncio.timeout(20):
        while await _delivered(http, served.url) != (1, 0):
            await asyncio.sleep(0.05)
    figures = await _figures(http, served.url)
    name = simulated.url.removeprefix("http://")
    expected = {
        "muralist_oldest_waiting_seconds": 0.0,
        f'muralist_backend_up{{backend="{name}"}}': 1.0,
        f'muralist_backend_stalled{{backend="{name}"}}': 0.0,
        f'muralist_backend_jobs{{backend="{name}"}}': 0.0,
        f'muralist_backend_others{{backend="{name}"}}': 0.0,
        f'muralist_backend_vram_bytes{{backend="{name}",device="0"}}': 24 * 2.0**30,
        'muralist_deliveries_total{platform="web"}': 1.0,
        'muralist_slowdowns_total{platform="web"}': 0.0,
        'muralist_delivery_failures_total{platform="web"}': 0.0,
        'muralist_messages_gone_total{platform="web"}': 0.0,
        'muralist_undelivered{platform="web"}': 0.0,
        'muralist_jobs_ended_total{platform="web",state="done",workflow="sdxl"}': 1.0,
        'muralist_job_wait_seconds_count{workflow="sdxl"}': 1.0,
        'muralist_job_run_seconds_count{workflow="sdxl"}': 1.0,
        f'muralist_model_swaps_total{{backend="{name}"}}': 1.0,
    }
    assert {key: figures.get(key) for key in expected} == expected
    assert figures['muralist_edits_total{platform="web"}'] >= 1
    assert figures["muralist_disk_free_bytes"] > 0
    waiting = await generate(http, served.url, values={"steps": 100})
    figures = await _figures(http, served.url)
    assert sum(value for key, value in figures.items() if key.startswith("muralist_jobs{")) == 1
    await wait_for_job(http, served.url, waiting)
    await simulated.kill()
    async with asyncio.timeout(20):
        while (await _ready(http, served.url)) != (503, {"status": "no ComfyUI answers"}):
            await asyncio.sleep(0.05)


async def _delivered(http: aiohttp.ClientSession, url: str) -> tuple[float, float]:
    """How many ends were shown on the page, and how many messages do not show yet what they should."""
    figures = await _figures(http, url)
    return figures['muralist_deliveries_total{platform="web"}'], figures[
        'muralist_undelivered{platform="web"}'
    ]


async def _figures(http: aiohttp.ClientSession, url: str) -> dict[str, float]:
    """What Prometheus reads, by name and labels; it must be able to."""
    async with http.get(f"{url}/metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = text_string_to_metric_families(await answer.text())
        return {
            sample.name
            + (
                "{" + ",".join(f'{key}="{value}"' for key, value in sorted(sample.labels.items())) + "}"
                if sample.labels
                else ""
            ): sample.value
            for family in families
            for sample in family.samples
        }


async def _ready(http: aiohttp.ClientSession, url: str) -> tuple[int, Any]:
    async with http.get(f"{url}/readyz") as answer:
        return answer.status, await answer.json()


async def _events(http: aiohttp.ClientSession, url: str, job: str) -> tuple[list[dict[str, Any]], list[str]]:
    """All states and previews of a job."""
    states, previews, event = [], [], ""
    async with http.get(f"{url}/api/v1/jobs/{job}/events") as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        while raw := await answer.content.readline():
            name, _, value = raw.decode().strip().partition(": ")
            if name == "event":
                event = value
            elif name == "data" and event == "status":
                states.append(json.loads(value))
            elif name == "data":
                previews.append(json.loads(value)["url"])
    return states, previews
