"""docs/permissions.md says what the code does, and the table knows every command."""

from __future__ import annotations

from bot.contract.levels import Level
from bot.service.rights import LEAST
from tests.permissions.page import DEEDS, PAGE, REGISTRIES, described, page


def test_the_page_is_current() -> None:
    """`python -m tests.permissions` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_table_has_every_command_and_nothing_else() -> None:
    """Each once, at the level that is published with it; nobody who is blocked may do anything."""
    published = {
        f"/{name}": entry.command.level for registry in REGISTRIES for name, entry in registry.items()
    }
    assert {**published, **{deed: LEAST[deed] for deed in DEEDS}} == dict(LEAST)
    assert LEAST.keys() == described().keys()
    assert min(LEAST.values()) is Level.GUEST
