"""Messages and interactions, as the Discord of the tests keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.discord.limits import Json, walk


@dataclass
class Message:
    """A message as it stands, everything that it ever showed, and whose token may change it."""

    id: int
    channel: int
    token: str | None = None
    payload: Json = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    history: list[tuple[float, Json]] = field(default_factory=list)
    ephemeral: bool = False
    loading: bool = False
    deleted: bool = False

    @property
    def words(self) -> str:
        """All its text."""
        return "\n".join(
            part["content"] for part in walk(self.payload.get("components") or ()) if part["type"] == 10
        )

    @property
    def buttons(self) -> dict[str, str]:
        """Labels and ids of its buttons."""
        every = walk(self.payload.get("components") or ())
        return {part["label"]: part["custom_id"] for part in every if part["type"] == 2}

    @property
    def gallery(self) -> list[bytes]:
        """The files that it shows."""
        every = walk(self.payload.get("components") or ())
        names = [item["media"]["url"] for part in every if part["type"] == 12 for item in part["items"]]
        return [self.files[name.removeprefix("attachment://")] for name in names]


@dataclass
class Asked:
    """An interaction: when it was sent and answered, and the message that answers it."""

    id: int
    token: str
    channel: int
    user: int
    sent: float
    source: Message | None = None
    acknowledged: float | None = None
    kind: int | None = None
    message: Message | None = None
    data: Json = field(default_factory=dict)
