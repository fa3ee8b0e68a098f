"""Processes that are known to have ended, by their names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from bot.store.alive import has_ended, name_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="known only on Linux")

NAMES_ITSELF = "from bot.store.alive import name_process; print(name_process(), flush=True); input()"


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """A process that says its name and waits."""
    command = [sys.executable, "-c", NAMES_ITSELF]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def _name(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_one_that_runs_has_not_ended(other: subprocess.Popen[str]) -> None:
    """Nor has this one."""
    assert not has_ended(_name(other))
    assert not has_ended(name_process())


def test_one_that_was_killed_has_ended(other: subprocess.Popen[str]) -> None:
    """Without waiting for anything."""
    name = _name(other)
    other.kill()
    other.wait()
    assert has_ended(name)


def test_another_with_the_same_number_is_another(other: subprocess.Popen[str]) -> None:
    """Told apart by when it was started."""
    where, number, started, rest = _name(other).split(":")
    assert has_ended(f"{where}:{number}:{int(started) - 1}:{rest}")


@pytest.mark.parametrize("owner", ["", "me", "me:1", "elsewhere:1:2:3", ":1:2:3"])
def test_of_others_nothing_is_known(owner: str) -> None:
    """Of other machines and containers, and of names that are none of ours."""
    assert not has_ended(owner)
