"""What a server can do, found out by asking: versions are never compared, since forks and proxies tell any."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bot.comfy.wire import Answer, Wire
from bot.errors import Refused

OLDEST = "0.3.64"
"""Servers from this version on have all that is needed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What was found when the server came up.

    `own_ids`: it keeps the id that a prompt is sent with. `jobs`: it has `/api/jobs`, and so interrupts by id
    alone. `cancels_jobs`: also `/api/jobs/cancel`. `max_upload_size` in bytes, None if it does not tell.
    """

    own_ids: bool
    jobs: bool
    cancels_jobs: bool
    previews_tell_whose: bool
    max_upload_size: int | None


async def probe_capabilities(wire: Wire) -> Capabilities:
    """Ask a server, in three requests. Raises `CannotConnect` if it does not answer."""
    features = _object(await wire.probe("/features"))
    jobs = "jobs" in _object(await wire.probe("/api/jobs?limit=1"))
    cancels_jobs = jobs and "cancelled" in _object(
        await wire.probe("/api/jobs/cancel", method="POST", body={"job_ids": []})
    )
    limit = features.get("max_upload_size")
    return Capabilities(
        # Both came with or after ids of one's own; a proxy may let but one of them pass.
        own_ids=bool(features) or jobs,
        jobs=jobs,
        cancels_jobs=cancels_jobs,
        previews_tell_whose=features.get("supports_preview_metadata") is True,
        max_upload_size=int(limit) if isinstance(limit, int | float) and limit > 0 else None,
    )


def too_old(name: str, version: str | None) -> Refused:
    """The error for a server that does not keep ids."""
    known = f" {version}" if version else ""
    return Refused(
        f"ComfyUI{known} at {name} is too old for Muralist. Update it to {OLDEST} or newer.",
        detail="it does not keep the ids that prompts are sent with",
    )


def _object(answer: Answer) -> Mapping[str, object]:
    try:
        body = json.loads(answer.body) if answer.status == 200 else None
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
