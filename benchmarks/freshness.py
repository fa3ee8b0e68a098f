"""freshness: how far what people see is behind what is, in chats that allow only so many edits."""

from __future__ import annotations

import asyncio
import statistics

from benchmarks.chats import PLATFORMS
from benchmarks.delivered import delivered
from benchmarks.pretended import pretend
from benchmarks.report import Figure, at_most, exactly, percentile, within
from benchmarks.scenes import Scene, Seen, least_staleness

SCENES = (  # channels and groups are apart from each other: several only make the mean a better one
    Scene(platform="Discord channel", chats=6, jobs=1, seconds=600.0),
    Scene(platform="Discord channel", chats=6, jobs=4, seconds=300.0),
    Scene(platform="Telegram chat", chats=30, jobs=1, seconds=120.0),
    Scene(platform="Telegram chat", chats=100, jobs=1, seconds=60.0),
    Scene(platform="Telegram group", chats=6, jobs=2, group=True, seconds=1200.0),
    Scene(platform="Discord channel", chats=6, jobs=4, seconds=300.0, boards=True),
    Scene(platform="Telegram group", chats=6, jobs=2, group=True, seconds=600.0, boards=True),
)
SEEDS = 5
REAL = SCENES[1]
"""The scene that is played in real time too."""

REAL_TIMES = (20.0, 70.0)
"""Seconds to warm up, and to be measured."""

QUICK_TIMES, QUICK_REAL_TIMES = (0.0, 30.0), (0.0, 12.0)
"""With `--quick`: as long as a few jobs take."""


async def measure(*, quick: bool) -> list[Figure]:
    """All figures of this row: in simulated time, and one scene in real time beside its simulated self."""
    warm_up, seconds = QUICK_REAL_TIMES if quick else REAL_TIMES
    real = await delivered(REAL, warm_up, warm_up + seconds)
    figures = [figure for scene in SCENES for figure in await _simulated(scene, quick=quick)]
    return [*figures, *await _side_by_side(real, warm_up, seconds)]


async def _simulated(scene: Scene, *, quick: bool) -> list[Figure]:
    warm_up, seconds = QUICK_TIMES if quick else (scene.warm_up, scene.seconds)
    seeds = range(1 if quick else SEEDS)
    return _figures(
        scene, [await asyncio.to_thread(pretend, scene, seed, warm_up, seconds) for seed in seeds]
    )


def _figures(scene: Scene, runs: list[Seen]) -> list[Figure]:
    """Of several seeds the mean; the last of ends in all of them."""
    platform = PLATFORMS[scene.platform]
    least = [least_staleness(scene, platform, seen.durations) for seen in runs]
    errors = [seen.error / each for seen, each in zip(runs, least, strict=True)]
    late = percentile([delay for seen in runs for delay in seen.delays], 0.95)
    name = f"freshness, {scene.name}"
    against = (
        f"{statistics.fmean(least):.1f} points, the least possible (Muralist "
        f"{statistics.fmean(seen.error for seen in runs):.1f}); {sum(len(seen.durations) for seen in runs)} jobs, "
        f"{len(runs)} seeds from {min(errors):.2f} to {max(errors):.2f}"
    )
    refused = sum(seen.refused for seen in runs)
    return [
        at_most(f"{name}: mean error, times the least", statistics.fmean(errors), 1.25, against),
        exactly(f"{name}: refused", refused, 0, "a chat that answers 429 beyond its rate"),
        at_most(f"{name}: final p95, s", late, 1 / platform.chat.rate, "one edit's time in that chat"),
    ]


async def _side_by_side(real: Seen, warm_up: float, seconds: float) -> list[Figure]:
    """Whether simulated time tells the truth."""
    runs = [await asyncio.to_thread(pretend, REAL, seed, warm_up, seconds) for seed in range(SEEDS)]
    least = least_staleness(REAL, PLATFORMS[REAL.platform], real.durations)
    simulated = statistics.fmean(
        seen.error / least_staleness(REAL, PLATFORMS[REAL.platform], seen.durations) for seen in runs
    )
    found = real.error / least
    name, against = f"freshness, {REAL.name}", f"{simulated:.2f} in simulated time, {found:.2f} in real"
    late = percentile(real.delays, 0.95)
    return [
        within(
            f"{name}: mean error in real time, times the simulated", found / simulated, (0.8, 1.2), against
        ),
        exactly(f"{name}: refused in real time", real.refused, 0, "a chat that answers 429 beyond its rate"),
        at_most(f"{name}: final p95 in real time, s", late, 1.0, "one edit's time in that chat"),
    ]
