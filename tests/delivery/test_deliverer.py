"""What delivery makes of a platform's refusals: asked once, and left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.cards.board import Board
from bot.contract.card import Card
from bot.contract.ports import Core, Limits, Shared
from bot.contract.values import Address, JobId, MessageId
from bot.delivery.deliverer import Deliverer
from bot.errors import AddressExpired, AddressGone, DeliveryError
from bot.feed import Feed, Live
from bot.jobs.states import State
from bot.media.spool import Spool
from bot.store.holding import LeaseTiming
from bot.store.leases import Held
from bot.store.store import Store, open_store
from tests.builders import new_request, sqlite_url


class Recorder:
    """A platform that answers as it is told to, and keeps what it was asked."""

    name = "test"
    limits = Limits(edit_seconds=0.01, media_per_message=10, previews=True)

    def __init__(self) -> None:
        self.asked: list[tuple[Address, Card]] = []
        self.refusal: DeliveryError | None = None
        self.moves: list[Address] = []
        self.heard = asyncio.Event()
        self.removed: list[Address] = []
        self.rate: float | None = None

    async def opened(self) -> str:
        return "here"

    async def run(self, core: Core) -> None:
        raise AssertionError("nobody starts it")

    def turn(self, address: Address, *, final: bool, left: float | None = None) -> float:
        del address, final, left
        return 0.0

    def shared(self, address: Address) -> Shared | None:
        if self.rate is None or address["chat"] == "alone":
            return None
        return Shared(address={"chat": address["chat"]}, rate=self.rate)

    async def show(self, address: Address, card: Card) -> Address | None:
        self.asked.append((address, card))
        self.heard.set()
        if self.refusal is not None:
            raise self.refusal
        if "message" not in address:
            return {**address, "message": "board"}
        return self.moves.pop(0) if self.moves else None

    async def remove(self, address: Address) -> None:
        self.removed.append(address)

    async def next(self) -> tuple[Address, Card]:
        """What is asked next."""
        async with asyncio.timeout(30):
            await self.heard.wait()
        self.heard.clear()
        return self.asked[-1]


class Scene:
    """A store with one running job, and a delivery."""

    def __init__(self, store: Store, feed: Feed, platform: Recorder) -> None:
        self.store = store
        self.feed = feed
        self.platform = platform

    def progress(self, percent: int) -> None:
        """News of the running job."""
        self.feed.progress(JobId("job-1"), Live(fraction=percent / 100, node=None))


@asynccontextmanager
async def _delivering(folder: Path, platform: Recorder) -> AsyncIterator[Scene]:
    async with open_store(sqlite_url(folder)) as store:
        feed = Feed()
        spool = Spool(folder / "spool")
        board = Board(store, spool, feed, lambda: True, frozenset, lambda: 1000.0)
        deliverer = Deliverer(platform, store, board, feed, "me", LeaseTiming())
        working = asyncio.create_task(deliverer.run())
        try:
            yield Scene(store, feed, platform)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


async def _reachable(store: Store) -> bool:
    view = await store.messages.of_job(JobId("job-1"))
    assert view is not None
    return view.reachable


@pytest.mark.parametrize("refusal", [AddressGone("404"), AddressExpired("later")])
async def test_what_can_not_be_reached_is_asked_for_once(tmp_path: Path, refusal: DeliveryError) -> None:
    """However much news there is of its job; a renewed address is asked for again."""
    platform = Recorder()
    async with _delivering(tmp_path, platform) as scene:
        platform.refusal = refusal
        await scene.store.requests.add(new_request())
        scene.feed.changed(JobId("job-1"))
        await platform.next()
        while await _reachable(scene.store):
            await asyncio.sleep(0.01)
        for percent in range(20):
            scene.progress(percent)
            scene.feed.changed(JobId("job-1"))
            await asyncio.sleep(0.02)
        assert len(platform.asked) == 1

        if isinstance(refusal, AddressExpired):
            platform.refusal = None
            await scene.store.messages.renew(MessageId("message-1"), {"token": "new"})
            scene.feed.changed(JobId("job-1"))
            address, card = await platform.next()
            assert (address, card.title) == ({"token": "new"}, "Queued: you are next")


async def test_a_message_that_moved_is_shown_at_its_new_address(tmp_path: Path) -> None:
    """From the next card on."""
    platform = Recorder()
    platform.moves.append({"chat": "private"})
    async with _delivering(tmp_path, platform) as scene:
        await scene.store.requests.add(new_request())
        scene.feed.changed(JobId("job-1"))
        assert (await platform.next())[0] == {"chat": "room", "message": "1"}
        await scene.store.queue.cancel(JobId("job-1"), now=2.0)
        scene.feed.changed(JobId("job-1"))
        address, card = await platform.next()
        assert (address, card.title) == ({"chat": "private"}, "Cancelled")


async def test_an_end_that_moved_its_message_is_shown_once(tmp_path: Path) -> None:
    """Whatever is heard of its job after that: every showing is an upload."""
    platform = Recorder()
    async with _delivering(tmp_path, platform) as scene:
        await scene.store.requests.add(new_request())
        scene.feed.changed(JobId("job-1"))
        await platform.next()
        platform.moves.append({"chat": "private"})
        await scene.store.queue.cancel(JobId("job-1"), now=2.0)
        scene.feed.changed(JobId("job-1"))
        assert (await platform.next())[1].title == "Cancelled"
        for key in ("2", "3"):  # found with the looks at the store, each of which knows more of the first
            scene.feed.changed(JobId("job-1"))
            await scene.store.requests.add(new_request(key))
            await platform.next()
    titles = [card.title for _, card in platform.asked]
    assert titles[:3] == ["Queued: you are next", "Cancelled", "Queued: you are next"]
    assert titles.count("Cancelled") == 1


async def test_a_job_that_another_process_carries_is_shown_as_far_as_it_is(tmp_path: Path) -> None:
    """No news of it is heard here: what it wrote into the store is shown."""
    platform = Recorder()
    async with _delivering(tmp_path, platform) as scene, open_store(sqlite_url(tmp_path)) as elsewhere:
        await scene.store.requests.add(new_request())
        scene.feed.changed(JobId("job-1"))
        assert (await platform.next())[1].title == "Queued: you are next"

        held = await elsewhere.leases.take("backend:http://other", "other", None)
        assert held is not None
        attempt = await elsewhere.queue.claim(held, "prompt-1", now=1.0)
        assert attempt is not None
        for state in (State.POSTING, State.WAITING, State.RUNNING):
            await elsewhere.queue.advance(attempt, state)
        await elsewhere.queue.progress([(attempt, 0.25, "KSampler")])
        card = (await platform.next())[1]
        while card.state != "running" or card.fraction != 0.25:
            card = (await platform.next())[1]
        assert card.title == "KSampler: 25%"
        await elsewhere.queue.progress([(attempt, 0.5, "KSampler")])
        assert (await platform.next())[1].title == "KSampler: 50%"
        await elsewhere.queue.finish(attempt, State.CANCELLED, now=2.0)
        assert (await platform.next())[1].title == "Cancelled"


async def _run(scene: Scene, key: str, where: str, *, fraction: float) -> Held:
    """A job that is asked for there and runs, on a backend of its own."""
    await scene.store.requests.add(new_request(key, who=f"person {key}", where=where))
    held = await scene.store.leases.take(f"backend:{key}", "me", None)
    assert held is not None
    attempt = await scene.store.queue.claim(held, f"prompt-{key}", now=1.0)
    assert attempt is not None
    assert attempt.job.id == f"job-{key}"
    await scene.store.queue.advance(attempt, State.RUNNING, started=1.0)
    scene.feed.progress(JobId(f"job-{key}"), Live(fraction=fraction, node=None))
    scene.feed.changed(JobId(f"job-{key}"))
    return held


async def _kept(scene: Scene) -> list[Address]:
    """Where there are messages for several jobs."""
    return [value["address"] for value in (await scene.store.memory.find("test", "board:")).values()]


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_one_message_shows_all_jobs_of_a_busy_place(tmp_path: Path) -> None:
    """Of that place alone; the messages of these jobs show their ends. It outlives a restart, and goes in the end."""
    platform = Recorder()
    platform.rate = 1 / 3
    board = {"chat": "group", "message": "board"}

    def boards() -> list[tuple[str, ...]]:
        """What was shown there, by line."""
        return [
            tuple("".join(str(getattr(span, "text", "")) for span in line) for line in card.body)
            for address, card in platform.asked
            if address in ({"chat": "group"}, board)
        ]

    def of(key: str) -> list[str]:
        return [card.title for address, card in platform.asked if address.get("message") == key]

    async with _delivering(tmp_path, platform) as scene:
        for key, where in (("1", "group"), ("2", "other"), ("3", "alone"), ("4", "group")):
            await _run(scene, key, where, fraction=0.25)
        both = ("▰▰▱▱▱▱▱▱ 25% Person 1: a red fox", "▰▰▱▱▱▱▱▱ 25% Person 4: a red fox")
        await _until(lambda: boards() and boards()[-1] == both)
        await _until(lambda: _shown(platform, {"1", "2", "3", "4"}))
        async with asyncio.timeout(30):
            while await _kept(scene) != [board]:
                await asyncio.sleep(0.01)
        known = len(of("1"))
        for key in "1234":
            scene.feed.progress(JobId(f"job-{key}"), Live(fraction=0.5, node=None))
        await _until(
            lambda: boards()[-1] == tuple(line.replace("▰▰▱▱▱▱▱▱ 25%", "▰▰▰▰▱▱▱▱ 50%") for line in both)
        )
        await _until(lambda: of("2")[-1] == of("3")[-1] == "50%")
        assert len(of("1")) == known
        assert [address for address, card in platform.asked if card.state == "note"][:2] == [
            {"chat": "group"},
            board,
        ]

    sent = len([address for address, _ in platform.asked if address == {"chat": "group"}])
    assert sent == 1
    platform.asked.clear()
    async with _delivering(tmp_path, platform) as scene:
        scene.feed.progress(JobId("job-1"), Live(fraction=0.75, node=None))
        await _until(lambda: boards() and "75%" in boards()[-1][0])
        assert {"chat": "group"} not in [address for address, _ in platform.asked]
        for key in "14":
            await scene.store.queue.cancel(JobId(f"job-{key}"), now=2.0)
        assert platform.removed == []


async def test_what_is_left_of_a_busy_place_is_taken_away(tmp_path: Path) -> None:
    """By the next process, if this one was killed; and it is forgotten."""
    platform = Recorder()
    async with open_store(sqlite_url(tmp_path)) as store:
        await store.memory.keep(
            "test", 'board:{"chat": "group"}', {"address": {"chat": "group", "message": "9"}}
        )
    async with _delivering(tmp_path, platform) as scene:
        await _until(lambda: platform.removed)
        assert platform.removed == [{"chat": "group", "message": "9"}]
        async with asyncio.timeout(30):
            while await _kept(scene):
                await asyncio.sleep(0.01)
    assert platform.asked == []


def _shown(platform: Recorder, keys: set[str]) -> bool:
    """Whether each of these messages has shown that its job runs."""
    running = {address.get("message") for address, card in platform.asked if card.state == "running"}
    return keys <= running
