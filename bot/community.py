"""The settings about people and places: levels, what each gives, where and what is served."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, FilePath
from pydantic_settings import BaseSettings, NoDecode

from bot.contract.levels import Level
from bot.service.policy import WAITING, WEIGHTS, Policy


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _pairs(value: str, like: str) -> list[tuple[str, str]]:
    """`a=b,c=d` as pairs. Raises `ValueError` that shows what a pair is `like`."""
    pairs = [part.rpartition("=") for part in _parts(value)]
    if any(not name.strip() or not given.strip() for name, _, given in pairs):
        raise ValueError(f"each must look like {like}")
    return [(name.strip(), given.strip()) for name, _, given in pairs]


def _levels(value: object) -> object:
    """`discord:1=trusted` as levels by person or role; platforms are written small."""
    if not isinstance(value, str):
        return value
    found = {}
    for name, level in _pairs(value, "discord:123456789012345678=trusted"):
        platform, colon, rest = name.partition(":")
        found[f"{platform.lower()}{colon}{rest}"] = Level.named(level)
    return found


def _workflow_levels(value: object) -> object:
    if not isinstance(value, str):
        return value
    return {name.lstrip("/"): Level.named(level) for name, level in _pairs(value, "animate=trusted")}


def _level(value: object) -> object:
    return Level.named(value) if isinstance(value, str) else value


def _numbers(value: object) -> object:
    """`guest=5` as numbers by level, none below 0."""
    if not isinstance(value, str):
        return value
    found = {Level.named(name): float(number) for name, number in _pairs(value, "guest=5")}
    if any(not 0 <= number < float("inf") for number in found.values()):
        raise ValueError("numbers are 0 or more")
    return found


def _weights(value: object) -> object:
    found = _numbers(value)
    if isinstance(found, dict) and any(number <= 0 for number in found.values()):
        raise ValueError("a weight is more than 0")
    return found


def _words(value: object) -> object:
    return tuple(_parts(value)) if isinstance(value, str) else value


Numbers = dict[Level, float]


class CommunitySettings(BaseSettings):
    """What the owner says of people and places; names are those of the environment, in lower case."""

    levels: Annotated[dict[str, Level], NoDecode, BeforeValidator(_levels)] = Field(
        default_factory=dict,
        description="Levels by person or role, as in discord:123=trusted,discord-role:456=moderator, comma separated.",
    )
    default_level: Annotated[Level, BeforeValidator(_level)] = Field(
        default=Level.MEMBER,
        description="The level of everybody else: blocked, guest, member, trusted, moderator or admin.",
    )
    level_weights: Annotated[Numbers, NoDecode, BeforeValidator(_weights)] = Field(
        default_factory=lambda: dict(WEIGHTS),
        description="The share of the servers that a level gets beside a member's 1, as in guest=0.5,trusted=2.",
    )
    most_waiting_by_level: Annotated[dict[Level, int], NoDecode, BeforeValidator(_numbers)] = Field(
        default_factory=lambda: dict(WAITING),
        description="Jobs that a person of a level may have waiting at once, where that is less than everybody's.",
    )
    gpu_seconds_a_day: Annotated[Numbers, NoDecode, BeforeValidator(_numbers)] = Field(
        default_factory=dict,
        description="GPU-seconds that a person of a level may use in a day, as in guest=300,member=3600. "
        "Levels that are not named have no limit.",
    )
    workflow_levels: Annotated[dict[str, Level], NoDecode, BeforeValidator(_workflow_levels)] = Field(
        default_factory=dict,
        description="The least level that a workflow or command takes, as in animate=trusted.",
    )
    allowed_places: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = Field(
        default=(),
        description="Places that alone are served on their platforms: Discord servers and channels, Telegram chats, as "
        "in discord:123456789012345678, comma separated.",
    )
    age_restricted_words: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = Field(
        default=(),
        description="Words that prompts may have in age-restricted places alone, comma separated; * is any ending.",
    )
    age_restricted_words_file: FilePath | None = Field(
        default=None, description="A file with more such words, a line each; # begins a comment."
    )

    @property
    def policy(self) -> Policy:
        """All of it together. Raises `OSError` if the file can't be read."""
        return Policy(
            levels=self.levels,
            default=self.default_level,
            weights={**WEIGHTS, **self.level_weights},
            waiting=self.most_waiting_by_level,
            seconds=self.gpu_seconds_a_day,
            workflows=self.workflow_levels,
            places=frozenset(each.lower() for each in self.allowed_places),
            words=(*self.age_restricted_words, *self._words_of_file()),
        )

    def _words_of_file(self) -> list[str]:
        if self.age_restricted_words_file is None:
            return []
        lines = self.age_restricted_words_file.read_text(encoding="utf-8-sig").splitlines()
        return [word for line in lines if (word := line.partition("#")[0].strip())]
