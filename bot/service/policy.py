"""What the owner says of levels, workflows, places and words, in the settings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.contract.levels import Level
from bot.contract.values import Place
from bot.scheduling.allowance import Allowance

Levels = Mapping[str, Level]

WEIGHTS: Mapping[Level, float] = {
    Level.GUEST: 0.5,
    Level.TRUSTED: 2.0,
    Level.MODERATOR: 2.0,
}
"""Shares beside a member's, unless the owner says others."""

WAITING: Mapping[Level, int] = {Level.GUEST: 5}
"""Jobs that may wait at once, where that is less than everybody's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """`levels` are by person (`discord:123`) or role (`discord-role:123`), `default` is everybody else's.

    `workflows` are the least levels of workflows or commands, `places` those that alone are served on their
    platforms (`discord:123`), `words` what is for age-restricted places alone.
    """

    levels: Levels = field(default_factory=dict)
    default: Level = Level.MEMBER
    weights: Mapping[Level, float] = field(default_factory=lambda: WEIGHTS)
    waiting: Mapping[Level, int] = field(default_factory=lambda: WAITING)
    seconds: Mapping[Level, float] = field(default_factory=dict)
    workflows: Levels = field(default_factory=dict)
    places: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()

    def allowance(self, level: Level) -> Allowance:
        """What a level gives of the servers."""
        return Allowance(
            weight=self.weights.get(level, 1.0),
            waiting=self.waiting.get(level),
            seconds=self.seconds.get(level),
        )

    def role_level(self, roles: Sequence[str]) -> Level | None:
        """The best level of some roles; one that blocks counts before all others."""
        found = [self.levels[role] for role in roles if role in self.levels]
        return Level.BLOCKED if Level.BLOCKED in found else max(found, default=None)

    def listed(self, place: Place) -> bool | None:
        """Whether the setting has a place, or what it is part of; None if it has none of that platform."""
        if not any(each.startswith(f"{place.platform}:") for each in self.places):
            return None
        return any(f"{place.platform}:{each}" in self.places for each in (place.external_id, *place.within))

    def word_in(self, text: str) -> str | None:
        """The first listed word that a text has, as listed."""
        plain = f" {' '.join(_plain(text))} "
        return next((word for word in self.words if _pattern(word).search(plain)), None)


def _pattern(word: str) -> re.Pattern[str]:
    """A word or several in a row; a `*` at the end stands for any ending."""
    stem = " ".join(_plain(word.removesuffix("*")))
    return re.compile(rf" {re.escape(stem)}{'' if word.endswith('*') else ' '}")


def _plain(text: str) -> list[str]:
    """The words of a text without case, accents, or characters that nobody sees."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    seen = "".join(letter for letter in folded if unicodedata.category(letter) not in ("Cf", "Mn"))
    return re.findall(r"\w+", seen.replace("_", " "))
