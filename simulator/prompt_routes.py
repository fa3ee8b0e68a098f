"""Routes that queue, watch and stop prompts.

Bodies are taken as real servers take them: what is not of the expected shape raises, and aiohttp makes
a 500 of it.
"""

import json
import time
import uuid
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from simulator import jobs
from simulator.machine import MACHINE, Machine
from simulator.schema import CLASSES
from simulator.validation import validate
from simulator.versions import OwnIds, Version

Json = dict[str, Any]
SECRETS = ("auth_token_comfy_org", "api_key_comfy_org")
_NO_PROMPT = ("no_prompt", "No prompt provided", "No prompt provided")
_BAD_ID_DETAILS = (
    "prompt_id must be a UUID string in canonical lowercase hyphenated form; "
    "omit it to let the server generate one"
)
_BAD_ID = ("invalid_prompt_id", "prompt_id must be a valid UUID", _BAD_ID_DETAILS)


async def post_prompt(request: web.Request) -> web.Response:
    """Check a graph and queue it; the counter moves on even when it is refused."""
    machine = request.app[MACHINE]
    machine.logbook.write("got prompt")
    body = await request.json()
    number: float
    if "number" in body:
        number = float(body["number"])
    else:
        number = machine.next_number()
        number = -number if _field(body, "front") else number
    version = machine.settings.version
    if "prompt" not in body:
        return _refused(*_NO_PROMPT, version)
    prompt_id = body.get("prompt_id")
    if prompt_id is None or version.own_ids is OwnIds.IGNORED:
        prompt_id = str(uuid.uuid4())
    elif version.own_ids is OwnIds.UUIDS and not _is_canonical_uuid(prompt_id):
        return _refused(*_BAD_ID, version)
    else:
        prompt_id = str(prompt_id)
    if (error := version.refusal(body["prompt"], CLASSES)) is not None:
        return _unsound(error, {}, version)
    targets = body.get("partial_execution_targets") if version.has_partial_runs else None
    verdict = validate(body["prompt"], targets, machine.catalogue, replacing=version.replaces_nodes)
    extra_data = _extra_data(body, request.headers.get("Comfy-Usage-Source"))
    if verdict.error is not None:
        machine.logbook.write(f"invalid prompt: {verdict.error}", "WARNING")
        return _unsound(verdict.error, verdict.node_errors, version)
    secrets = _taken_out(SECRETS if version.hides_secrets else (), extra_data)
    if version.has_create_time:
        extra_data["create_time"] = int(time.time() * 1000)
    machine.queue.put((number, prompt_id, body["prompt"], extra_data, verdict.outputs, secrets))
    return web.json_response({"prompt_id": prompt_id, "number": number, "node_errors": verdict.node_errors})


async def get_prompt(request: web.Request) -> web.Response:
    """How many prompts run or wait."""
    return web.json_response(request.app[MACHINE].queue.info())


async def get_queue(request: web.Request) -> web.Response:
    """Everybody's running and waiting prompts, whole."""
    return web.json_response(request.app[MACHINE].queue.listing())


async def post_queue(request: web.Request) -> web.Response:
    """Delete waiting prompts; the running one is out of reach."""
    queue = request.app[MACHINE].queue
    body = await request.json()
    if _field(body, "clear"):
        queue.clear()
    for prompt_id in _field(body, "delete", ()):
        queue.delete(prompt_id)
    return web.Response()


async def post_interrupt(request: web.Request) -> web.Response:
    """Interrupt one prompt if it is running, or, without an id, whatever runs and whoever owns it."""
    try:
        body = await request.json()
    except json.JSONDecodeError:
        body = {}
    machine = request.app[MACHINE]
    by_id = machine.settings.version.interrupts_by_id
    wanted = (body.get("prompt_id") or None) if by_id else None
    hit = machine.interrupt(wanted)
    told = f"Interrupting prompt {wanted}" if hit else f"Prompt {wanted} is not currently running"
    machine.logbook.write(told if wanted else "Global interrupt (no prompt_id specified)")
    return web.Response()


async def post_free(request: web.Request) -> web.Response:
    """Forget the model or the cache, once the running prompt is done."""
    queue = request.app[MACHINE].queue
    body = await request.json()
    for flag in ("unload_models", "free_memory"):
        if body.get(flag, False):
            queue.raise_flag(flag)
    return web.Response()


async def get_history(request: web.Request) -> web.Response:
    """Finished prompts, oldest first."""
    max_items, offset = request.query.get("max_items"), request.query.get("offset")
    entries = request.app[MACHINE].queue.past(
        None if max_items is None else int(max_items), -1 if offset is None else int(offset)
    )
    return web.json_response(entries)


async def get_history_entry(request: web.Request) -> web.Response:
    """One finished prompt; `{}` for every id that is not in the history, for whatever reason."""
    prompt_id = request.match_info["prompt_id"]
    history = request.app[MACHINE].queue.history
    return web.json_response({prompt_id: history[prompt_id]} if prompt_id in history else {})


async def post_history(request: web.Request) -> web.Response:
    """Forget finished prompts."""
    history = request.app[MACHINE].queue.history
    body = await request.json()
    if _field(body, "clear"):
        history.clear()
    for prompt_id in _field(body, "delete", ()):
        history.pop(prompt_id, None)
    return web.Response()


