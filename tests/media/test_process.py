"""Work on media in a process of its own: what it returns and raises comes back, and it really ends."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bot.errors import MediaRejected
from bot.media.errors import DoesNotFit
from bot.media.inside.__main__ import TOO_MUCH
from bot.media.process import CRASHED, QUICK, TOO_LONG, Bounds, run
from tests.media import at_work


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def test_values_go_there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths stay paths; a token in the bot's environment is not in a decoder's."""
    monkeypatch.setenv("SECRET_TOKEN", "abc")
    seen = await run(QUICK, at_work.look, tmp_path / "größe.png", 1.5, words=["a", "b"])
    assert seen == at_work.Seen(path="größe.png", number=1.5, words=["a", "b"], secret=None)


async def test_what_a_library_prints_is_no_answer() -> None:
    """Nothing comes back for nothing."""
    await run(QUICK, at_work.chatter)


async def test_refusals_come_back() -> None:
    """As the same error with the same sentence."""
    with pytest.raises(MediaRejected, match=r"^Send another\.$"):
        await run(QUICK, at_work.refuse)
    with pytest.raises(DoesNotFit, match=r"^at 10 bytes$"):
        await run(QUICK, at_work.overflow)


async def test_an_error_of_ours_is_not_blamed_on_the_file() -> None:
    """It comes with the other process's traceback, for the log."""
    with pytest.raises(RuntimeError, match=r"at_work\.py(.|\n)*KeyError: 'nobody thought of that'"):
        await run(QUICK, at_work.fail)


async def test_a_crash_takes_nothing_along() -> None:
    """The next one works."""
    with pytest.raises(MediaRejected) as raised:
        await run(QUICK, at_work.crash)
    assert str(raised.value) == CRASHED
    await run(QUICK, at_work.chatter)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps the limit of memory")
async def test_memory_is_bounded() -> None:
    """A decoder that wants more is told no."""
    with pytest.raises(MediaRejected) as raised:
        await run(Bounds(seconds=60, memory=512 * 2**20), at_work.eat)
    assert str(raised.value) == TOO_MUCH


async def test_a_time_limit_ends_the_work(tmp_path: Path) -> None:
    """Its process is gone when the sentence comes."""
    note = tmp_path / "pid"
    with pytest.raises(MediaRejected) as raised:
        await run(Bounds(seconds=1, memory=QUICK.memory), at_work.hang, note)
    assert str(raised.value) == TOO_LONG
    assert not _alive(int(note.read_text()))


async def test_giving_up_ends_the_work(tmp_path: Path) -> None:
    """A task that is cancelled leaves no process behind."""
    note = tmp_path / "pid"
    working = asyncio.create_task(run(QUICK, at_work.hang, note))
    while not (note.exists() and note.read_text()):
        await asyncio.sleep(0.01)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert not _alive(int(note.read_text()))


async def test_no_more_run_at_once_than_there_are_cores(tmp_path: Path) -> None:
    """The next one starts when another ends."""
    cores = os.cpu_count() or 1
    working = [asyncio.create_task(run(QUICK, at_work.hang, tmp_path / str(n))) for n in range(cores + 1)]
    for ended in range(2):
        while _begun(tmp_path) < cores + ended:
            await asyncio.sleep(0.01)
        assert _begun(tmp_path) == cores + ended
        working[ended].cancel()
    for task in working:
        task.cancel()
    ends = await asyncio.gather(*working, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError] * (cores + 1)


def _begun(folder: Path) -> int:
    return len(list(folder.iterdir()))
