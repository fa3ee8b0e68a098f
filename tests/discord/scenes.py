"""A server on simcord's Discord, and the bot there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adapters.discord.client import Client
from adapters.discord.where import Where
from bot.contract.card import Action, Card, Text
from bot.contract.values import JobId, OutputRef
from tests.discord.scripted import ScriptedCore

PNG = b"\x89PNG\r\n\x1a\n"
REF = OutputRef(job=JobId("0" * 32))


@dataclass
class Scene:
    """A server with a channel, a person, and the bot."""

    env: Any
    core: ScriptedCore
    client: Client
    channel: Any
    ann: Any

    @property
    def mention(self) -> str:
        """How people address the bot."""
        assert self.client.user is not None
        return self.client.user.mention

    async def show(self, where: Where, card: Card) -> Where | None:
        """What delivery does."""
        with self.env.time_context():
            return await self.client.post.show(where, card)

    async def card(self, *actions: Action) -> Any:
        """A card of the bot's in the channel, answering a command of Ann's."""
        result = await self.ann.slash(self.channel, "imagine", prompt="a red fox")
        where = Where.of(self.core.invoked.pop().address)
        card = Card(state="done", title="/imagine", body=((Text(text="a red fox"),),), actions=actions)
        await self.show(where, card)
        return result.response


def words_of(message: Any) -> str:
    """All text of a message's layout."""
    found: list[str] = []

    def walk(parts: list[dict[str, Any]]) -> None:
        for part in parts:
            found.extend([part["content"]] if part["type"] == 10 else [])
            walk(part.get("components", []))

    walk(message.components)
    return "\n".join(found)
