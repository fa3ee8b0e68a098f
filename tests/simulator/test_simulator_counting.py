"""What the simulator counts for whoever compares clients."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.conftest import Client, Json

    Graph = Callable[..., Json]

COUNTS = "/simulator/requests"


async def test_requests_are_counted_by_method_and_route(client: Client, flat: Graph) -> None:
    """With and without /api alike, answered or not; the simulator's own routes are not."""
    await client.queue(flat(1))
    await client.ask("POST", "/api/prompt", json={"prompt": flat(2)})
    client.simulator.faults.fail_next("/history", 500)
    await client.ask("GET", "/history/unknown")
    await client.ask("GET", "/api")
    await client.get("/simulator/runs")
    counts = await client.get(COUNTS)
    assert counts["requests"] == {"GET /api": 1, "GET /history": 1, "POST /prompt": 2}


async def test_the_most_sockets_and_prompts_at_one_time_are_kept(client: Client, flat: Graph) -> None:
    """Those that ended meanwhile included."""
    client.simulator.faults.hang()
    first, second = await client.connect(), await client.connect()
    for colour in range(3):
        await client.queue(flat(colour), first.client_id)
    client.simulator.faults.unhang()
    await first.until("execution_success")
    await second.ws.close()
    await _counted(client, sockets=1)
    counts = await client.get(COUNTS)
    assert (counts["sockets"], counts["sockets_most"], counts["committed_most"]) == (1, 2, 3)


async def test_a_reset_forgets_all_but_open_sockets(client: Client) -> None:
    """Counts begin anew."""
    await client.connect()
    assert (await client.ask("DELETE", COUNTS))[0] == 204
    expected = {"requests": {}, "sockets": 1, "sockets_most": 1, "committed_most": 0}
    assert await client.get(COUNTS) == expected


async def test_a_restart_forgets_nothing(client: Client) -> None:
    """Its sockets are gone, what was asked is not."""
    await client.connect()
    await client.simulator.restart()
    counts = await _counted(client, sockets=0)
    assert counts == {"requests": {"GET /ws": 1}, "sockets": 0, "sockets_most": 1, "committed_most": 0}


async def _counted(client: Client, *, sockets: int) -> Any:
    """The counts, once so many sockets are open."""
    async with asyncio.timeout(20):
        while (counts := await client.get(COUNTS))["sockets"] != sockets:
            await asyncio.sleep(0.01)
    return counts


async def test_a_servers_path_prefix_is_no_part_of_a_route(start: Callable[..., Any]) -> None:
    """Counts of servers at any path can be compared."""
    client = await start(path_prefix="/comfy")
    await client.get("/system_stats")
    await client.get("/api/system_stats")
    assert (await client.get(COUNTS))["requests"] == {"GET /system_stats": 2}
