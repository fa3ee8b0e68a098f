"""Outputs into messages: made to fit the place, at most ten a message and no more bytes than it has room for."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.discord.where import Where
from bot.contract.card import Card, Media
from bot.contract.ports import Core

MOST_FILES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """The outputs of one message."""

    media: tuple[Media, ...] = ()

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(each.size for each in self.media)

    def has_room(self, media: Media, room: int) -> bool:
        """Whether it can take one more."""
        return len(self.media) < MOST_FILES and self.size + media.size <= room


async def pack(core: Core, card: Card, where: Where) -> tuple[list[Parcel], list[Media]]:
    """A card's outputs by message, and those that can't be made small enough for the place."""
    parcels: list[Parcel] = []
    left_out: list[Media] = []
    for media in card.media:
        fitting = await core.fit(media, min(where.limit, where.room))
        if fitting is None:
            left_out.append(media)
        elif parcels and parcels[-1].has_room(fitting, where.room):
            parcels[-1] = Parcel(media=(*parcels[-1].media, fitting))
        else:
            parcels.append(Parcel(media=(fitting,)))
    return parcels, left_out
