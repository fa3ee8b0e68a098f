"""Cards as HTML that Telegram takes, whatever people write."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telegram.draw import MOST_CAPTION, MOST_TEXT, fitting, keyboard, pages, units
from bot.contract.card import Action, Card, Code, Countdown, Link, Text
from tests.telegram.wire import check_html, checker

WORDS = st.text(
    st.sampled_from("ab <>&\"'/\n🦊é\u202e") | st.characters(exclude_categories=["Cs"]), max_size=3000
)
SPANS = st.one_of(
    st.builds(Text, text=WORDS, strong=st.booleans()),
    st.builds(Code, text=WORDS),
    st.builds(Countdown, at=st.just(1e9), text=WORDS),
    st.builds(Link, text=WORDS, url=st.sampled_from(["", "https://t.me/c/1/2?a=b&c=\"d'<"])),
)
CARDS = st.builds(
    Card,
    state=st.just("note"),
    title=WORDS,
    body=st.lists(st.lists(SPANS, max_size=3).map(tuple), max_size=4).map(tuple),
    fraction=st.none() | st.floats(0, 1),
)


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Before hypothesis looks at the clock."""
    checker()


def words(page: str) -> str:
    """What people read."""
    return html.unescape(re.sub(r"<[^>]+>", "", page))


@given(card=CARDS, most=st.sampled_from([MOST_CAPTION, MOST_TEXT]))
def test_every_page_is_taken_and_no_word_is_lost(card: Card, most: int) -> None:
    """Well-formed, in bounds; together they say everything."""
    made = pages(card, most)
    for number, page in enumerate(made):
        check_html(page)
        assert units(page) <= (most if number == 0 else MOST_TEXT)
    said = re.sub(r"\s|\u2060", "", "".join(words(page) for page in made))
    every = [card.title, *(span.text for line in card.body for span in line)]
    told = re.sub(r"[\s▰▱]|\u2060", "", "".join(every))
    assert re.sub(r"[▰▱]", "", said) == told


@given(card=CARDS)
def test_what_is_cut_says_so(card: Card) -> None:
    """In bounds with its dots."""
    text = fitting(card, MOST_CAPTION)
    check_html(text)
    assert units(text) <= MOST_CAPTION
    assert text.endswith("…") or len(pages(card, MOST_CAPTION - 1)) == 1


def test_marks() -> None:
    """Bold, code, links; long words fold."""
    card = Card(
        state="done",
        title="/imagine <3",
        body=((Text(text="a & b", strong=True), Code(text="7")), (Link(text="x", url='h"'),)),
        fraction=0.5,
    )
    assert pages(card) == [
        '<b>/imagine &lt;3</b>\n▰▰▰▰▰▰▰▰▱▱▱▱▱▱▱▱\n<b>a &amp; b</b><code>7</code>\n<a href="h&quot;">x</a>'
    ]
    long = Card(state="note", title="", body=((Code(text="a" * 400),),))
    assert pages(long) == [f"<blockquote expandable>{'a' * 400}</blockquote>"]


def test_a_cut_is_between_words() -> None:
    """Never within one, nor within what stands for a letter."""
    card = Card(state="note", title="", body=((Text(text="fox & " * 400),),))
    first, second, *_ = pages(card, MOST_CAPTION)
    assert words(first).rstrip().endswith(("fox", "&"))
    assert words(second).startswith(("fox", "&"))


def test_rows_that_a_phone_has_room_for() -> None:
    """By the labels' length."""
    labels = ["Again", "Use 1", "Use 2", "Use 3", "Use 4", "Info", "Originals", "Delete"]
    made = keyboard([Action(id=f"m1:x:{label}", label=label) for label in labels])
    assert made is not None
    assert [[button.text for button in row] for row in made.inline_keyboard] == [labels[:4], labels[4:]]
    assert keyboard([]) is None
