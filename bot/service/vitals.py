"""Whether this process should be given work, and its figures for Prometheus."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.comfy.address import parse_address
from bot.comfy.backend import ComfyBackend
from bot.comfy.health import Condition
from bot.contract.values import JobState
from bot.delivery.meter import Meter
from bot.errors import LeaseLost
from bot.jobs.states import outside
from bot.media.spool import Spool
from bot.service.servers import Servers
from bot.store.backends import LEASES
from bot.store.figures import Group, Over
from bot.store.holding import LeaseTiming
from bot.store.leases import lease_of
from bot.store.store import Store

SECONDS = (1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0, 3600.0)
"""Upper ends of the buckets of waits and runs."""

MOST_VALUES = 100
"""A label has at most so many values; what comes after them is `other`."""

LATE_SECONDS = 60.0
"""The end of a job may come to be seen so much later than the moment that it names."""


class Vitals:
    """Looks at the store, the servers, the disk and delivery. One for a process."""

    def __init__(
        self,
        store: Store,
        servers: Servers,
        spool: Spool,
        meter: Meter,
        timing: LeaseTiming,
        stopping: asyncio.Event,
    ) -> None:
        self._store = store
        self._servers = servers
        self._spool = spool
        self._meter = meter
        self._timing = timing
        self._stopping = stopping
        self._adapters: list[str] = []
        self._asking = asyncio.Lock()
        self._ended = Ended(time.time())

    def serves(self, adapters: Iterable[str]) -> None:
        """These adapters run in this process."""
        self._adapters = list(adapters)

    def slowed(self, adapter: str) -> None:
        """A platform asked to wait, which its library saw to."""
        self._meter.slowed[adapter] += 1

    def check_held(self, adapter: str) -> None:
        """Raise `LeaseLost` once another process may hold an adapter's lease."""
        name = lease_of(adapter)
        if not self._store.leases.surely_held(name, self._timing.dead):
            raise LeaseLost(f"no beat for {name} could be written in time")

    async def trouble(self, adapter: str) -> str | None:
        """Why a picture asked for here now would not be begun and shown; None if it would."""
        if self._stopping.is_set():
            return "stopping"
        if not self._delivered(adapter):
            return "the database can't be written"
        if not await self._spool.has_room():
            return "the disk of DATA_DIR is full"
        if not self._servers.answering():
            return "no ComfyUI answers"
        return None

    def _delivered(self, adapter: str) -> bool:
        """Whether somebody notes what this adapter shows: this process, or one that was seen to live."""
        leases, name = self._store.leases, lease_of(adapter)
        seen = leases.others.get(name)
        another = seen is not None and time.monotonic() - seen <= self._timing.dead
        return another or leases.surely_held(name, self._timing.dead)

    async def metrics(self) -> bytes:
        """All figures, in Prometheus's text format."""
        async with self._asking:
            figures = self._store.figures
            self._ended.take_in(await figures.ended_since(self._ended.since))
            standing = await figures.standing()
            registry = CollectorRegistry(auto_describe=False)
            registry.register(
                _Families(
                    [
                        *_jobs(standing, time.time()),
                        *_backends(self._servers.backends, await figures.in_hand(), await figures.others()),
                        *_delivery(self._meter, self._adapters, await figures.undelivered(self._adapters)),
                        GaugeMetricFamily(
                            "muralist_disk_free_bytes",
                            "Room where the pictures lie",
                            await self._spool.free(),
                        ),
                    ]
                )
            )
            return generate_latest(registry) + generate_latest(self._ended.registry)


