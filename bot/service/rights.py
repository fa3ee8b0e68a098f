"""Who may do what: the one table of levels, and which level a person has."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.contract.levels import Level
from bot.contract.values import Actor
from bot.errors import NotAllowed
from bot.jobs.standing import Ban, Kept
from bot.scheduling.allowance import in_hours
from bot.service.policy import Policy
from bot.store.standing import Standing

MAKE = "make"
END_ANY = "end-any"
DELETE_ANY = "delete-any"
OVERSEE = "oversee"
ADD = "add"

LEAST: Mapping[str, Level] = {
    MAKE: Level.GUEST,
    "/queue": Level.GUEST,
    "/quota": Level.GUEST,
    "/help": Level.GUEST,
    END_ANY: Level.MODERATOR,
    DELETE_ANY: Level.MODERATOR,
    "/ban": Level.MODERATOR,
    "/unban": Level.MODERATOR,
    OVERSEE: Level.ADMIN,
    ADD: Level.ADMIN,
    "/level": Level.ADMIN,
    "/place": Level.ADMIN,
    "/allow": Level.ADMIN,
    "/forbid": Level.ADMIN,
    "/pause": Level.ADMIN,
    "/resume": Level.ADMIN,
    "/cancel-job": Level.MODERATOR,
    "/clear": Level.MODERATOR,
    "/front": Level.ADMIN,
    "/drain": Level.ADMIN,
    "/restore": Level.ADMIN,
    "/backend add": Level.ADMIN,
    "/backend remove": Level.ADMIN,
    "/gpu back": Level.ADMIN,
    "/gpu take": Level.ADMIN,
    "/limits": Level.ADMIN,
    "/stats": Level.ADMIN,
    "/audit": Level.ADMIN,
    **dict.fromkeys(
        (
            "/workflow add", "/workflow edit", "/workflow set", "/workflow try", "/workflow publish",
            "/workflow list", "/workflow show", "/workflow diff", "/workflow rollback", "/workflow disable",
            "/workflow enable", "/workflow export",
        ),
        Level.ADMIN,
    ),
}  # fmt: skip
"""The least level that each thing takes. docs/permissions.md is made of it."""

WHOSE: Mapping[Level, str] = {
    Level.GUEST: "That is for guests and above.",
    Level.MEMBER: "That is for members. An admin makes one with /level.",
    Level.TRUSTED: "That is for trusted people. An admin makes one with /level.",
    Level.MODERATOR: "That is for moderators. An admin makes one with /level.",
    Level.ADMIN: "That is for admins. The owner names them in ADMINS.",
}
"""What is said to those below a level."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """A person's level, and what blocks them: a ban, or being `unknown` where only known people are served."""

    level: Level
    ban: Ban | None = None
    unknown: bool = False


class Rights:
    """Knows everybody's level: admins are those whom the owner lists, and the owner where a platform vouches for that.

    Others have what an admin gave them, else what the settings say of them or their roles.
    """

    def __init__(self, kept: Standing, policy: Policy, admins: Collection[tuple[str, str]] = ()) -> None:
        self._kept = kept
        self.policy = policy
        self._admins = tuple(dict.fromkeys(admins))

    async def trust(self, actor: Actor) -> Trust:
        """How far a person is trusted now, and why not."""
        if actor.owner or (actor.platform, actor.external_id) in self._admins:
            return Trust(level=Level.ADMIN)
        return self._trust(actor, await self._kept.of(actor, time.time()))

    def _trust(self, actor: Actor, kept: Kept) -> Trust:
        if kept.ban is not None:
            return Trust(level=Level.BLOCKED, ban=kept.ban)
        by_person = self.policy.levels.get(actor.known_as) if kept.level is None else kept.level
        level = self.policy.role_level(actor.roles) if by_person is None else by_person
        if level is not None:
            return Trust(level=level)
        return Trust(level=self.policy.default, unknown=self.policy.default is Level.BLOCKED)

    async def level(self, actor: Actor) -> Level:
        """How far this person is trusted now."""
        return (await self.trust(actor)).level

    async def may(self, actor: Actor, deed: str) -> bool:
        """Whether this person's level is enough for something of `LEAST`."""
        return await self.level(actor) >= LEAST[deed]

    async def require(self, actor: Actor, deed: str) -> Level:
        """Their level. Raises `NotAllowed` if it is not enough for something of `LEAST`."""
        return self.judge(actor, await self.trust(actor), deed)

    def judge(self, actor: Actor, trust: Trust, deed: str) -> Level:
        """Their level, of somebody who is trusted so far. Raises `NotAllowed` as `require` does."""
        if trust.level is Level.BLOCKED:
            raise NotAllowed(_blocked(actor, trust, time.time()))
        if trust.level < LEAST[deed]:
            raise _too_low(LEAST[deed])
        return trust.level

    def named(self, platform: str) -> Sequence[str]:
        """The ids of those whom the owner lists on a platform, as listed."""
        return [known_as for listed, known_as in self._admins if listed == platform]


def _too_low(least: Level) -> NotAllowed:
    return NotAllowed(WHOSE[least])


def _blocked(actor: Actor, trust: Trust, now: float) -> str:
    """Why somebody may do nothing, until when, and who can change that."""
    if trust.ban is not None:
        return banned(trust.ban, now)
    if trust.unknown:
        return (
            f"This bot serves people it knows. Your id is {actor.known_as}. An admin can let you in: "
            f"/level {actor.known_as} member."
        )
    return "You are blocked here. An admin can change that with /level."


def banned(ban: Ban, now: float) -> str:
    """What a banned person is told. `now` in seconds since 1970."""
    why = f" Reason: {ban.reason}" if ban.reason else ""
    stop = "." if why and why[-1] not in ".!?" else ""
    if ban.until is None:
        return f"You are banned. A moderator can lift that with /unban.{why}{stop}"
    end = time.strftime("%Y-%m-%d %H:%M", time.gmtime(ban.until))
    return f"You are banned until {end} UTC, for another {in_hours((ban.until - now) / 3600)}.{why}{stop}"
