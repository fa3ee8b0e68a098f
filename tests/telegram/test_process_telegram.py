"""The real entry point against a Telegram over HTTP."""

from __future__ import annotations

from tests.processes import Program
from tests.telegram.double import Telegram
from tests.telegram.people import ANN

SMALL = "--width 64 --height 64 --steps 4"


async def test_imagine_from_the_line_to_the_picture(telegram: Telegram, bot: Program) -> None:
    """One message through everything: queued, running, the picture."""
    asked = await telegram.write(f"/imagine a red fox {SMALL}")
    card = await telegram.card(asked)

    assert card.kinds[0] == "text"
    assert card.kinds[-1] == "photo"
    assert card.picture.size == (64, 64)
    assert "a red fox" in card.words
    assert list(card.buttons) == ["Again", "Edit", "Vary", "Info", "Originals", "Delete"]
    assert [shown.id for shown in telegram.of(ANN["id"])] == [card.id]
    assert {status for _, _, status in telegram.calls} == {200}