class Ended:
    """Counts jobs that ended since the process began, each once."""

    def __init__(self, now: float) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._begun = self._latest = now
        self._counted: dict[str, float] = {}
        self._values: dict[str, set[str]] = {}
        self._ends = Counter(
            "muralist_jobs_ended",
            "Jobs that have ended",
            ["state", "workflow", "platform"],
            registry=self.registry,
        )
        self._waits = Histogram(
            "muralist_job_wait_seconds",
            "From asking to the start of the run",
            ["workflow"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._runs = Histogram(
            "muralist_job_run_seconds",
            "From the start of the run to the job's end",
            ["workflow"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._swaps = Counter(
            "muralist_model_swaps",
            "Runs for which a ComfyUI had to load other models",
            ["backend"],
            registry=self.registry,
        )

    @property
    def since(self) -> float:
        """From when on ends are to be looked for, in seconds since 1970."""
        return max(self._begun, self._latest - LATE_SECONDS)

    def take_in(self, ended: Sequence[Over]) -> None:
        """Count those that were not counted yet."""
        for over in ended:
            if over.job not in self._counted:
                self._count(over)
                self._counted[over.job] = over.finished
                self._latest = max(self._latest, over.finished)
        self._counted = {job: at for job, at in self._counted.items() if at >= self.since}

    def _count(self, over: Over) -> None:
        workflow = self._bounded("workflow", over.workflow)
        platform = self._bounded("platform", over.platform)
        self._ends.labels(outside(over.state), workflow, platform).inc()
        if over.started is not None:
            self._waits.labels(workflow).observe(max(0.0, over.started - over.created))
            self._runs.labels(workflow).observe(max(0.0, over.finished - over.started))
        if over.loads and over.backend is not None:
            self._swaps.labels(
                self._bounded("backend", parse_address(over.backend.removeprefix(LEASES)).name)
            ).inc()

    def _bounded(self, label: str, value: str) -> str:
        known = self._values.setdefault(label, set())
        if value not in known and len(known) >= MOST_VALUES:
            return "other"
        known.add(value)
        return value


class _Families(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def _jobs(standing: Sequence[Group], now: float) -> Iterator[Metric]:
    counts: dict[tuple[str, str, str], int] = {}
    for group in standing:
        workflow = group.workflow if len(counts) < MOST_VALUES else "other"
        key = (str(outside(group.state)), workflow, group.platform)
        counts[key] = counts.get(key, 0) + group.count
    jobs = GaugeMetricFamily(
        "muralist_jobs", "Jobs that are not over", labels=["state", "workflow", "platform"]
    )
    for labels, count in sorted(counts.items()):
        jobs.add_metric(labels, count)
    yield jobs
    waiting = [group.oldest for group in standing if outside(group.state) is JobState.QUEUED]
    oldest = max(0.0, now - min(waiting)) if waiting else 0.0
    yield GaugeMetricFamily("muralist_oldest_waiting_seconds", "How long the oldest job waits", oldest)


def _backends(
    backends: Sequence[ComfyBackend], in_hand: Mapping[str, int], others: Mapping[str, int]
) -> Iterator[Metric]:
    up = GaugeMetricFamily("muralist_backend_up", "Whether a ComfyUI answers", labels=["backend"])
    stalled = GaugeMetricFamily(
        "muralist_backend_stalled", "Whether what it runs has not moved for long", labels=["backend"]
    )
    jobs = GaugeMetricFamily("muralist_backend_jobs", "Jobs that a ComfyUI has in hand", labels=["backend"])
    theirs = GaugeMetricFamily(
        "muralist_backend_others", "Prompts there that are not Muralist's", labels=["backend"]
    )
    total = GaugeMetricFamily("muralist_backend_vram_bytes", "Memory of a card", labels=["backend", "device"])
    free = GaugeMetricFamily(
        "muralist_backend_vram_free_bytes", "Memory of a card that is free", labels=["backend", "device"]
    )
    for backend in backends:
        up.add_metric([backend.name], backend.up)
        stalled.add_metric([backend.name], backend.condition is Condition.STALLED)
        jobs.add_metric([backend.name], in_hand.get(backend.url, 0))
        theirs.add_metric([backend.name], others.get(backend.url, 0) if backend.up else 0)
        for number, device in enumerate(backend.stats.devices if backend.stats and backend.up else ()):
            total.add_metric([backend.name, str(number)], device.vram_total)
            free.add_metric([backend.name, str(number)], device.vram_free)
    yield from (up, stalled, jobs, theirs, total, free)


def _delivery(meter: Meter, adapters: Sequence[str], undelivered: Mapping[str, int]) -> Iterator[Metric]:
    counted = {
        "muralist_edits": ("Cards that were shown, ends among them", meter.edits),
        "muralist_deliveries": ("Ends of jobs that were shown", meter.ends),
        "muralist_slowdowns": ("Times that a platform asked to wait (429)", meter.slowed),
        "muralist_delivery_failures": ("Tries to show a card that failed", meter.failed),
        "muralist_messages_gone": ("Messages that can't be shown any more", meter.gone),
    }
    for name, (words, counts) in counted.items():
        family = CounterMetricFamily(name, words, labels=["platform"])
        for adapter in adapters:
            family.add_metric([adapter], counts[adapter])
        yield family
    due = GaugeMetricFamily(
        "muralist_undelivered", "Messages that do not show what they should", labels=["platform"]
    )
    for adapter, count in undelivered.items():
        due.add_metric([adapter], count)
    yield due
