"""Where a card is on Discord: a message, and what may change it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from bot.contract.values import Address

MOST_BYTES = 25 * 2**20 - 64 * 1024
"""What a message's files may have together: a request is 25 MiB, and its words need some too."""

TOKEN_SECONDS = 14.5 * 60
"""An interaction's token is good for 15 minutes; a request that is on its way must still arrive in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """An address.

    `message` is None until it was sent. `token` edits it until `until` (seconds since 1970); after that the bot's
    own token does if the message is `lasting`, else nothing does. `private`: one person
    alone sees it. `limit` is the bytes that a file there may have, `room` those of all files of a message.
    `reply` is the message it answers, `parts` the messages that show what did not fit into the first.
    """

    channel: int
    guild: int | None = None
    message: int | None = None
    application: int | None = None
    token: str | None = None
    until: float = 0.0
    lasting: bool = True
    private: bool = False
    limit: int
    room: int = MOST_BYTES
    user: int
    reply: int | None = None
    nonce: str | None = None
    parts: tuple[int, ...] = ()

    @classmethod
    def of(cls, address: Address) -> Self:
        """From the form that is stored."""
        return cls(**{**address, "parts": tuple(address.get("parts", ()))})

    def address(self) -> dict[str, Any]:
        """The form that is stored: JSON."""
        return {**asdict(self), "parts": list(self.parts)}

    def token_at(self, now: float) -> tuple[int, str] | None:
        """The application and the token that may edit the message now."""
        if self.token is None or self.application is None or now >= self.until:
            return None
        return self.application, self.token

    def smaller(self, refused: int) -> Self:
        """The same with room for half the bytes that Discord did not take, whatever it had said."""
        return replace(self, limit=min(self.limit, refused // 2), room=refused // 2)

    def without_token(self) -> Self:
        """The same, to be changed by the bot's own token alone."""
        return replace(self, token=None, until=0.0)

    @property
    def fitted(self) -> str:
        """A mark for what was divided anew because there was less room than was said."""
        return "" if self.room == MOST_BYTES else f".{self.room.bit_length()}"

    @property
    def url(self) -> str:
        """What leads a person there."""
        return f"https://discord.com/channels/{self.guild or '@me'}/{self.channel}/{self.message}"
