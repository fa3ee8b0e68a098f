"""One platform in this process: its events and its cards, for as long as it is this process that serves it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import structlog

from bot.contract.ports import Adapter, Core
from bot.delivery.deliverer import Deliverer
from bot.errors import ConfigError
from bot.store.holding import LeaseTiming, while_held
from bot.store.leases import Held, Leases, lease_of
from bot.tasks import end

log = structlog.get_logger(__name__)

RESTART_SECONDS = 5.0


class Front:
    """An adapter and its delivery. One that is not shared runs only while this process holds its lease."""

    def __init__(
        self,
        adapter: Adapter,
        core: Core,
        deliverer: Deliverer,
        leases: Leases,
        owner: str,
        timing: LeaseTiming,
    ) -> None:
        self.adapter = adapter
        self._core = core
        self._deliverer = deliverer
        self._leases = leases
        self._owner = owner
        self._timing = timing
        self._refused: ConfigError | None = None

    @property
    def serves(self) -> bool:
        """Whether it is this process that notes what people of this platform are shown."""
        return self._leases.surely_held(lease_of(self.adapter.name), self._timing.dead)

    async def run(self) -> ConfigError:
        """Serve until cancelled, whatever is raised. Ends only with settings that can't work."""
        if self.adapter.limits.shared:
            return await self._both(self._deliverer.run())
        while self._refused is None:
            await self._stand_by()
        return self._refused

    async def _stand_by(self) -> None:
        """Wait until this process may serve the platform, and serve it until it may not."""
        name = lease_of(self.adapter.name)
        try:
            await while_held(
                self._leases, name, self._owner, self._timing, self._serve, outlasts_full_disk=True
            )
        except Exception:  # a worker's loop: it logs and goes on
            log.exception("a platform can't be served", adapter=self.adapter.name)
            await asyncio.sleep(self._timing.beat)

    async def _serve(self, held: Held) -> None:
        self._refused = await self._both(self._deliverer.deliver(held))

    async def _both(self, delivering: Coroutine[None, None, None]) -> ConfigError:
        """Run the adapter while its cards are delivered."""
        beside = asyncio.create_task(delivering)
        try:
            return await self._supervised()
        finally:
            await end(beside)

    async def _supervised(self) -> ConfigError:
        """Keep the adapter running."""
        while True:
            try:
                await self.adapter.run(self._core)
            except ConfigError as error:
                log.error("adapter can't start", adapter=self.adapter.name, reason=str(error))
                return error
            except Exception:  # an adapter's callback: the others go on, and this one is started again
                log.exception("adapter failed", adapter=self.adapter.name)
            await asyncio.sleep(RESTART_SECONDS)
