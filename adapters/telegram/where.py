"""Where a card is on Telegram."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from bot.contract.values import Address


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """An address.

    `message` is None until it was sent, as an answer to `reply`, in the topic `thread`. `media`: it shows a file,
    and can't become words again. `parts` are the messages that show what has no place in the first.
    """

    chat: int
    thread: int | None = None
    message: int | None = None
    reply: int | None = None
    media: bool = False
    parts: tuple[int, ...] = ()

    @classmethod
    def of(cls, address: Address) -> Self:
        """From the form that is stored."""
        return cls(**{**address, "parts": tuple(address.get("parts", ()))})

    def address(self) -> dict[str, Any]:
        """The form that is stored: JSON."""
        return {**asdict(self), "parts": list(self.parts)}

    @property
    def url(self) -> str:
        """What leads a person to the message; only supergroups have such addresses."""
        internal = str(self.chat)
        if not internal.startswith("-100") or self.message is None:
            return ""
        return f"https://t.me/c/{internal[4:]}/{self.message}"
