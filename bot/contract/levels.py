"""How far a person is trusted."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class Level(IntEnum):
    """Each may do what those below it may."""

    BLOCKED = 0
    GUEST = 1
    MEMBER = 2
    TRUSTED = 3
    MODERATOR = 4
    ADMIN = 5

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def named(cls, name: str) -> Self:
        """The level of a name. Raises `ValueError` that lists the names for any other."""
        found = cls.__members__.get(name.strip().upper())
        if found is None:
            raise ValueError(f'"{name.strip()}" is no level. There are: {", ".join(map(str, cls))}.')
        return found
