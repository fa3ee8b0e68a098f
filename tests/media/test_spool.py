"""The spool: each content once, whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.models import Blob
from bot.media.kinds import ending, media_type
from bot.media.spool import OverLimit, Spool

DATA = b"a red fox"
SHA = hashlib.sha256(DATA).hexdigest()


def _files(folder: Path) -> list[str]:
    """All files, by their names below the spool."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_bytes_are_kept_under_their_hash(tmp_path: Path) -> None:
    """In a folder of its first two letters, so that none holds them all."""
    spool = Spool(tmp_path)
    assert await spool.keep(DATA) == Blob(sha256=SHA, size=len(DATA))
    assert _files(tmp_path) == [f"{SHA[:2]}/{SHA}"]
    assert spool.path(SHA) == tmp_path / SHA[:2] / SHA
    assert await spool.read(SHA) == DATA


async def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    """However it comes in, also when it comes in many times at once."""
    spool = Spool(tmp_path)
    kept = await asyncio.gather(
        *(spool.keep(DATA) for _ in range(8)), spool.stream(_chunks(b"a red", b"", b" fox"), limit=100)
    )
    assert set(kept) == {Blob(sha256=SHA, size=len(DATA))}
    assert _files(tmp_path) == [f"{SHA[:2]}/{SHA}"]


async def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    """Nothing is falsy here."""
    spool = Spool(tmp_path)
    blob = await spool.keep(b"")
    assert blob == Blob(sha256=hashlib.sha256(b"").hexdigest(), size=0)
    assert await spool.read(blob.sha256) == b""


async def test_the_limit_itself_is_allowed(tmp_path: Path) -> None:
    """One byte more is not."""
    spool = Spool(tmp_path)
    assert (await spool.stream(_chunks(b"12", b"345"), limit=5)).size == 5


async def test_too_much_leaves_nothing(tmp_path: Path) -> None:
    """It is noticed as it comes in, and no more of it is read."""
    read: list[bytes] = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            read.append(b"123")
            yield b"123"

    with pytest.raises(OverLimit, match="more than 5 bytes"):
        await Spool(tmp_path).stream(endless(), limit=5)
    assert _files(tmp_path) == []
    assert len(read) == 2


async def test_a_stream_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    """The line went down half-way: its error comes through."""

    async def breaking() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await Spool(tmp_path).stream(breaking(), limit=100)
    assert _files(tmp_path) == []


async def test_a_stream_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    """The process is told to stop in the middle of a transfer."""
    begun = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"half"
        begun.set()
        await asyncio.Event().wait()

    keeping = asyncio.create_task(Spool(tmp_path).stream(slow(), limit=100))
    await begun.wait()
    assert len(_files(tmp_path)) == 1
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    assert _files(tmp_path) == []


async def test_a_broken_stream_harms_nothing_that_was_kept(tmp_path: Path) -> None:
    """Other contents, and the same content from before, stay."""
    spool = Spool(tmp_path)
    await spool.keep(DATA)

    async def breaking() -> AsyncIterator[bytes]:
        yield DATA
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await spool.stream(breaking(), limit=100)
    assert await spool.read(SHA) == DATA


async def test_a_finished_file_is_adopted(tmp_path: Path) -> None:
    """It is moved; the folder that it was made in goes, with all else in it."""
    spool = Spool(tmp_path)
    async with spool.scratch() as folder:
        (folder / "fox").write_bytes(DATA)
        (folder / "rest").write_bytes(b"rest")
        assert await spool.adopt(folder / "fox") == Blob(sha256=SHA, size=len(DATA))
        assert not (folder / "fox").exists()
    assert _files(tmp_path) == [f"{SHA[:2]}/{SHA}"]
    assert await spool.read(SHA) == DATA


async def test_what_is_there_is_adopted_too(tmp_path: Path) -> None:
    """Once."""
    spool = Spool(tmp_path)
    await spool.keep(DATA)
    async with spool.scratch() as folder:
        (folder / "fox").write_bytes(DATA)
        assert await spool.adopt(folder / "fox") == Blob(sha256=SHA, size=len(DATA))
    assert _files(tmp_path) == [f"{SHA[:2]}/{SHA}"]


async def test_a_folder_left_by_a_crash_is_tidied_away(tmp_path: Path) -> None:
    """When it is old; one that is worked in stays."""
    spool = Spool(tmp_path)
    async with spool.scratch() as left, spool.scratch() as used:
        (left / "half").write_bytes(b"half")
        (used / "half").write_bytes(b"half")
        os.utime(left, (0, 0))
        await spool.tidy()
        assert not left.exists()
        assert (used / "half").exists()


async def test_dropping_forgets(tmp_path: Path) -> None:
    """Also what was never there; reading it then says so."""
    spool = Spool(tmp_path)
    await spool.keep(DATA)
    await spool.drop(SHA)
    await spool.drop(SHA)
    assert _files(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        await spool.read(SHA)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("fox_00001_.png", "image/png"),
        ("FOX.JPEG", "image/jpeg"),
        ("fox.webp", "image/webp"),
        ("fox.mp4", "video/mp4"),
        ("fox.flac", "audio/flac"),
        ("fox.tar.gz", "application/octet-stream"),
        ("fox", "application/octet-stream"),
        (".png", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_the_ending_says_what_it_is(name: str, kind: str) -> None:
    """And what is not known is just bytes."""
    assert media_type(name) == kind


@given(name=st.text())
def test_any_name_has_an_ending_without_a_path(name: str) -> None:
    """A server's file name never leads anywhere."""
    assert "/" not in ending(name)
