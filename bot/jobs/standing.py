"""What is kept of people and places beside their jobs. Times are seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass

from bot.contract.levels import Level


@dataclass(frozen=True, kw_only=True, slots=True)
class Ban:
    """Why somebody is blocked, since when, by whom (platform:id), and until when; None is for good."""

    reason: str
    by: str
    at: float
    until: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What admins gave a person: a level, if any, and a ban that still holds."""

    level: Level | None = None
    ban: Ban | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceRule:
    """What admins said of a place, or of all that is part of it. None leaves it as it is anyway.

    `workflows` are names of workflows or commands, those alone that run there.
    """

    platform: str
    external_id: str
    name: str = ""
    allowed: bool | None = None
    workflows: tuple[str, ...] | None = None
    age_restricted: bool | None = None
