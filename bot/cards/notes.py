"""Cards that belong to no job, and words about files and servers that several cards share. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.contract.card import Card, Code, Link, Media, Span, Text
from bot.contract.values import QueueStatus
from bot.scheduling.holds import Hold, Reason


def queue_card(status: QueueStatus) -> Card:
    """The queue in words."""
    paused = ", paused by an admin" if status.paused else ""
    lines = [line(f"{status.waiting} waiting, {status.running} in work{paused}")]
    for backend in status.backends:
        state = f"answers (ComfyUI {backend.version})" if backend.up else "does not answer"
        hold = f", {backend.hold}" if backend.hold is not None else ""
        lines.append((Code(text=backend.name), Text(text=f" {state}, {backend.running} in work{hold}")))
    return note("Queue", *lines)


def held(hold: Hold | None) -> str | None:
    """Why a backend takes no jobs, in a few words; a pause of all is told elsewhere."""
    return None if hold is None else _BRIEFLY.get(hold.reason)


def existing(url: str) -> Card:
    """Leads to a message that is already there."""
    return note("That is already there", (Link(text="Show it", url=url),))


def unknown_picture() -> Card:
    """A picture that was not made here."""
    return note("Nothing is known of that picture", line("It was not made here."))


def made_elsewhere(facts: Mapping[str, str]) -> Card:
    """What a picture's metadata says."""
    lines = [(Text(text=f"{name}: "), Code(text=value)) for name, value in facts.items()]
    return note("The picture says of itself", *lines)


def left_out(media: Sequence[tuple[Media, str | None]]) -> tuple[Span, ...]:
    """Names what is too large to be shown with a card, each with an address to open it at, if it has one."""
    names: list[Span] = []
    for each, url in media:
        name = Code(text=each.name) if url is None else Link(text=each.name, url=url)
        names += [Text(text=", " if names else ""), name, Text(text=f" ({_size(each.size)})")]
    return (*names, Text(text=f" {'is' if len(media) == 1 else 'are'} too large to be shown here."))


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{max(1, size // 1024)} KB"


def note(title: str, *lines: tuple[Span, ...]) -> Card:
    """A card that belongs to no job."""
    return Card(state="note", title=title, body=tuple(lines))


def line(text: str) -> tuple[Span, ...]:
    """A line of a card that is plain words."""
    return (Text(text=text),)


_BRIEFLY = {
    Reason.OWNERS: "its owner has the GPU",
    Reason.HOURS: "its owner has the GPU at this hour",
    Reason.DRAINED: "drained",
    Reason.PAUSED: "paused",
}
