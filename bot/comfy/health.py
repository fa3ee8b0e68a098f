"""Whether a server is there, what it is and what it offers: found out by probes, and kept in view."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum

import structlog

from bot.comfy.address import Address
from bot.comfy.breaker import Breaker, Circuit
from bot.comfy.capabilities import Capabilities, probe_capabilities, too_old
from bot.comfy.guards import Closed
from bot.comfy.schemas import NodeSchemas, parse_object_info
from bot.comfy.stats import Stats, parse_stats
from bot.comfy.timing import Timing
from bot.comfy.wire import Hung, Wire, jittered, patiently
from bot.errors import BackendError, Refused

log = structlog.get_logger(__name__)

EXPOSED = (
    "Everybody on the internet can use this ComfyUI: it asks for no login. Put a login or a VPN before it."
)


class Condition(StrEnum):
    """A server as its owner sees it. Stalled: it answers, but what it executes for us makes no progress."""

    UNKNOWN = "unknown"
    UP = "up"
    STALLED = "stalled"
    DOWN = "down"


class Health:
    """Probes one server. While it does not answer as it should, the breaker lets nothing else pass."""

    def __init__(
        self,
        wire: Wire,
        breaker: Breaker,
        *,
        address: Address,
        guarded: bool,
        timing: Timing,
        heard_at: Callable[[], float],
        on_object_info: Callable[[bytes], Awaitable[None]] | None = None,
    ) -> None:
        """`guarded`: credentials go with every request. `heard_at` tells when anything last came over the socket."""
        self.stats: Stats | None = None
        self.capabilities: Capabilities | None = None
        self.schemas: NodeSchemas | None = None
        self.trouble: str | None = None
        self.barred = False
        """Whether something else than its absence keeps it from work: a guard, another program, its age."""
        self.up = asyncio.Event()
        self._wire = wire
        self._breaker = breaker
        self._address = address
        self._guarded = guarded
        self._name = address.name
        self._timing = timing
        self._heard_at = heard_at
        self._probing = asyncio.Lock()
        self._pause = timing.probe
        self._renamed: str | None = None
        self._warned = False
        self._schemas_digest = b""
        self._schemas_at = float("-inf")
        self._schemas_read = False
        self._on_object_info = on_object_info

    @property
    def version(self) -> str | None:
        """The version that it tells."""
        return None if self.stats is None else self.stats.version

    async def keep(self) -> None:
        """Probe whenever there is doubt, or nothing was heard for a while, until cancelled."""
        while True:
            word = max(self._wire.answered_at, self._heard_at())
            quiet = _now() - word >= self._timing.probe
            if self._breaker.doubt.is_set() or not self.up.is_set() or quiet:
                await self.probe()
                self._breaker.doubt.clear()
            if self.up.is_set() and _now() - self._schemas_at >= self._timing.schemas:
                await self._read_schemas()
            with suppress(TimeoutError):
                async with asyncio.timeout(jittered(self._pause)):
                    await self._breaker.doubt.wait()

    async def probe(self) -> bool:
        """Ask now whether it answers, as often as it takes to be sure. Returns whether it is up.

        Those who ask meanwhile wait for the same answer.
        """
        joined = self._probing.locked()
        async with self._probing:
            if joined:
                return self.up.is_set()
            self._breaker.try_again()
            while not await self._ask():
                if self._breaker.circuit is not Circuit.CLOSED:
                    break
                await asyncio.sleep(jittered(self._timing.reconnect_first))
            return self.up.is_set()

    async def recall(self, object_info: bytes) -> None:
        """Take the server to offer what it offered then, until it says itself."""
        try:
            await self._take_in(object_info)
        except ValueError as error:
            log.info("schemas_not_recalled", backend=self._name, reason=str(error))

    def recheck(self) -> None:
        """It may be another one now: find out what it is and what it offers, soon."""
        self.forget_schemas()
        self._breaker.doubt.set()

    def forget_schemas(self) -> None:
        """What it offers is not what was thought: read it again, soon."""
        self._schemas_at = float("-inf")

    def renames(self) -> None:
        """It was seen not to keep an id. It is of no use until it is another version."""
        self._renamed = self.version or ""
        self._breaker.open(too_old(self._name, self.version))

    def went_down(self, error: BackendError) -> None:
        """The breaker has opened."""
        if self.up.is_set() or self.trouble is None:
            log.warning("backend_down", backend=self._name, reason=str(error))
        self.trouble = error.sentence
        # What a guard says once it says again: no need to knock every few seconds.
        self.barred = isinstance(error, Closed | Refused)
        self._pause = self._timing.guarded if self.barred else self._timing.probe
        self.up.clear()

    async def exposed(self) -> bool:
        """Whether everybody on the internet can use it: no credentials are needed, at a public address."""
        if self._guarded:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.connect):
                return await self._address.is_public()
        return False

    async def _ask(self) -> bool:
        """One probe. False if it failed; whether that opened the breaker is another matter."""
        begun = _now()
        try:
            stats = await self._read_stats()
            if not self.up.is_set() or stats.version != self.version:
                await self._come_up(stats)
            elif not self._schemas_read:
                await self._read_schemas()
        except BackendError as error:
            # Busy loading a model, a server may be too slow for a probe while its socket still speaks.
            if self._heard_at() >= begun and self.up.is_set():
                return True
            if isinstance(error, Hung | Closed | Refused) or not self.up.is_set():
                self._breaker.open(error)
            else:
                self._breaker.failed(error)
            return False
        self.stats, self.trouble, self.barred, self._pause = stats, None, False, self._timing.probe
        self._breaker.close()
        self.up.set()
        return True

    async def _read_stats(self) -> Stats:
        answer = await self._wire.probe("/system_stats")
        if answer.status != 200:
            raise self._wire.no_json(answer)
        stats = parse_stats(self._wire.json_of(answer))
        if stats is None:
            raise self._wire.stranger("no system in /system_stats")
        return stats

    async def _come_up(self, stats: Stats) -> None:
        found = await probe_capabilities(self._wire)
        if not found.own_ids or self._renamed == (stats.version or ""):
            raise too_old(self._name, stats.version)
        self.capabilities, self._renamed = found, None
        await self._read_schemas()
        log.info("backend_up", backend=self._name, version=stats.version)
        if not self._warned and await self.exposed():
            self._warned = True
            log.warning("backend_open_to_all", backend=self._name, advice=EXPOSED)

    async def _read_schemas(self) -> None:
        self._schemas_at = _now()
        try:
            answer = await patiently(lambda: self._wire.probe("/object_info", timeout=self._timing.transfer))
            if answer.status == 200:
                changed = await self._take_in(answer.body)
                self._schemas_read = True
                if changed:
                    await self._tell(answer.body)
        except (BackendError, ValueError) as error:
            log.info("schemas_failed", backend=self._name, reason=str(error))

    async def _tell(self, object_info: bytes) -> None:
        try:
            if self._on_object_info is not None:
                await self._on_object_info(object_info)
        except Exception:  # a callback: that it was not kept must not end the probing
            log.exception("schemas_not_kept", backend=self._name)

    async def _take_in(self, object_info: bytes) -> bool:
        """Whether it is not what was known. Raises `ValueError` for what is no `/object_info`."""
        digest = await asyncio.to_thread(lambda: hashlib.sha256(object_info).digest())
        if digest == self._schemas_digest:
            return False
        known = await asyncio.to_thread(parse_object_info, object_info)
        self.schemas, self._schemas_digest = NodeSchemas(known), digest
        return True


def _now() -> float:
    return asyncio.get_running_loop().time()
