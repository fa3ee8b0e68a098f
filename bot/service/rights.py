"""Who may do what: the one table of levels, and which level a person has."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bot.contract.levels import Level
from bot.contract.values import Actor
from bot.errors import NotAllowed

MAKE = "make pictures"
END_ANY = "end anybody's job"
DELETE_ANY = "delete anybody's picture"
OVERSEE = "see how everything stands"
ADD = "add workflows"

LEAST: Mapping[str, Level] = {
    MAKE: Level.GUEST,
    END_ANY: Level.MODERATOR,
    DELETE_ANY: Level.MODERATOR,
    OVERSEE: Level.ADMIN,
    ADD: Level.ADMIN,
    "/queue": Level.GUEST,
    "/help": Level.GUEST,
    "/allow": Level.ADMIN,
    "/forbid": Level.ADMIN,
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
    Level.MEMBER: "That is for members. An admin makes one with /level.",
    Level.TRUSTED: "That is for trusted people. An admin makes one with /level.",
    Level.MODERATOR: "That is for moderators. An admin makes one with /level.",
    Level.ADMIN: "That is for admins. The owner names them in ADMINS.",
}
"""What is said to those below a level."""


class Rights:
    """Knows the admins: those whom the owner lists, and the owner where a platform vouches for that."""

    def __init__(self, admins: Collection[tuple[str, str]] = ()) -> None:
        self._admins = tuple(dict.fromkeys(admins))

    async def level(self, actor: Actor) -> Level:
        """How far this person is trusted now."""
        is_admin = actor.owner or (actor.platform, actor.external_id) in self._admins
        return Level.ADMIN if is_admin else Level.MEMBER

    async def may(self, actor: Actor, deed: str) -> bool:
        """Whether this person's level is enough for something of `LEAST`."""
        return await self.level(actor) >= LEAST[deed]

    async def require(self, actor: Actor, deed: str) -> Level:
        """Their level. Raises `NotAllowed` if it is not enough for something of `LEAST`."""
        level = await self.level(actor)
        require(level, deed)
        return level

    def named(self, platform: str) -> Sequence[str]:
        """The ids of those whom the owner lists on a platform, as listed."""
        return [known_as for listed, known_as in self._admins if listed == platform]


def require(level: Level, deed: str) -> None:
    """Raise `NotAllowed` if the level is not enough for something of `LEAST`."""
    if level < LEAST[deed]:
        raise NotAllowed(WHOSE[LEAST[deed]])
