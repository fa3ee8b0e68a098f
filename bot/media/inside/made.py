"""What work that writes a file answers with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A file called `name` was written in the folder given; no name means that the source will do.

    Width and height in pixels, 0 for sound.
    """

    name: str
    media_type: str
    width: int
    height: int
