"""Who runs a group is asked for once in a while."""

from __future__ import annotations

from telegram import Bot

from adapters.telegram.chiefs import Chiefs
from tests.telegram.double import Telegram
from tests.telegram.limits import TOKEN
from tests.telegram.people import ANN, BOB, GROUP
from tests.telegram.wire import Json, Refused


def _administrator(person: Json) -> Json:
    """With all the rights that there are."""
    rights = (
        "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
        "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
        "can_edit_stories", "can_delete_stories",
    )  # fmt: skip
    return {"status": "administrator", "user": person, **dict.fromkeys(rights, True)}


async def test_creators_and_administrators(telegram: Telegram) -> None:
    """Their roles hold in any group and in this one by its first id; others have none; it is asked once."""
    chat = GROUP["id"]
    telegram.administrators[chat] = [
        {"status": "creator", "user": ANN, "is_anonymous": False},
        _administrator(BOB),
    ]
    async with Bot(TOKEN, base_url=f"{telegram.url}/bot") as bot:
        chiefs = Chiefs(bot)
        assert await chiefs.roles(ANN["id"], chat, -77) == ("telegram-creator", "telegram-creator:-77")
        assert await chiefs.roles(BOB["id"], chat, -77) == (
            "telegram-administrator",
            "telegram-administrator:-77",
        )
        assert await chiefs.roles(3, chat, -77) == ()
        telegram.faults["getChatAdministrators"] = [Refused(403, "Forbidden: bot was kicked")]
        assert await chiefs.roles(ANN["id"], -5, -5) == ()
    assert [name for name, _, _ in telegram.calls].count("getChatAdministrators") == 2
