"""What people are called."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from bot.contract.values import Actor
from bot.errors import InvalidValue
from bot.store.store import Store

LONGEST_NAME = 40
"""Characters."""


class People:
    """Reads and changes display names."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def name_of(self, actor: Actor) -> str:
        """What somebody is called: as they chose, or as their platform says."""
        return await self._store.people.name(actor) or actor.name

    async def rename(self, actor: Actor, name: str) -> str:
        """Call somebody by another name, or by their platform's again if it is empty. Says which it is now."""
        chosen = _tidy(name) or actor.name
        if len(chosen) > LONGEST_NAME:
            raise InvalidValue("name", f"A name has at most {LONGEST_NAME} characters. Shorten it.")
        await self._store.people.rename(replace(actor, name=chosen))
        return chosen


def _tidy(name: str) -> str:
    """One line of letters that are seen: nothing that turns the reading direction around or is invisible."""
    seen = "".join(letter if unicodedata.category(letter)[0] != "C" else " " for letter in name)
    return " ".join(seen.split())
