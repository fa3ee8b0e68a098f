"""Cards as Discord's components."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import discord
from discord import ui

from bot.contract.card import Action, ActionStyle, Card, Code, Countdown, Link, Media, Span, Text

MOST_TEXT = 3800
"""Characters in all of a message's text; Discord takes 4,000."""
MOST_ALT = 256
MOST_LABEL = 80
ROW = 5
BAR = 20
QUOTE = "\u02cb"
"""Looks like the mark that ends code, and does not end it."""
INLINE = ("image/png", "image/jpeg", "image/webp", "image/gif", "video/mp4", "video/webm", "video/quicktime")
"""What a gallery shows; the rest is offered as files."""

COLOURS = {"running": 0x5865F2, "done": 0x57F287, "failed": 0xED4245}

_MARKS = re.compile(r"([\\*_~`|<>\[\]()@#])")
_AT_START = re.compile(r"^(\s*)([-+]|\d+\.)", re.MULTILINE)
_PREVIEWS = {"image/png": "preview.png", "image/webp": "preview.webp"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A message: its layout, and the files that the layout names."""

    view: ui.LayoutView
    files: list[discord.File] = field(default_factory=list)


def draw(card: Card, media: Sequence[Media], left_out: Sequence[Span] = ()) -> Drawing:
    """The card with these of its outputs, and a line about those that are left out."""
    names = [file_name(each) for each in media]
    files = [discord.File(each.path, filename=name) for each, name in zip(media, names, strict=True)]
    shown = [name for each, name in zip(media, names, strict=True) if each.media_type in INLINE]
    offered = [name for each, name in zip(media, names, strict=True) if each.media_type not in INLINE]
    if card.preview is not None and not media:
        name = _PREVIEWS.get(card.preview.media_type, "preview.jpg")
        files.append(discord.File(io.BytesIO(card.preview.data), filename=name))
        shown.append(name)
    container: ui.Container[Any] = ui.Container(accent_colour=COLOURS.get(card.state))
    container.add_item(ui.TextDisplay(_text(card, left_out)))
    if shown:
        container.add_item(ui.MediaGallery(*(_item(name, card) for name in shown)))
    for name in offered:
        container.add_item(ui.File(f"attachment://{name}", spoiler=card.spoiler))
    for row in _rows(card.actions):
        container.add_item(row)
    return Drawing(view=_finished(container), files=files)


def draw_media(media: Sequence[Media], card: Card) -> Drawing:
    """Outputs that did not fit into the card's own message."""
    return draw(Card(state="note", title="", alt=card.alt, spoiler=card.spoiler), media)


def file_name(media: Media) -> str:
    """A name that Discord leaves as it is, unique within the message."""
    return f"{media.index + 1}-{re.sub(r'[^A-Za-z0-9._-]', '_', media.name)}"


def escaped(text: str) -> str:
    """Words that Discord shows as they are: no mark-up, no mention, no emoji."""
    return _AT_START.sub(r"\1\\\2", _MARKS.sub(r"\\\1", text))


def _finished(container: ui.Container[Any]) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    view.stop()  # its buttons are dynamic items: nothing of it needs to be kept in memory
    return view


def _item(name: str, card: Card) -> discord.MediaGalleryItem:
    return discord.MediaGalleryItem(
        f"attachment://{name}", description=card.alt[:MOST_ALT] or None, spoiler=card.spoiler
    )


def _text(card: Card, left_out: Sequence[Span]) -> str:
    """All lines, as far as there is room."""
    lines = [f"**{escaped(card.title)}**"] if card.title else []
    if card.fraction is not None:
        lines.append(_bar(card.fraction))
    lines += [_line(line) for line in (*card.body, left_out) if line]
    kept, room = [], MOST_TEXT
    for line in lines:
        if len(line) > room:
            break
        kept.append(line)
        room -= len(line) + 1
    return "\n".join(kept) or "\u200b"


def _bar(fraction: float) -> str:
    full = round(fraction * BAR)
    return "▰" * full + "▱" * (BAR - full)


def _line(line: Sequence[Span]) -> str:
    return "".join(_span(span) for span in line)


def _span(span: Span) -> str:
    match span:
        case Code():
            return f"`{span.text.replace('`', QUOTE)}`" if span.text else ""
        case Countdown():
            shown = f"<t:{int(span.at)}:R>"
            return f"**{shown}**" if span.strong else shown
        case Link():
            return f"[{escaped(span.text)}]({span.url})"
        case Text():
            shown = escaped(span.text)
            return f"**{shown}**" if span.strong and shown.strip() else shown


def _rows(actions: Sequence[Action]) -> Iterator[ui.ActionRow[Any]]:
    for start in range(0, len(actions), ROW):
        yield ui.ActionRow(*(_button(action) for action in actions[start : start + ROW]))


def _button(action: Action) -> ui.Button[Any]:
    danger = action.style is ActionStyle.DANGER
    return ui.Button(
        label=action.label[:MOST_LABEL],
        style=discord.ButtonStyle.danger if danger else discord.ButtonStyle.secondary,
        custom_id=f"{action.effect}:{action.id}",
    )
