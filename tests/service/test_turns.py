"""Many who come at once leave the event loop to others in between."""

from __future__ import annotations

import asyncio

from bot.service.turns import Turns


async def test_a_few_go_on_in_each_turn_of_the_loop_in_their_order() -> None:
    turns, gone = Turns(3), list[tuple[int, int]]()
    now = 0

    async def come(number: int) -> None:
        await turns.take()
        gone.append((now, number))

    coming = [asyncio.ensure_future(come(number)) for number in range(10)]
    await asyncio.sleep(0)
    coming[7].cancel()
    while not all(each.done() for each in coming):
        now += 1
        await asyncio.sleep(0)
    assert [number for _, number in gone] == [0, 1, 2, 3, 4, 5, 6, 8, 9]
    assert max([when for when, _ in gone].count(turn) for turn in range(now + 1)) == 3
    await asyncio.wait_for(come(10), 1.0)  # later there is nobody to wait for
    assert gone[-1][1] == 10
