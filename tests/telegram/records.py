"""Messages of the bot's, as the Telegram of the tests keeps them."""

from __future__ import annotations

import html
import io
import re
from dataclasses import dataclass, field

from PIL import Image

from tests.telegram.wire import Json


@dataclass
class Shown:
    """A message of the bot's as people see it. `kinds` are what it was, in turn."""

    id: int
    chat: int
    raw: Json
    kinds: list[str]
    history: list[str] = field(default_factory=list)
    data: bytes | None = None
    spoiler: bool = False
    thumbnail: bytes | None = None

    @property
    def html(self) -> str:
        """Its words with their marks."""
        return str(self.raw.get("html", ""))

    @property
    def words(self) -> str:
        """Its words."""
        return html.unescape(re.sub(r"<[^>]+>", "", self.html))

    @property
    def buttons(self) -> dict[str, str]:
        """What its buttons send, by their labels."""
        rows = self.raw.get("reply_markup", {}).get("inline_keyboard", [])
        return {button["text"]: button["callback_data"] for row in rows for button in row}

    @property
    def still(self) -> Image.Image | None:
        """What stands for a film until it plays."""
        return None if self.thumbnail is None else Image.open(io.BytesIO(self.thumbnail))

    @property
    def picture(self) -> Image.Image:
        """The picture that it shows."""
        assert self.data is not None, self.words
        return Image.open(io.BytesIO(self.data))
