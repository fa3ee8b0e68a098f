"""Cards as components: nothing that people write is taken for mark-up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.draw import draw, escaped
from adapters.discord.slash import matching
from bot.contract.card import Action, ActionStyle, Card, Code, Countdown, Effect, Link, Text


def _parts(card: Card) -> list[dict[str, Any]]:
    view: Any = draw(card, ()).view
    found: list[dict[str, Any]] = view.to_components()[0]["components"]
    return found


def test_a_card_in_all_its_parts() -> None:
    """Bold title, bar, lines of spans, rows of five buttons with what comes of a press before their ids."""
    actions = [Action(id=f"m1:use:j:{n}", label=f"Use {n}", effect=Effect.ASK) for n in range(6)]
    actions.append(Action(id="m1:delete:j:0", label="Delete", style=ActionStyle.DANGER))
    body = (
        (Text(text="a *red* fox", strong=True),),
        (Text(text="Seed "), Code(text="7`7"), Text(text=", "), Countdown(at=1700000000.9, text="soon")),
        (Link(text="Show it", url="https://example.org/a_b"),),
        (Text(text="Done "), Countdown(at=1700000060.2, text="in about a minute", strong=True)),
    )
    text, *rows = _parts(Card(state="running", title="half", fraction=0.5, body=body, actions=tuple(actions)))
    assert text["content"].split("\n") == [
        "**half**",
        "▰" * 10 + "▱" * 10,
        "**a \\*red\\* fox**",
        "Seed `7\u02cb7`, <t:1700000000:R>",
        "[Show it](https://example.org/a_b)",
        "Done **<t:1700000060:R>**",
    ]
    assert [[(b["custom_id"], b["style"]) for b in row["components"]] for row in rows] == [
        [(f"ask:m1:use:j:{n}", 2) for n in range(5)],
        [("ask:m1:use:j:5", 2), ("here:m1:delete:j:0", 4)],
    ]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("@everyone <@1> <#2> <t:3:R> <:x:4>", "\\@everyone \\<\\@1\\> \\<\\#2\\> \\<t:3:R\\> \\<:x:4\\>"),
        ("# big\n- list\n1. one\n> quote", "\\# big\n\\- list\n\\1. one\n\\> quote"),
        ("[a](http://b) `c` ||d|| ~~e~~", "\\[a\\]\\(http://b\\) \\`c\\` \\|\\|d\\|\\| \\~\\~e\\~\\~"),
        ("masterpiece, (fox:1.2)", "masterpiece, \\(fox:1.2\\)"),
    ],
)
def test_words_are_shown_as_they_were_written(written: str, shown: str) -> None:
    """No mention, heading, list, link or hidden text."""
    assert escaped(written) == shown


@given(st.lists(st.lists(st.text(min_size=1), min_size=1, max_size=3), max_size=6), st.text())
def test_any_words_are_a_message_that_discord_takes(lines: list[list[str]], title: str) -> None:
    """Never empty, never too long."""
    body = tuple(tuple(Text(text=word) for word in line) for line in lines)
    (text,) = _parts(Card(state="done", title=title, body=body))
    assert 1 <= len(text["content"]) <= 4000


@given(st.text(max_size=12), st.lists(st.text(min_size=1, max_size=120), max_size=60))
def test_what_is_offered_is_among_the_choices(typed: str, choices: list[str]) -> None:
    """At most 25, none longer than Discord takes, each once for each time that it is there."""
    offered = matching(typed, choices)
    assert len(offered) <= 25
    assert all(len(choice) <= 100 and offered.count(choice) <= choices.count(choice) for choice in offered)
