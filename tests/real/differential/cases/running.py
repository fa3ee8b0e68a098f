"""The routes that queue, watch and stop prompts, with good and bad bodies."""

from __future__ import annotations

from typing import Any

from tests.real.differential.answers import Json
from tests.real.differential.case import Group
from tests.real.differential.graphs import inverted, slow
from tests.real.differential.side import Side, unnumbered

routes = Group("running")
UNKNOWN = "11111111-2222-4333-8444-555555555555"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

routes.requests(
    {
        "prompt idle": ("GET", "/prompt"),
        "prompt idle below api": ("GET", "/api/prompt"),
        "prompt head": ("HEAD", "/prompt"),
        "prompt options": ("OPTIONS", "/prompt"),
        "prompt put": ("PUT", "/prompt"),
        "prompt without a body": ("POST", "/prompt"),
        "prompt that is not JSON": ("POST", "/prompt", {"data": "{", "headers": FORM}),
        "prompt body null": ("POST", "/prompt", {"json": None, "data": "null"}),
        "queue idle": ("GET", "/queue"),
        "queue clear": ("POST", "/queue", {"json": {"clear": True}}),
        "queue clear false": ("POST", "/queue", {"json": {"clear": False}}),
        "queue delete unknown": ("POST", "/queue", {"json": {"delete": [UNKNOWN]}}),
        "queue delete a string": ("POST", "/queue", {"json": {"delete": "abc"}}),
        "queue delete null": ("POST", "/queue", {"json": {"delete": None}}),
        "queue delete a number": ("POST", "/queue", {"json": {"delete": 3}}),
        "queue empty object": ("POST", "/queue", {"json": {}}),
        "queue empty list": ("POST", "/queue", {"json": []}),
        "queue without a body": ("POST", "/queue"),
        "interrupt nothing": ("POST", "/interrupt"),
        "interrupt unknown id": ("POST", "/interrupt", {"json": {"prompt_id": UNKNOWN}}),
        "interrupt empty id": ("POST", "/interrupt", {"json": {"prompt_id": ""}}),
        "interrupt a list": ("POST", "/interrupt", {"json": []}),
        "interrupt junk": ("POST", "/interrupt", {"data": "junk"}),
        "interrupt get": ("GET", "/interrupt"),
        "free models": ("POST", "/free", {"json": {"unload_models": True}}),
        "free memory": ("POST", "/free", {"json": {"free_memory": True}}),
        "free nothing": ("POST", "/free", {"json": {}}),
        "free a list": ("POST", "/free", {"json": []}),
        "free without a body": ("POST", "/free"),
        "history unknown": ("GET", f"/history/{UNKNOWN}"),
        "history junk id": ("GET", "/history/no%20id"),
        "history max_items 0": ("GET", "/history?max_items=0"),
        "history max_items junk": ("GET", "/history?max_items=many"),
        "history offset junk": ("GET", "/history?offset=x"),
        "history delete unknown": ("POST", "/history", {"json": {"delete": [UNKNOWN]}}),
        "history delete null": ("POST", "/history", {"json": {"delete": None}}),
        "history without a body": ("POST", "/history"),
        "jobs without the prefix": ("GET", "/jobs"),
        "jobs wrong status": ("GET", "/api/jobs?status=nope,completed,bad"),
        "jobs wrong sort_by": ("GET", "/api/jobs?sort_by=name"),
        "jobs wrong sort_order": ("GET", "/api/jobs?sort_order=up"),
        "jobs limit 0": ("GET", "/api/jobs?limit=0"),
        "jobs limit negative": ("GET", "/api/jobs?limit=-1"),
        "jobs limit junk": ("GET", "/api/jobs?limit=ten"),
        "jobs offset junk": ("GET", "/api/jobs?offset=ten"),
        "jobs pending": ("GET", "/api/jobs?status=pending"),
        "jobs pending with spaces": ("GET", "/api/jobs?status=%20Pending%20,,&limit=5&offset=-3"),
        "job unknown": ("GET", f"/api/jobs/{UNKNOWN}"),
        "job cancel unknown": ("POST", f"/api/jobs/{UNKNOWN}/cancel"),
        "job cancel junk id": ("POST", "/api/jobs/no-id/cancel"),
        "job cancel get": ("GET", f"/api/jobs/{UNKNOWN}/cancel"),
        "jobs cancel none": ("POST", "/api/jobs/cancel", {"json": {"job_ids": []}}),
        "jobs cancel unknown": ("POST", "/api/jobs/cancel", {"json": {"job_ids": [UNKNOWN]}}),
        "jobs cancel invalid": (
            "POST",
            "/api/jobs/cancel",
            {"json": {"job_ids": ["nope", 3, UNKNOWN, None]}},
        ),
        "jobs cancel not a list": ("POST", "/api/jobs/cancel", {"json": {"job_ids": UNKNOWN}}),
        "jobs cancel a list body": ("POST", "/api/jobs/cancel", {"json": [UNKNOWN]}),
        "jobs cancel not JSON": ("POST", "/api/jobs/cancel", {"data": "junk"}),
        "jobs cancel without a body": ("POST", "/api/jobs/cancel"),
    }
)


