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
class RemoteText:
    """Words that a node put out."""

    node: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SentPicture:
    """A picture that a node sent over the socket instead of saving it: these bytes are all there is of it."""

    node: str
    data: bytes
    media_type: str


Result = RemoteFile | RemoteText | SentPicture


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """The backend has begun to execute the attempt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """`fraction` (0..1) of the whole graph, which never goes back.

    `node` is the title of the node that runs, `note` what a node says of its work.
    """

    fraction: float
    node: str | None
    note: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A picture of what is in the making."""

    data: bytes
    media_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """Executed to the end. There may be no results; `kept_back` is what the node said that withheld them."""

    results: tuple[Result, ...]
    kept_back: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Broke:
    """Ended by an error: `NodeFailed`, `OutOfMemory`, or `Lost` if the server no longer knows the attempt.

    `results` were saved before it.
    """

    error: BackendError
    results: tuple[Result, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Interrupted:
    """Ended because somebody interrupted it; `results` were saved before that."""

    results: tuple[Result, ...] = ()


Ended = Finished | Broke | Interrupted
RunEvent = Started | Progress | Preview | Ended
