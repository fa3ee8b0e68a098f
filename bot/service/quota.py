"""What a person had of the GPUs today, and what is left."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bot.contract.values import Actor
from bot.scheduling.allowance import Day, Spent
from bot.service.rights import Rights
from bot.store.store import Store

HOUR_SECONDS = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """GPU-seconds: those of a day, None without a limit; what was spent; what a typical job takes, None if unknown.

    `anew` is when the day ends, in seconds since 1970.
    """

    seconds: float | None
    spent: Spent
    typical: float | None
    anew: float


class Quota:
    """Looks; the store itself refuses what is too much."""

    def __init__(self, store: Store, rights: Rights) -> None:
        self._store = store
        self._rights = rights

    async def of(self, actor: Actor) -> Budget:
        """How a person stands."""
        now = time.time()
        day = today(now)
        allowance = self._rights.policy.allowance(await self._rights.level(actor))
        spent, typical = await self._store.requests.spent(actor, day.begins)
        anew = now + day.left * HOUR_SECONDS
        return Budget(seconds=allowance.seconds, spent=spent, typical=typical, anew=anew)


def today(now: float) -> Day:
    """The day of this machine's clock. `now` in seconds since 1970."""
    year, month, day = time.localtime(now)[:3]
    begins = time.mktime((year, month, day, 0, 0, 0, 0, 0, -1))
    ends = time.mktime((year, month, day + 1, 0, 0, 0, 0, 0, -1))
    return Day(begins=begins, left=(ends - now) / HOUR_SECONDS)
