"""What is heard of an attempt while it is on a backend."""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import BackendError


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteFile:
    """A file that a backend names: `/view` fetches it. None of the three is ever a path of ours."""

    node: str
    filename: str
    subfolder: str
    folder: str
    """ComfyUI's `type`: output, temp or input."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """The backend has begun to execute the attempt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """`fraction` (0..1) of the whole graph; `node` is the title of the node that runs. Never goes back."""

    fraction: float
    node: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A picture of what is in the making."""

    data: bytes
    media_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """Executed to the end. Results come before previews; there may be none."""

    files: tuple[RemoteFile, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Broke:
    """Ended by an error: `NodeFailed`, `OutOfMemory`, or `Lost` if the server no longer knows the attempt."""

    error: BackendError


@dataclass(frozen=True, kw_only=True, slots=True)
class Interrupted:
    """Ended because somebody interrupted it."""


Ended = Finished | Broke | Interrupted
RunEvent = Started | Progress | Preview | Ended
