"""The job objects of `/api/jobs`, made from queue items and history entries."""

from collections.abc import Iterable
from typing import Any

from simulator.job_outputs import as_files, summary
from simulator.prompt_queue import Item, PromptQueue

Json = dict[str, Any]
STATUSES = ("pending", "in_progress", "completed", "failed", "cancelled")


def all_jobs(queue: PromptQueue) -> Iterable[Json]:
    """Every job without its outputs: the running one, waiting ones in heap order, then finished ones."""
    if queue.running is not None:
        yield _unfinished(queue.running, "in_progress")
    yield from (_unfinished(item, "pending") for item in queue.pending)
    yield from (_finished(entry) for entry in queue.history.values())


def job(queue: PromptQueue, prompt_id: str) -> Json | None:
    """One job with all that is known; the history wins over the queue for an id that is in both."""
    entry = queue.history.get(prompt_id)
    if entry is not None:
        _, _, graph, extra_data, _ = entry["prompt"]
        more = {
            "outputs": as_files(entry["outputs"]),
            "execution_status": entry["status"],
            "workflow": {"prompt": graph, "extra_data": extra_data},
        }
        return {**_finished(entry), **more}
    if queue.running is not None and queue.running[1] == prompt_id:
        return _unfinished(queue.running, "in_progress")
    waiting = next((item for item in queue.pending if item[1] == prompt_id), None)
    return None if waiting is None else _unfinished(waiting, "pending")


def ordered(jobs: Iterable[Json], sort_by: str, sort_order: str) -> list[Json]:
    """Jobs by creation or by how long they ran; unfinished ones ran 0 ms."""

    def key(job: Json) -> int:
        if sort_by == "created_at":
            return int(job.get("create_time", 0))
        started, ended = job.get("execution_start_time"), job.get("execution_end_time")
        return ended - started if started and ended else 0

    return sorted(jobs, key=key, reverse=sort_order == "desc")


def _unfinished(item: Item, status: str) -> Json:
    number, prompt_id, _, extra_data, *_ = item
    return _pruned(
        {
            "id": prompt_id,
            "status": status,
            "priority": number,
            "create_time": extra_data.get("create_time"),
            "outputs_count": 0,
            "previewable_outputs_count": 0,
            "workflow_id": _workflow_id(extra_data),
        }
    )


def _finished(entry: Json) -> Json:
    number, prompt_id, _, extra_data, _ = entry["prompt"]
    messages = dict(entry["status"]["messages"])
    error = messages.get("execution_error")
    interrupted = messages.get("execution_interrupted")
    end = messages.get("execution_success") or error or interrupted or {}
    failed = "cancelled" if interrupted else "failed"
    outputs = summary(entry["outputs"])
    return _pruned(
        {
            "id": prompt_id,
            "status": "completed" if entry["status"]["completed"] else failed,
            "priority": number,
            "create_time": extra_data.get("create_time"),
            "execution_start_time": messages["execution_start"]["timestamp"],
            "execution_end_time": end.get("timestamp"),
            "execution_error": error,
            "outputs_count": outputs.count,
            "previewable_outputs_count": outputs.previewable,
            "preview_output": outputs.preview,
            "workflow_id": _workflow_id(extra_data),
        }
    )


def _workflow_id(extra_data: Json) -> Any:
    """Raises AttributeError for extra data of another shape: then every list of jobs is a 500, as seen."""
    return extra_data.get("extra_pnginfo", {}).get("workflow", {}).get("id")


def _pruned(job: Json) -> Json:
    return {key: value for key, value in job.items() if value is not None}
