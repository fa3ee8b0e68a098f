"""Who may do what beyond their own jobs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.contract.values import Actor
from bot.errors import NotAllowed


class Rights:
    """Knows the admins: those whom the owner lists, and the owner where a platform vouches for that."""

    def __init__(self, admins: Collection[tuple[str, str]] = ()) -> None:
        self._admins = tuple(dict.fromkeys(admins))

    def is_admin(self, actor: Actor) -> bool:
        """Whether this person may see and end everybody's jobs."""
        return actor.owner or (actor.platform, actor.external_id) in self._admins

    def named(self, platform: str) -> Sequence[str]:
        """The ids of those whom the owner lists on a platform, as listed."""
        return [known_as for listed, known_as in self._admins if listed == platform]

    def require_admin(self, actor: Actor) -> None:
        """Raise `NotAllowed` for everybody else."""
        if not self.is_admin(actor):
            raise NotAllowed("That is for admins. The owner names them in ADMINS.")
