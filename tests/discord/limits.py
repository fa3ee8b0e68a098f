"""What Discord refuses: rates, sizes, counts, in its own words."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

Json = dict[str, Any]

FILE_BYTES = 10 * 2**20
REQUEST_BYTES = 25 * 2**20
V2 = 1 << 15
CONTAINER, ROW, BUTTON, TEXT, GALLERY, FILE = 17, 1, 2, 10, 12, 13


def answered(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON with the very content type that Discord has: its clients compare it letter by letter."""
    body = json.dumps(value).encode()
    return web.Response(
        body=body, status=status, headers={**(headers or {}), "Content-Type": "application/json"}
    )


def refusal(status: int, code: int, message: str, **more: Any) -> web.Response:
    """An error as Discord words it."""
    return answered({"message": message, "code": code, **more}, status=status)


class Buckets:
    """Rate limits by bucket, with the headers that announce them."""

    def __init__(self, most: int = 5, seconds: float = 5.0) -> None:
        self._most = most
        self._seconds = seconds
        self._used: dict[str, deque[float]] = {}
        self.refused = 0

    def take(self, name: str) -> tuple[bool, dict[str, str]]:
        """Whether one more is allowed, and the headers of the answer."""
        now = time.monotonic()
        used = self._used.setdefault(name, deque())
        while used and used[0] <= now - self._seconds:
            used.popleft()
        allowed = len(used) < self._most
        if allowed:
            used.append(now)
        else:
            self.refused += 1
        after = used[0] + self._seconds - now
        left = self._most - len(used)
        return allowed, {
            "X-RateLimit-Limit": str(self._most),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": f"{time.time() + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": name.split(":")[0],
            "Via": "1.1 google",
        }


def too_fast(headers: Mapping[str, str]) -> web.Response:
    """429."""
    after = float(headers["X-RateLimit-Reset-After"])
    body = {"message": "You are being rate limited.", "retry_after": after, "global": False}
    return answered(body, status=429, headers={**headers, "Retry-After": str(int(after) + 1)})


def wrong(payload: Json, files: Mapping[str, bytes], file_bytes: int = FILE_BYTES) -> web.Response | None:
    """What Discord would refuse of a message."""
    if (
        any(len(data) > file_bytes for data in files.values())
        or sum(map(len, files.values())) > REQUEST_BYTES
    ):
        return refusal(413, 40005, "Request entity too large")
    troubles = list(_troubles(payload, files))
    if troubles:
        errors = {"components": {"_errors": [{"code": "BASE_TYPE", "message": text} for text in troubles]}}
        return refusal(400, 50035, "Invalid Form Body", errors=errors)
    return None


def walk(components: Sequence[Json]) -> list[Json]:
    """All components, those inside others too."""
    found: list[Json] = []
    for component in components:
        found += [component, *walk(component.get("components", ()))]
    return found


def _troubles(payload: Json, files: Mapping[str, bytes]) -> list[str]:
    every = walk(payload.get("components") or ())
    troubles = []
    if every and not payload.get("flags", 0) & V2 and any(part["type"] > ROW + 8 for part in every):
        troubles.append("components of version 2 without their flag")
    if payload.get("flags", 0) & V2 and payload.get("content"):
        troubles.append("content beside components of version 2")
    if len(every) > 40 or len(files) > 10:
        troubles.append("more than 40 components or 10 files")
    if sum(len(part["content"]) for part in every if part["type"] == TEXT) > 4000:
        troubles.append("more than 4000 characters")
    if any(not part["content"] for part in every if part["type"] == TEXT):
        troubles.append("empty text")
    for part in every:
        troubles += _of_part(part, files)
    return troubles


def _of_part(part: Json, files: Mapping[str, bytes]) -> list[str]:
    match part["type"]:
        case 1 if not 1 <= len(part["components"]) <= 5:
            return ["a row has 1 to 5 buttons"]
        case 2 if not 1 <= len(part["custom_id"]) <= 100 or not 1 <= len(part["label"]) <= 80:
            return ["a button's id has at most 100 characters, its label 80"]
        case 12 if not 1 <= len(part["items"]) <= 10:
            return ["a gallery has 1 to 10 items"]
        case 12:
            return [text for item in part["items"] for text in _of_file(item["media"]["url"], files)]
        case 13:
            return _of_file(part["file"]["url"], files)
    return []


def _of_file(url: str, files: Mapping[str, bytes]) -> list[str]:
    name = url.removeprefix("attachment://")
    return [] if name in files else [f"{url} names no file of this request"]
