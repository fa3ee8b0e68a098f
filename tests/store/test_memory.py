"""What adapters keep for themselves."""

from __future__ import annotations

import asyncio

from bot.store.database import Database
from bot.store.memory import Memory
from bot.store.store import Store


async def test_it_is_kept_by_adapter_and_found_by_prefix(store: Store, database: Database) -> None:
    """The oldest first; another adapter's is another's; a prefix is no pattern."""
    await store.memory.keep("a", "event:2", {"n": 2})
    await store.memory.keep("a", "event:1", {"n": 1})
    await store.memory.keep("a", "event%3", {"n": 3})
    await store.memory.keep("b", "event:9", {"n": 9})
    await store.memory.keep("a", "event:2", {"n": 4})

    assert await Memory(database).find("a", "event:") == {"event:1": {"n": 1}, "event:2": {"n": 4}}
    assert list(await store.memory.find("a", "event:")) == ["event:1", "event:2"]
    await store.memory.drop("a", "event:1", "event:9", "nothing")
    assert await store.memory.find("a", "") == {"event%3": {"n": 3}, "event:2": {"n": 4}}
    assert await store.memory.find("b", "") == {"event:9": {"n": 9}}


async def test_what_comes_at_once_leaves_the_newest(store: Store) -> None:
    """Kept and dropped in one breath, in the order that it was said."""
    await asyncio.gather(
        store.memory.keep("a", "x", {"n": 1}),
        store.memory.drop("a", "x"),
        store.memory.keep("a", "x", {"n": 2}),
        store.memory.keep("a", "y", {"n": 1}),
        store.memory.drop("a", "y"),
    )
    assert await store.memory.find("a", "") == {"x": {"n": 2}}
