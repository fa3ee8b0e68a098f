"""ComfyUI's plain routes, typed: lists, numbers and files. Running graphs is `ComfyBackend`'s."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args
from urllib.parse import quote

import aiohttp

from bot.comfy.guards import ServerFault
from bot.comfy.located import Queue, parse_queue
from bot.comfy.stats import Stats, parse_stats
from bot.comfy.wire import Wire
from bot.errors import Lost, Refused
from bot.jobs.events import RemoteFile

SUBFOLDER = "muralist"
"""Where uploads go within ComfyUI's input folder, which all its users share."""
FORM_BYTES = 4096
"""More than the other fields of an upload's form take."""

JobStatus = Literal["pending", "in_progress", "completed", "failed", "cancelled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class JobInfo:
    """A job as `/api/jobs` tells of it, whosever it is. Times in seconds since the epoch.

    Servers before 0.8.2 call cancelled jobs failed. `priority` is its number in the queue: lowest runs first.
    """

    prompt_id: str
    status: JobStatus
    priority: float
    created: float | None
    started: float | None
    ended: float | None
    outputs_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class JobPage:
    """Some of the jobs; `total` is how many fit."""

    jobs: tuple[JobInfo, ...]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """How `/view` is to encode a picture anew, without the workflow in it. `quality` is 1 to 100."""

    kind: Literal["webp", "jpeg"] = "webp"
    quality: int = 90


class Routes:
    """Every method raises `CannotConnect` if there is no usable answer."""

    def __init__(self, wire: Wire, *, most_upload: Callable[[], int | None]) -> None:
        """`most_upload` tells the server's limit in bytes, None if that is not known."""
        self._wire = wire
        self._most_upload = most_upload

    async def features(self) -> Mapping[str, Any] | None:
        """`/features`; None for servers before 0.3.44."""
        return await self._optional("/features")

    async def stats(self) -> Stats:
        """Version, system and memory, as they are now."""
        found = parse_stats(await self._wire.get_json("/system_stats"))
        if found is None:
            raise self._wire.stranger("no system in /system_stats")
        return found

    async def object_info(self) -> Mapping[str, Any]:
        """All node classes, as the server writes them."""
        return _mapping(await self._wire.get_json("/object_info"))

    async def node_info(self, class_type: str) -> Mapping[str, Any] | None:
        """One node class; None if the server does not have it."""
        body = _mapping(await self._wire.get_json(f"/object_info/{_part(class_type)}"))
        found = body.get(class_type)
        return found if isinstance(found, Mapping) else None

    async def model_folders(self) -> tuple[str, ...]:
        """The kinds of models."""
        return _texts(await self._wire.get_json("/models"))

    async def models(self, folder: str) -> tuple[str, ...] | None:
        """The files of one kind, as the server spells them; None for an unknown kind."""
        answer = await self._wire.get(f"/models/{_part(folder)}")
        return None if answer.status == 404 else _texts(self._wire.json_of(answer))

    async def head(self, folder: str, name: str) -> Mapping[str, Any]:
        """What a safetensors file, named as the server spells it, says of itself; empty if it says nothing."""
        path = f"/view_metadata/{_part(folder)}?filename={quote(name, safe='')}"
        try:
            answer = await self._wire.probe(path)
        except ServerFault:
            return {}  # a file that is damaged; nothing is wrong with the server
        return _mapping(self._wire.json_of(answer)) if answer.status == 200 else {}

    async def embeddings(self) -> tuple[str, ...]:
        """The embeddings' names, without endings."""
        return _texts(await self._wire.get_json("/embeddings"))

    async def queue(self) -> Queue:
        """Who runs and who waits, of everybody. Long with a long queue: it holds everybody's whole graphs."""
        return parse_queue(await self._wire.get_json("/queue"))

    async def history(self, most: int, prompt_id: str | None = None) -> Mapping[str, Any]:
        """The entries of the last prompts, or of one. Long: each holds a whole graph, and its author's form of it."""
        path = "/history" if prompt_id is None else f"/history/{_part(prompt_id)}"
        query = {"max_items": str(most)} if prompt_id is None else None
        return _mapping(self._wire.json_of(await self._wire.get(path, query=query)))

    async def remaining(self) -> int:
        """How many prompts run or wait, of everybody. The cheapest question there is."""
        info = _mapping(_mapping(await self._wire.get_json("/prompt")).get("exec_info"))
        count = info.get("queue_remaining")
        return count if isinstance(count, int) else 0

    async def job(self, prompt_id: str) -> JobInfo | None:
        """One job; None if the server does not know it, or no jobs at all."""
        return _job(await self._optional(f"/api/jobs/{_part(prompt_id)}"))

    async def jobs(
        self, *statuses: JobStatus, limit: int | None = None, offset: int = 0, oldest_first: bool = False
    ) -> JobPage | None:
        """Jobs of these statuses, or of all; None for servers before 0.5.1."""
        query = {"offset": str(offset), "sort_order": "asc" if oldest_first else "desc"}
        query |= {"status": ",".join(statuses)} if statuses else {}
        query |= {"limit": str(limit)} if limit is not None else {}
        body = await self._optional("/api/jobs", query)
        if body is None:
            return None
        rows = body.get("jobs")
        found = [_job(row) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
        total = _mapping(body.get("pagination")).get("total")
        return JobPage(
            jobs=tuple(job for job in found if job is not None),
            total=total if isinstance(total, int) else len(found),
        )

    async def free(self, *, unload_models: bool = True, free_memory: bool = False) -> None:
        """Give the GPU's memory back, once what runs is done. `free_memory` also forgets cached results."""
        body = {"unload_models": unload_models, "free_memory": free_memory}
        await self._wire.post("/free", body, again=True)

    async def upload_image(self, name: str, data: bytes | Path, *, subfolder: str = SUBFOLDER) -> str:
        """Put a file of any type into the input folder; that of a `Path` is streamed.

        Returns the value for LoadImage's `image`, as the server named it. Raises `Refused`.
        """
        return await self._upload("/upload/image", name, data, {"subfolder": subfolder})

    async def upload_mask(self, name: str, data: bytes | Path, original: RemoteFile) -> str:
        """Put a copy of `original`, with the alpha of this picture, into the input folder.

        Returns its value for LoadImage's `image`. Raises `Lost` if the server has no such original.
        """
        async with self.view(original):
            pass  # for a missing one the server would answer 200 and write nothing
        place = {"filename": original.filename, "subfolder": original.subfolder, "type": original.folder}
        fields = {"subfolder": SUBFOLDER, "original_ref": json.dumps(place)}
        return await self._upload("/upload/mask", name, data, fields)

    @asynccontextmanager
    async def view(
        self,
        file: RemoteFile,
        *,
        preview: Encoding | None = None,
        channel: Literal["rgba", "rgb", "a"] | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Stream a file that the server named. Raises `Lost` if it is gone; `CannotConnect` at any chunk, too."""
        query = {"filename": file.filename, "subfolder": file.subfolder, "type": file.folder}
        query |= {"preview": f"{preview.kind};{preview.quality}"} if preview is not None else {}
        query |= {"channel": channel} if channel is not None else {}
        async with self._wire.stream("/view", query) as (status, chunks):
            if status != 200:
                raise Lost(
                    "ComfyUI no longer has the file. Make it again.",
                    detail=f"status {status}, {file.filename}",
                )
            yield chunks

    async def _optional(self, path: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any] | None:
        """A JSON object, or None where the route or the thing is unknown."""
        answer = await self._wire.get(path, query=query)
        if answer.status in (404, 405):
            return None
        if answer.status != 200:
            raise self._wire.stranger(f"{answer.status} for GET {path}")
        return _mapping(self._wire.json_of(answer))

    async def _upload(self, path: str, name: str, data: bytes | Path, fields: Mapping[str, str]) -> str:
        await self._check_size(data)
        with ExitStack() as files:

            def form() -> aiohttp.FormData:
                file = BytesIO(data) if isinstance(data, bytes) else files.enter_context(data.open("rb"))
                return _form(name, file, fields)

            answer = await self._wire.post_form(path, form)
        if answer.status != 200:
            raise Refused("ComfyUI did not take the file. Send another.", detail=f"status {answer.status}")
        body = _mapping(self._wire.json_of(answer))
        stored = body.get("name")
        if not isinstance(stored, str):
            raise self._wire.stranger("an upload's answer without a name")
        folder = str(body.get("subfolder") or "").replace("\\", "/").strip("/")
        return f"{folder}/{stored}" if folder else stored

    async def _check_size(self, data: bytes | Path) -> None:
        most = self._most_upload()
        size = len(data) if isinstance(data, bytes) else (await asyncio.to_thread(data.stat)).st_size
        if most is not None and size + FORM_BYTES > most:
            raise Refused(
                f"That is too big for ComfyUI, which takes {most / 2**20:.4g} MB at most. Send something smaller.",
                detail=f"{size} bytes of {most}",
            )


def _form(name: str, file: BinaryIO, fields: Mapping[str, str]) -> aiohttp.FormData:
    form = aiohttp.FormData()  # can be sent once only
    form.add_field("image", file, filename=_ascii(name), content_type="application/octet-stream")
    for key, value in {"type": "input", **fields}.items():
        form.add_field(key, value)
    return form


def _ascii(name: str) -> str:
    """A name that no HTTP library encodes: the server would take `%D0%BA.png` by its letters."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".")[-100:] or "file"


def _job(row: Mapping[str, Any] | None) -> JobInfo | None:
    if row is None or not isinstance(row.get("id"), str) or row.get("status") not in get_args(JobStatus):
        return None
    return JobInfo(
        prompt_id=row["id"],
        status=row["status"],
        priority=_number(row.get("priority")) or 0.0,
        created=_seconds(row.get("create_time")),
        started=_seconds(row.get("execution_start_time")),
        ended=_seconds(row.get("execution_end_time")),
        outputs_count=int(_number(row.get("outputs_count")) or 0),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _seconds(milliseconds: object) -> float | None:
    number = _number(milliseconds)
    return None if number is None else number / 1000


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _part(text: str) -> str:
    """A part of a path; `..` and slashes would lead elsewhere."""
    return quote(text, safe="").replace("..", "%2E%2E")
