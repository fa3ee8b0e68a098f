"""Looking at one's jobs, and ending one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from uuid import uuid4

from rich.console import Console

from adapters.terminal.order import person, terminal
from adapters.terminal.screen import plain
from bot.contract.card import Card, Text
from bot.contract.ports import Core, Limits
from bot.contract.values import Address, JobId, JobState, JobStatus, PlacedCard
from bot.errors import UserError

SHOWN = 20
LOOKED_AT = 200
ID_SHOWN = 8
"""Letters of an id that are shown; any beginning that only one job has will do."""

CANCEL_SECONDS = 20.0


class Desk:
    """Has no messages of its own: what it prints, it prints once."""

    limits = Limits(edit_seconds=1.0, media_per_message=0, previews=False)

    def __init__(self) -> None:
        self.name = f"terminal-{uuid4().hex}"
        self._console = Console(highlight=False, soft_wrap=True)

    async def opened(self) -> str:
        """At once."""
        return "Looking"

    async def show(self, address: Address, card: Card) -> None:
        """No message is this adapter's."""

    async def remove(self, address: Address) -> None:
        """No message is this adapter's."""

    def say(self, text: str) -> None:
        """A line."""
        self._console.print(text, markup=False)


class Listing(Desk):
    """Prints the newest jobs, the newest last."""

    async def run(self, core: Core) -> None:
        """A line for each: its id, how it stands, its prompt."""
        jobs = list(_jobs(core, await core.cards(terminal(), most=SHOWN)))
        if not jobs:
            self.say("No jobs yet. `muralist imagine` makes one.")
        wide = max((len(_stands(card)) for _, card in jobs), default=0)
        for job, card in jobs:
            self.say(f"{job[:ID_SHOWN]}  {_stands(card):<{wide}}  {_prompt(card)}".rstrip())


class Ending(Desk):
    """Cancels the job whose id begins so, here and on its server. After `run`, `ended` says whether it has ended."""

    def __init__(self, beginning: str) -> None:
        super().__init__()
        self.ended = False
        self._beginning = beginning.strip().lower()
        self._job: JobId | None = None

    async def ask(self, core: Core) -> None:
        """Note that it should end; one that waits has ended then. Raises `UserError`."""
        self._job, card = await self._find(core)
        if JobState(card.state).final:
            raise UserError(f"That job is over: {card.state}.")
        await core.cancel(person(), self._job)
        self._note(await core.job(terminal(), self._job))

    async def run(self, core: Core) -> None:
        """Wait for its end, at most 20 seconds."""
        assert self._job is not None, "it was not asked for"
        with suppress(TimeoutError):
            async with asyncio.timeout(CANCEL_SECONDS):
                async for status in core.watch(terminal(), self._job):
                    if isinstance(status, JobStatus):
                        self._note(status)

    def tell(self) -> None:
        """Print what came of it."""
        self.say("cancelled" if self.ended else "Its end is asked for. It ends when its ComfyUI answers.")

    def _note(self, status: JobStatus) -> None:
        if status.state.final and status.state is not JobState.CANCELLED:
            raise UserError(f"It was too late: the job is {status.state}.")
        self.ended = status.state is JobState.CANCELLED

    async def _find(self, core: Core) -> tuple[JobId, Card]:
        jobs = list(_jobs(core, await core.cards(terminal(), most=LOOKED_AT)))
        found = [(job, card) for job, card in jobs if self._beginning and job.startswith(self._beginning)]
        if not found:
            raise UserError("There is no such job of yours. `muralist jobs` lists them.")
        if len(found) > 1:
            raise UserError("Several jobs of yours begin so. Give more of its id.")
        return found[0]


def _jobs(core: Core, placed: Sequence[PlacedCard]) -> Iterator[tuple[JobId, Card]]:
    """The job of each card, which its buttons tell."""
    for each in placed:
        about = [core.about(action.id) for action in each.card.actions]
        if about and about[0] is not None:
            yield about[0].job, each.card


def _stands(card: Card) -> str:
    """A job that is not over in the card's words, others in one word."""
    return card.state if JobState(card.state).final else plain(card.title)


def _prompt(card: Card) -> str:
    """The words that a card shows as its prompt."""
    spans = [span for line in card.body for span in line if isinstance(span, Text) and span.strong]
    return plain(spans[0].text) if spans else ""
