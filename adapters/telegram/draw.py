"""Cards as Telegram's HTML and keyboards."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.contract.card import Action, Card, Code, Countdown, Link, Span, Text

MOST_TEXT = 4096
MOST_CAPTION = 1024
MOST_POPUP = 200
"""Units of UTF-16, as Telegram counts. Marks are counted along, which it does not: never too long."""

QUOTED_FROM = 300
"""Longer ones are folded into a quotation that a tap opens."""

BAR = 16
ROW = 4
ROW_LETTERS = 32
CUT_WITHIN = 60
"""Characters before the end of a page within which a gap between words is looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Words, and the marks around them."""

    text: str
    before: str = ""
    after: str = ""


BREAK = Piece(text="\n")


def pages(card: Card, first: int = MOST_TEXT, left_out: Sequence[Span] = ()) -> list[str]:
    """The card's words as HTML: the first page in at most `first` units, all others in a message's."""
    made = [""]
    for piece in _pieces(card, left_out):
        _add(made, piece, first)
    return [page.rstrip() for page in made if page.strip()] or ["\u2060"]


def fitting(card: Card, most: int, left_out: Sequence[Span] = ()) -> str:
    """As much of a card's words as one message holds."""
    made = pages(card, most - 1, left_out)
    return made[0] if len(made) == 1 else f"{made[0]}…"


def plain(card: Card) -> str:
    """The card's words without any marks."""
    return "".join(piece.text for piece in _pieces(card, ())).strip()


def escaped(text: str) -> str:
    """Words that Telegram shows as they are."""
    return html.escape(text, quote=True)


def keyboard(actions: Sequence[Action]) -> InlineKeyboardMarkup | None:
    """Buttons in rows that a phone has room for."""
    rows: list[list[InlineKeyboardButton]] = []
    letters = ROW_LETTERS
    for action in actions:
        letters += len(action.label) + 2
        if letters > ROW_LETTERS or len(rows[-1]) == ROW:
            rows.append([])
            letters = len(action.label) + 2
        rows[-1].append(InlineKeyboardButton(action.label, callback_data=action.id))
    return InlineKeyboardMarkup(rows) if rows else None


def units(text: str) -> int:
    """How long Telegram finds a text."""
    return len(text.encode("utf-16-le")) // 2


def _pieces(card: Card, left_out: Sequence[Span]) -> Iterator[Piece]:
    if card.title:
        yield Piece(text=card.title, before="<b>", after="</b>")
        yield BREAK
    if card.fraction is not None:
        yield Piece(text=_bar(card.fraction))
        yield BREAK
    for line in (*card.body, left_out):
        for span in line:
            yield _piece(span)
        if line:
            yield BREAK


def _piece(span: Span) -> Piece:
    marks = strong = ("", "") if isinstance(span, Code) or not span.strong else ("<b>", "</b>")
    match span:
        case Code():
            marks = ("<code>", "</code>")
        case Link() if span.url:
            marks = (f'<a href="{escaped(span.url)}">', "</a>")
        case Link() | Text() | Countdown():
            marks = strong
    if len(span.text) >= QUOTED_FROM:
        marks = ("<blockquote expandable>", "</blockquote>")
    return Piece(text=span.text, before=marks[0], after=marks[1])


def _add(made: list[str], piece: Piece, first: int) -> None:
    """Put a piece on the last page, and what it has no room for on the next."""
    while piece.text:
        room = (first if len(made) == 1 else MOST_TEXT) - units(made[-1])
        count = _held(piece, room)
        if count == 0 and made[-1]:
            made.append("")
            continue
        made[-1] += f"{piece.before}{escaped(piece.text[:count])}{piece.after}"
        piece = Piece(text=piece.text[count:], before=piece.before, after=piece.after)


def _held(piece: Piece, room: int) -> int:
    """How many characters of a piece have room, up to a gap between words if one is near."""
    room -= units(piece.before) + units(piece.after)
    used, count = 0, 0
    for letter in piece.text:
        used += units(escaped(letter))
        if used > room:
            break
        count += 1
    if count == len(piece.text):
        return count
    gap = max(piece.text.rfind(" ", 0, count), piece.text.rfind("\n", 0, count)) + 1
    return gap if gap > count - CUT_WITHIN and gap > 0 else count


def _bar(fraction: float) -> str:
    full = round(fraction * BAR)
    return "▰" * full + "▱" * (BAR - full)
