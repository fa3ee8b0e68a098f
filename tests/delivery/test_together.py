"""Where one message shows how far all jobs are: only where that is better, and as long as it is."""

from __future__ import annotations

import pytest

from bot.cards.together import Running, together
from bot.contract.card import Text
from bot.delivery.together import QUIET_SECONDS, SHUNNED_SECONDS, Busy, Together

CHANNEL, GROUP = 1.0, 1 / 3
"""Edits a second."""


@pytest.mark.parametrize(
    ("jobs", "rate", "better"),
    [(1, GROUP, False), (2, GROUP, True), (2, CHANNEL, False), (3, CHANNEL, True), (30, CHANNEL, True)],
)
def test_it_is_made_where_each_message_would_stand_still_for_long(
    jobs: int, rate: float, better: bool
) -> None:
    """With one job there is nothing to put together."""
    places = Together()
    places.look({"room": Busy(jobs=jobs, rate=rate)}, 100.0)
    assert places.open == ({"room"} if better else set())


def test_it_stays_until_the_place_is_quiet_for_a_while() -> None:
    """One job ends and the next begins: that is no reason to send it again."""
    places, busy, quiet = Together(), Busy(jobs=2, rate=GROUP), Busy(jobs=1, rate=GROUP)
    places.look({"room": busy, "other": quiet}, 100.0)
    for now in (105.0, 105.0 + QUIET_SECONDS - 0.1):
        places.look({"room": quiet}, now)
        assert places.open == {"room"}
    places.look({"room": busy}, 116.0)
    places.look({}, 120.0)
    places.look({}, 120.0 + QUIET_SECONDS - 0.1)
    assert places.open == {"room"}
    places.look({}, 120.0 + QUIET_SECONDS)
    assert places.open == set()


def test_fewer_jobs_than_it_was_made_for_keep_it() -> None:
    """Two in a channel are not enough to make one, but to leave it."""
    places = Together()
    places.look({"room": Busy(jobs=3, rate=CHANNEL)}, 100.0)
    for now in (110.0, 200.0):
        places.look({"room": Busy(jobs=2, rate=CHANNEL)}, now)
        assert places.open == {"room"}


def test_where_it_can_not_be_shown_it_is_not_tried_for_long() -> None:
    """Somebody took it away, or the bot may not write there."""
    places, busy = Together(), {"room": Busy(jobs=2, rate=GROUP)}
    places.look(busy, 100.0)
    places.shun("room", 100.0)
    places.look(busy, 100.0 + SHUNNED_SECONDS - 1)
    assert places.open == set()
    places.look(busy, 100.0 + SHUNNED_SECONDS)
    assert places.open == {"room"}


def test_its_card_says_whose_each_is_and_calls_nobody() -> None:
    """However long the prompts and however many the jobs are."""
    card = together(
        [
            Running(name="Ann", prompt="a red\nfox", fraction=0.5),
            Running(name="@bob", prompt="@everyone " + "x" * 100, fraction=0.0),
            *[Running(name=str(nth), prompt="", fraction=1.0) for nth in range(20)],
        ]
    )
    assert (card.state, card.title, card.actions, card.media) == ("note", "22 in the making", (), ())
    assert card.body[0] == (
        Text(text="▰▰▰▰▱▱▱▱ 50% "),
        Text(text="Ann", strong=True),
        Text(text=": a red fox"),
    )
    assert card.body[1] == (
        Text(text="▱▱▱▱▱▱▱▱ 0% "),
        Text(text="@\u200bbob", strong=True),
        Text(text=": @\u200beveryone " + "x" * 49 + "…"),
    )
    assert card.body[2] == (Text(text="▰▰▰▰▰▰▰▰ 100% "), Text(text="0", strong=True))
    assert (len(card.body), card.body[-1]) == (16, (Text(text="and 7 more"),))