@routes
async def history_pages(side: Side) -> Json:
    """Which of three runs each combination of max_items and offset gives back."""
    ids = await _three_runs(side)
    pages = {}
    for query in (
        "max_items=2",
        "max_items=2&offset=1",
        "offset=1",
        "max_items=9",
        "max_items=-1",
        "offset=9",
    ):
        answer = await side.ask("GET", f"/history?{query}")
        found = answer.json() if answer.status == 200 else {}
        pages[query] = [answer.status, [ids.index(key) for key in found if key in ids]]
    return pages


@routes
async def history_whole_and_deleted(side: Side) -> Json:
    """The entries of three runs, one of them deleted, then all."""
    ids = await _three_runs(side)
    before = await side.get("/history")
    deleted = (await side.ask("POST", "/history", json={"delete": [ids[1]]})).seen()
    after = await side.get("/history")
    gone = (await side.ask("GET", f"/api/jobs/{ids[1]}")).seen()
    cleared = (await side.ask("POST", "/history", json={"clear": True})).seen()
    rest = await side.get("/history")
    places = [[ids.index(key) for key in entries] for entries in (before, after)]
    return {"places": places, "deleted": deleted, "gone": gone, "cleared": cleared, "rest": rest}


@routes
async def jobs_listed(side: Side) -> Json:
    """Finished, running and waiting jobs, with filters, orders and pages."""
    ids = await _three_runs(side)
    socket = await side.connect()
    running = await side.queue(slow(side.run_name, 0x102030), client_id=socket.client_id)
    await socket.until("executing", prompt_id=running)
    tagged = {"extra_pnginfo": {"workflow": {"id": "flow-1"}}}
    waiting = await side.queue(inverted(side.run_name, 5), client_id=socket.client_id, extra_data=tagged)
    names = {
        **{job: f"done {place}" for place, job in enumerate(ids)},
        running: "running",
        waiting: "waiting",
    }
    queries = [
        "", "status=completed", "status=in_progress,pending", "status=failed,cancelled", "sort_order=asc",
        "sort_by=created_at&sort_order=asc&limit=2&offset=1", "limit=1", "offset=4", "offset=50",
        "workflow_id=flow-1", "workflow_id=flow-2",
    ]  # fmt: skip
    pages = {query: _listed(await side.get(f"/api/jobs?{query}"), names) for query in queries}
    jobs = [unnumbered(await side.get(f"/api/jobs/{job}")) for job in (running, waiting)]
    await side.ask("POST", "/api/jobs/cancel", json={"job_ids": [waiting, running]})
    await socket.finished(running)
    return {"pages": pages, "jobs": [_without_workflow(job) for job in jobs]}


@routes
async def queue_while_running(side: Side) -> Json:
    """What queue, history and the cheap count say of a running and a waiting prompt."""
    socket = await side.connect()
    graph = inverted(side.run_name, 6)
    running = await side.queue(slow(side.run_name, 0x112233), client_id=socket.client_id)
    await socket.until("executing", prompt_id=running)
    more = {"client_id": "somebody", "extra_data": {"note": [1, {"a": None}], "api_key_comfy_org": "secret"}}
    waiting = await side.queue(graph, **more)
    listing = await side.get("/queue")
    count = await side.get("/prompt")
    histories = [await side.get(f"/history/{job}") for job in (running, waiting)]
    wrong_interrupt = (await side.ask("POST", "/interrupt", json={"prompt_id": waiting})).seen()
    still = len((await side.get("/queue"))["queue_running"])
    await side.ask("POST", "/queue", json={"delete": [waiting]})
    gone = (await side.ask("GET", f"/api/jobs/{waiting}")).seen()
    await side.ask("POST", "/interrupt", json={"prompt_id": running})
    await socket.finished(running)
    ends = [[len(item), item[1:2] + item[3:]] for item in listing["queue_running"]]
    waits = [["<number>", *item[1:]] for item in listing["queue_pending"]]
    return {
        "running": ends,
        "pending": waits,
        "count": count,
        "histories": histories,
        "interrupt of a waiting one": wrong_interrupt,
        "still running": still,
        "gone": gone,
    }


async def _three_runs(side: Side) -> list[str]:
    await side.ask("POST", "/history", json={"clear": True})
    socket = await side.connect()
    ids = []
    for colour in (1, 2, 3):
        ids.append(await side.queue(inverted(side.run_name, colour), client_id=socket.client_id))
        await socket.finished(ids[-1])
    return ids


def _listed(page: Json, names: dict[str, str]) -> Json:
    jobs: list[Any] = [{**unnumbered(job), "id": names.get(job["id"], job["id"])} for job in page["jobs"]]
    return {**page, "jobs": [[job["id"], job["status"], sorted(job)] for job in jobs]}


def _without_workflow(job: Json) -> Json:
    workflow = job.get("workflow", {})
    return {**job, "workflow": sorted(workflow)} if "workflow" in job else job