async def get_jobs(request: web.Request) -> web.Response:
    """Jobs of all states, filtered, sorted and paged."""
    query = request.query
    statuses = [part.strip().lower() for part in query.get("status", "").split(",") if part.strip()]
    wrong = [status for status in statuses if status not in jobs.STATUSES]
    sort_by = query.get("sort_by", "created_at").lower()
    sort_order = query.get("sort_order", "desc").lower()
    if wrong:
        valid = ", ".join(jobs.STATUSES)
        return _bad(f"Invalid status value(s): {', '.join(wrong)}. Valid values: {valid}")
    if sort_by not in ("created_at", "execution_duration"):
        return _bad("sort_by must be 'created_at' or 'execution_duration'")
    if sort_order not in ("asc", "desc"):
        return _bad("sort_order must be 'asc' or 'desc'")
    try:
        limit, offset = _paging(query.get("limit"), query.get("offset"))
    except ValueError as error:
        return _bad(str(error))
    machine = request.app[MACHINE]
    found = [
        job
        for job in (_told(job, machine.settings.version) for job in jobs.all_jobs(machine.queue))
        if (not statuses or job["status"] in statuses)
        and query.get("workflow_id") in (None, "", job.get("workflow_id"))
    ]
    page = jobs.ordered(found, sort_by, sort_order)[offset:][:limit]
    more = offset + len(page) < len(found)
    pagination = {"offset": offset, "limit": limit, "total": len(found), "has_more": more}
    return web.json_response({"jobs": page, "pagination": pagination})


async def get_job(request: web.Request) -> web.Response:
    """One job, or 404."""
    machine = request.app[MACHINE]
    job = jobs.job(machine.queue, request.match_info["job_id"])
    if job is None:
        return _bad("Job not found", status=404)
    return web.json_response(_told(job, machine.settings.version))


def _told(job: Json, version: Version) -> Json:
    if job["status"] == "cancelled" and not version.tells_cancelled:
        return {**job, "status": "failed"}
    return job


async def cancel_job(request: web.Request) -> web.Response:
    """Cancel one job; false for one that is unknown or finished."""
    cancelled = _cancel(request.app[MACHINE], request.match_info["job_id"])
    return web.json_response({"cancelled": cancelled})


async def cancel_jobs(request: web.Request) -> web.Response:
    """Cancel some jobs; true when at least one was running or waiting."""
    try:
        body = await request.json()
    except json.JSONDecodeError:
        return _bad("Request body must be valid JSON")
    ids = body.get("job_ids") if isinstance(body, dict) else None
    if not isinstance(ids, list):
        return _bad("job_ids must be a list")
    invalid = [str(job_id) for job_id in ids if not _is_canonical_uuid(job_id)]
    if invalid:
        answer = {"error": "job_ids contains invalid id(s)", "invalid_ids": invalid}
        return web.json_response(answer, status=400)
    cancelled = [_cancel(request.app[MACHINE], job_id) for job_id in ids]
    return web.json_response({"cancelled": any(cancelled)})


def _cancel(machine: Machine, prompt_id: str) -> bool:
    return machine.interrupt(prompt_id) or machine.queue.delete(prompt_id)


def _field(body: Any, key: str, default: Any = None) -> Any:
    """A field of a body. One that is a list has none, and passes, as in real servers."""
    if key not in body:
        return default
    return body[key]


def _extra_data(body: Json, source: str | None) -> Json:
    """What is kept with a prompt; `source` is the program it says to come from."""
    extra_data: Json = _field(body, "extra_data", {})
    if "client_id" in body:
        extra_data["client_id"] = body["client_id"]
    if "comfy_usage_source" not in extra_data and source:
        extra_data["comfy_usage_source"] = source
    return extra_data


def _taken_out(keys: Iterable[str], extra_data: Json) -> Json:
    """Secrets, which are kept apart so that no route shows them."""
    return {key: extra_data.pop(key) for key in keys if key in extra_data}


def _paging(limit: str | None, offset: str | None) -> tuple[int | None, int]:
    """The limit and the offset. Raises ValueError with the server's words."""
    if limit is not None and not _is_integer(limit):
        raise ValueError("limit must be an integer")
    if limit is not None and int(limit) <= 0:
        raise ValueError("limit must be a positive integer")
    if offset is not None and not _is_integer(offset):
        raise ValueError("offset must be an integer")
    return None if limit is None else int(limit), max(0, int(offset or 0))


def _is_integer(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


def _is_canonical_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False


def _refused(kind: str, message: str, details: str, version: Version) -> web.Response:
    return _unsound({"type": kind, "message": message, "details": details, "extra_info": {}}, {}, version)


def _unsound(error: Json, node_errors: Json, version: Version) -> web.Response:
    told = [] if version.empty_errors_are_lists and not node_errors else node_errors
    return web.json_response({"error": error, "node_errors": told}, status=400)


def _bad(message: str, status: int = 400) -> web.Response:
    return web.json_response({"error": message}, status=status)


ROUTES = [
    web.post("/prompt", post_prompt),
    web.get("/prompt", get_prompt),
    web.get("/queue", get_queue),
    web.post("/queue", post_queue),
    web.post("/interrupt", post_interrupt),
    web.post("/free", post_free),
    web.get("/history", get_history),
    web.get("/history/{prompt_id}", get_history_entry),
    web.post("/history", post_history),
]
# These exist with the prefix only.
JOB_ROUTES = [
    web.get("/api/jobs", get_jobs),
    web.get("/api/jobs/{job_id}", get_job),
]
CANCEL_ROUTES = [
    web.post("/api/jobs/cancel", cancel_jobs),
    web.post("/api/jobs/{job_id}/cancel", cancel_job),
]
