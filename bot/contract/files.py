"""Which of the files that somebody sends a command has use for. Pure; every chat platform chooses alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeVar

from bot.contract.values import Command

IMAGE, VIDEO, AUDIO = "image", "video", "audio"
"""Sorts of files, as media types begin."""
ANY = "file"
"""What takes a file of any sort; and the sort of a file that is none of those above."""


class Sorted(Protocol):
    """A file whose sort is known."""

    @property
    def sort(self) -> str:
        """`image`, `video` or `audio`; else `file`."""


F = TypeVar("F", bound=Sorted)


def sort_of(media_type: str) -> str | None:
    """The sort of a media type; None for one that no command takes."""
    sort = media_type.partition("/")[0]
    return sort if sort in (IMAGE, VIDEO, AUDIO) else None


def useful(
    command: Command | None, files: Sequence[F], taken: Sequence[Sorted] = (), *, reply: bool = False
) -> tuple[F, ...]:
    """Those of the files for which a command has room beside `taken` and, with `reply`, one that is replied to.

    Where it takes files, but none of these sorts, they are all given, so that it says what it takes.
    """
    room = _room(command)
    if not room:
        return ()
    known = {file.sort for file in files} | {file.sort for file in taken}
    if not reply and ANY not in room and not known & room.keys():
        return tuple(files)
    for file in taken:
        _fill(room, file.sort)
    if reply:
        room[next(iter(room))] -= 1
    return tuple(file for file in files if _fill(room, file.sort))


def lacking(
    command: Command, files: Sequence[Sorted], named: Sequence[str], *, reply: bool = False
) -> list[str]:
    """The names of the required file parameters that nothing is there for; `named` have their file.

    Files of sorts that the command does not take count for any: it says what is wrong with them.
    """
    room = _room(command)
    have = Counter(file.sort for file in files)
    spare = sum(count for sort, count in have.items() if sort not in room) + reply
    missing = []
    for spec in command.parameters:
        sort = spec.type.sort
        if sort is None or spec.name in named:
            continue
        if sort == ANY and not have[sort]:
            sort = next((other for other, count in have.items() if count > 0), ANY)
        if have[sort] > 0:
            have[sort] -= 1
        elif spare > 0:
            spare -= 1
        elif spec.required:
            missing.append(spec.name)
    return missing


def _fill(room: Counter[str], sort: str) -> bool:
    """Give a file its place; whether there is one."""
    place = sort if room[sort] > 0 else ANY
    if room[place] <= 0:
        return False
    room[place] -= 1
    return True


def _room(command: Command | None) -> Counter[str]:
    """How many files of each sort a command takes, in the order of its parameters."""
    specs = () if command is None else command.parameters
    return Counter(spec.type.sort for spec in specs if spec.type.sort is not None)
