"""Button ids: short, read back as they were made, and forged ones refused."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.actions import Button, Verb, read_button
from bot.contract.values import JobId, OutputRef
from bot.errors import Stale


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("index", [0, 7, 999])
def test_a_button_is_read_back_from_its_id(verb: Verb, index: int) -> None:
    """It needs no memory, and fits into the 64 bytes that Telegram gives."""
    button = Button(verb=verb, ref=OutputRef(job=JobId(uuid4().hex), index=index))
    assert len(str(button).encode()) <= 64
    assert read_button(str(button)) == button


def test_ids_of_old_messages_still_work() -> None:
    """The form is a promise to every message that is out there."""
    assert read_button("m1:use:0f3a:2") == Button(verb=Verb.USE, ref=OutputRef(job=JobId("0f3a"), index=2))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m1",
        "again",
        "m0:again:0f3a:0",
        "m2:again:0f3a:0",
        "m1:explode:0f3a:0",
        "m1:AGAIN:0f3a:0",
        "m1::0f3a:0",
        "m1:again:0f3a",
        "m1:again:0f3a:",
        "m1:again:0f3a:-1",
        "m1:again:0f3a:+1",
        "m1:again:0f3a:1.0",
        "m1:again:0f3a:1_0",
        "m1:again:0f3a: 1",
        "m1:again:0f3a:²",
        "m1:again:0f3a:٣",
        "m1:again:0f3a:0:0",
        "m1:again:0f3a:0\n",
        " m1:again:0f3a:0",
        "m1:again:" + "f" * 54 + ":0",
    ],
)
def test_forged_ids_lead_nowhere(text: str) -> None:
    """A person reads that the button has expired, and what to do."""
    with pytest.raises(Stale, match=r"^That has expired\. Send the command again\.$"):
        read_button(text)


@given(text=st.one_of(st.text(), st.from_regex(r"m1:(again|use|info|delete|cancel):[^:]*:[^:]*")))
def test_any_text_is_a_button_or_stale(text: str) -> None:
    """No other error, whatever a client sends."""
    try:
        button = read_button(text)
    except Stale:
        return
    assert read_button(str(button)) == button
