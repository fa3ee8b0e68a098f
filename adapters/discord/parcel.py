"""Outputs into messages: made to fit the place, at most ten and 25 MiB a message."""

from __future__ import annotations

from dataclasses import dataclass

from bot.contract.card import Card, Media
from bot.contract.ports import Core

MOST_FILES = 10
MOST_BYTES = 25 * 2**20 - 64 * 1024
"""Of one request; its words need some too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """The outputs of one message."""

    media: tuple[Media, ...] = ()

    def has_room(self, media: Media) -> bool:
        """Whether it can take one more."""
        size = sum(each.size for each in self.media)
        return len(self.media) < MOST_FILES and size + media.size <= MOST_BYTES


async def pack(core: Core, card: Card, limit: int) -> tuple[list[Parcel], list[Media]]:
    """A card's outputs by message, each at most `limit` bytes, and those that can't be made so small."""
    parcels: list[Parcel] = []
    left_out: list[Media] = []
    for media in card.media:
        fitting = await core.fit(media, min(limit, MOST_BYTES))
        if fitting is None:
            left_out.append(media)
        elif parcels and parcels[-1].has_room(fitting):
            parcels[-1] = Parcel(media=(*parcels[-1].media, fitting))
        else:
            parcels.append(Parcel(media=(fitting,)))
    return parcels, left_out
