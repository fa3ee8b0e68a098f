"""docs/permissions.md, made of the one table of levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.commands.admin import ADMIN
from bot.commands.admission import ADMISSION
from bot.commands.community import COMMUNITY
from bot.commands.general import GENERAL
from bot.commands.registry import Entry
from bot.commands.workflows import WORKFLOWS
from bot.contract.levels import Level
from bot.service.policy import WAITING, WEIGHTS
from bot.service.rights import ADD, DELETE_ANY, END_ANY, LEAST, MAKE, OVERSEE

PAGE = Path(__file__).parent.parent.parent / "docs" / "permissions.md"

REGISTRIES: tuple[Mapping[str, Entry], ...] = (GENERAL, COMMUNITY, ADMIN, WORKFLOWS, ADMISSION)

DEEDS: Mapping[str, tuple[str, str]] = {
    MAKE: ("make pictures", "Every workflow by its command, and the buttons Again, Vary, Upscale, ..."),
    END_ANY: ("end anybody's job", "The button Cancel on anybody's card; everybody ends their own"),
    DELETE_ANY: (
        "delete anybody's picture",
        "The button Delete on anybody's card; everybody deletes their own",
    ),
    ADD: ("change drafts of workflows", "The buttons of what `/workflow` answers"),
    OVERSEE: ("see how everything stands", "The page `/admin`"),
}

HEAD = """# Who may do what

Everybody has one of these levels. Each may do what those below it may.

| level | whom it is for | share of the servers | most jobs that wait |
|---|---|---|---|
"""

WHOM: Mapping[Level, str] = {
    Level.BLOCKED: "whoever is banned, or unknown where `DEFAULT_LEVEL=blocked`; they are told why and until when",
    Level.GUEST: "people who are new",
    Level.MEMBER: "everybody else (`DEFAULT_LEVEL`)",
    Level.TRUSTED: "regulars",
    Level.MODERATOR: "those who look after the others",
    Level.ADMIN: (
        "those in `ADMINS`, whoever an admin made one, and the owner: at the terminal, at a page without token"
    ),
}

FOOT = """
Who has which level, what runs in which place, and how the GPU-seconds of a day are counted:
[operating.md](operating.md#people-and-places).

What is refused is told in a sentence, and nothing is queued. Somebody else's job or picture is not told apart from one
that is not there.

This page is made of the table in `bot/service/rights.py` by `python -m tests.permissions`; tests keep it current, and
try each row at each level on Discord, Telegram and the page.
"""


def page() -> str:
    """The whole page."""
    levels = "".join(f"{line}\n" for line in _levels())
    table = "".join(f"{line}\n" for line in _table())
    return f"{HEAD}{levels}\n{table}{FOOT}"


def described() -> dict[str, tuple[str, str]]:
    """What each thing of the table is called, and what it is."""
    commands = {
        f"/{name}": (f"`/{name}`", entry.command.description)
        for registry in REGISTRIES
        for name, entry in registry.items()
    }
    return {**DEEDS, **commands}


def _levels() -> Iterator[str]:
    for level in Level:
        if level is Level.BLOCKED:
            share, most = "none", "none"
        else:
            share = "before all others" if level is Level.ADMIN else f"{WEIGHTS.get(level, 1.0):g}"
            most = "any number" if level is Level.ADMIN else str(WAITING.get(level, "everybody's"))
        yield f"| {level} | {WHOM[level]} | {share} | {most} |"


def _table() -> Iterator[str]:
    yield f"| | what it is | {' | '.join(map(str, Level))} |"
    yield f"|---|---|{'---|' * len(Level)}"
    known = described()
    for deed, least in LEAST.items():
        name, what = known[deed]
        marks = ["yes" if level >= least else "no" for level in Level]
        yield f"| {name} | {what} | {' | '.join(marks)} |"
