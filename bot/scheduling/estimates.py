"""How long things take, learned from how long they took.

Runs are remembered by what was asked for and by backend, the most alike first. A range is made of how the guesses
of the same size turned out lately: its ends are quantiles of true time / guess, so it is as wide as it must be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.jobs.work import Work

KEPT = 100
"""How many of the latest values are kept of each kind."""

ENOUGH = 12
"""Outcomes without which a range is not believed."""

FIRST_GUESS = 20.0
"""Seconds of a run of which nothing at all is known."""

LOW, HIGH = 0.08, 0.92
"""The quantiles at a range's ends. Outcomes drift, so this much of the latest holds four in five of the next."""

UNTAUGHT = (0.5, 1.0, 2.0)
"""A range's ends and middle, times the guess, before anything is known."""

Known = Mapping[str, tuple[float, ...]]
"""Learned values by key, oldest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Seconds: four of five end between `low` and `high`, half of them before `middle`."""

    low: float
    middle: float
    high: float


def learn(values: tuple[float, ...], value: float) -> tuple[float, ...]:
    """The latest values with one more."""
    return (*values, value)[-KEPT:]


def run_keys(work: Work, backend: str | None) -> tuple[str, ...]:
    """Under which keys a run's seconds are kept, and looked for in this order."""
    exact = f"run {work.workflow} {work.pixels} {work.steps} {work.batch}"
    return (*([f"{exact} {backend}"] if backend is not None else []), exact)


def unit_keys(work: Work, backend: str | None) -> tuple[str, ...]:
    """Under which keys a run's seconds by unit of work are kept, for runs that were never seen."""
    alike = f"unit {work.workflow}"
    return (*([f"{alike} {backend}"] if backend is not None else []), alike)


def load_key(models: str) -> str:
    """Under which key the seconds are kept that these models take to load."""
    return f"load {models}"


def guess_key(guess: float, *, held: bool) -> str:
    """Under which key outcomes are kept: guesses of about the same size turn out alike, and so do those for models
    that a backend has loaded when they are asked for."""
    size = max(0, min(12, round(2 * math.log2(max(guess, 1.0)) - 5)))
    return f"guess {size} {'held' if held else 'to load'}"


def run_seconds(known: Known, work: Work, backend: str | None = None) -> float:
    """How long a run takes on a backend, or on any; without the loading of models."""
    for key in run_keys(work, backend):
        if known.get(key):
            return quantile(known[key], 0.5)
    for key in unit_keys(work, backend):
        if known.get(key):
            return quantile(known[key], 0.5) * work.units
    return FIRST_GUESS


def load_seconds(known: Known, models: str, default: float) -> float:
    """How long these models take to load."""
    values = known.get(load_key(models))
    return quantile(values, 0.5) if values else default


def lessons(
    known: Known, work: Work, backend: str, seconds: float, loaded: str | None, default: float
) -> Iterator[tuple[str, float]]:
    """What a run teaches: values by key. `loaded` are the models that it had to load, None if it loaded none.

    A run that loaded teaches what loading costs if it is known what such a run takes, else the other way round;
    `default` is what loading costs while that is not known.
    """
    keys, units = run_keys(work, backend), unit_keys(work, backend)
    if loaded is not None and any(known.get(key) for key in (*keys, *units)):
        yield load_key(loaded), max(0.0, seconds - run_seconds(known, work, backend))
        return
    if loaded is not None:
        seconds = max(seconds / 2, seconds - load_seconds(known, loaded, default))
    yield from ((key, seconds) for key in keys)
    yield from ((key, seconds / work.units) for key in units)


def shown_range(known: Known, guess: float, *, held: bool) -> Range:
    """The range of what is guessed to take `guess` seconds; `held` if a backend has its models loaded."""
    ratios = known.get(guess_key(guess, held=held), ())
    if len(ratios) < ENOUGH:
        low, middle, high = UNTAUGHT
    else:
        low, middle, high = (quantile(ratios, share) for share in (LOW, 0.5, HIGH))
    return Range(low=guess * low, middle=guess * middle, high=guess * high)


def outcome(guess: float, seconds: float, *, held: bool) -> tuple[str, float]:
    """What the true time of a guess teaches: key and value."""
    return guess_key(guess, held=held), seconds / max(guess, 1.0)


def quantile(values: tuple[float, ...], share: float) -> float:
    """The value below which a share (0..1) lies, between neighbours in proportion. There must be some."""
    ordered = sorted(values)
    place = share * (len(ordered) + 1) - 1
    low = min(max(math.floor(place), 0), len(ordered) - 1)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * min(max(place - low, 0.0), 1.0)
