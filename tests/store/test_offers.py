"""What servers offered is known again after a restart."""

from __future__ import annotations

import json

from bot.store.database import Database
from bot.store.memory import Memory
from bot.store.offers import Offers
from bot.store.store import Store


async def test_the_last_answer_of_each_server_is_kept(store: Store, database: Database) -> None:
    """As it was, however large; one server's address may begin with another's."""
    large = json.dumps({f"Node{number}": {"input": {}} for number in range(20_000)}).encode()
    assert await store.offers.of("http://a:81") is None
    await store.offers.remember("http://a:81", b"{}")
    await store.offers.remember("http://a:8188", b'{"KSampler": {}}')
    await store.offers.remember("http://a:81", large)

    again = Offers(Memory(database))
    assert await again.of("http://a:81") == large
    assert await again.of("http://a:8188") == b'{"KSampler": {}}'
    kept = await store.memory.find("comfyui", "object_info:http://a:81")
    assert len(kept["object_info:http://a:81"]["packed"]) < len(large) / 4
