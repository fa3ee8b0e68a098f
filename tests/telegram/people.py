"""Who is on the Telegram of the tests."""

from __future__ import annotations

from tests.telegram.wire import Json

BOT: Json = {
    "id": 123456,
    "is_bot": True,
    "first_name": "Fox",
    "username": "fox_bot",
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": False,
}
ANN: Json = {"id": 1001, "is_bot": False, "first_name": "Ann", "username": "ann"}
BOB: Json = {"id": 1002, "is_bot": False, "first_name": "Bob"}
RUTH: Json = {"id": 1003, "is_bot": False, "first_name": "Ruth"}
OLD_GROUP: Json = {"id": -77, "type": "group", "title": "Fox den", "all_members_are_administrators": False}
GROUP: Json = {"id": -1001234, "type": "supergroup", "title": "Fox den", "is_forum": True}


def private(person: Json) -> Json:
    """The chat of one person with the bot."""
    return {"id": person["id"], "type": "private", "first_name": person["first_name"]}
