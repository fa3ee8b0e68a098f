"""Shows cards in messages: with the interaction's token while that lives, with the bot's own after that."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import discord
import structlog

from adapters.discord.draw import Drawing, draw, draw_media
from adapters.discord.order import Order
from adapters.discord.parcel import Parcel, pack
from adapters.discord.rates import Rates
from adapters.discord.refusals import (
    UNKNOWN_TOKEN_SECONDS,
    TooLarge,
    is_spent,
    is_unknown_token,
    translated,
)
from adapters.discord.where import Where
from bot.contract.card import Card, Media
from bot.contract.ports import Core
from bot.errors import AddressExpired, AddressGone, DeliveryError

log = structlog.get_logger(__name__)

T = TypeVar("T")

LEAST_BYTES = 4096
"""No picture is made smaller than that to be sent."""

BLANK = Card(state="note", title="")
NOBODY = discord.AllowedMentions.none()
FORBIDDEN = (50001, 50013, 50083, 160005)
"""The bot may not see the channel, or write there; the thread is archived or locked."""


class Post:
    """Sends, edits and deletes messages."""

    def __init__(self, client: discord.Client, core: Core) -> None:
        self._client = client
        self._core = core
        self._rates = Rates()

    def turn(self, where: Where, *, final: bool, left: float | None = None) -> float:
        """Use one edit; or the seconds until there may be one. Those with an interaction's token count by message.

        `left` is in how many seconds its end is likely.
        """
        if where.message is None:
            return 0.0
        lasting = where.token_at(time.time()) is None
        counted = where.channel if lasting else where.message
        return self._rates.turn(counted, final=final, message=where.message, left=left)

    async def show(self, where: Where, card: Card) -> Where | None:
        """Make the message show the card. Its address if that changed.

        Raises `AddressGone`, `AddressExpired`, `SlowDown`.
        """
        now_at = where
        while True:
            parcels, left_out = await pack(self._core, card, now_at)
            try:
                now_at = await self._shown(now_at, card, parcels, left_out)
            except TooLarge as error:
                heaviest = max((parcel.size for parcel in parcels), default=0)
                if heaviest < LEAST_BYTES:
                    raise
                now_at = now_at.smaller(heaviest)
                log.info("files were too large after all", bytes=heaviest, detail=str(error))
            else:
                return now_at if now_at != where else None

    async def _shown(
        self, where: Where, card: Card, parcels: Sequence[Parcel], left_out: Sequence[Media]
    ) -> Where:
        line = self._core.left_out(left_out) if left_out else ()
        first = parcels[0] if parcels else Parcel()
        shown = await self._first(where, card, lambda: draw(card, first.media, line))
        now_at = shown
        for number, parcel in enumerate(parcels[1:]):
            if number >= len(where.parts):
                now_at = await self._part(now_at, card, parcel, number)
        return now_at

    async def remove(self, where: Where) -> None:
        """Take the message and what belongs to it away."""
        sent_by_bot = where.without_token() if where.lasting else where
        for part in where.parts:
            await self._remove(sent_by_bot, part)
        if where.message is not None:
            await self._remove(where, where.message)

    async def found(self, where: Where) -> Where:
        """The address with the message that an acknowledgement made. Raises `discord.HTTPException`."""
        token = where.token_at(time.time())
        if where.message is not None or token is None:
            return where
        original = await self._client.http.request(
            discord.http.Route(
                "GET",
                "/webhooks/{application_id}/{interaction_token}/messages/@original",
                application_id=token[0],
                interaction_token=token[1],
            )
        )
        return replace(where, message=int(original["id"]))

    async def answer(self, order: Order, card: Card) -> None:
        """Answer once; nothing is tried again."""
        try:
            await self.show(order.where, card)
        except (AddressGone, AddressExpired, discord.HTTPException) as error:
            log.warning("an answer could not be given", order=order.key, detail=str(error))

    async def refuse(self, order: Order, card: Card) -> None:
        """Tell the asker alone why nothing comes of it. What was promised to all is taken back."""
        token = order.where.token_at(time.time())
        if order.private or token is None:
            await self.answer(order, card)
            return
        webhook = self._webhook(token)
        try:
            if order.where.message is not None:  # a follow-up before the first edit would be that edit
                await self._edit(webhook, order.where.message, draw(BLANK, ()))
            await webhook.send(view=draw(card, ()).view, ephemeral=True, allowed_mentions=NOBODY)
            if order.where.message is not None:
                await webhook.delete_message(order.where.message)
        except discord.HTTPException as error:
            log.warning("a refusal could not be told", order=order.key, detail=str(error))

    async def _first(self, where: Where, card: Card, drawn: Callable[[], Drawing]) -> Where:
        message = where.message
        if message is None:
            return await self._sent(where, drawn())
        token = where.token_at(time.time())
        if token is not None:
            try:
                with self._rates.asking(message):
                    await self._edit(self._webhook(token), message, drawn())
            except discord.HTTPException as error:
                if not is_spent(error):
                    raise translated(error) from error
                where = where.without_token()
            else:
                return where
        if not where.lasting:
            raise AddressExpired("only a press brings a new token")
        return await self._by_right(where, message, drawn)

    async def _by_right(self, where: Where, message: int, drawn: Callable[[], Drawing]) -> Where:
        """Edit with the bot's own token; where that is not allowed any more, go on in private."""
        self._rates.check()
        channel = self._client.get_partial_messageable(where.channel, guild_id=where.guild)
        try:
            with self._rates.asking(where.channel):
                await self._edit_own(channel.get_partial_message(message), drawn())
        except discord.HTTPException as error:
            if error.code not in FORBIDDEN:
                raise self._own(error) from error
            log.warning("the channel is closed to the bot; going on in private", channel=where.channel)
            return await self._in_private(where, drawn())
        return where

    async def _in_private(self, where: Where, drawing: Drawing) -> Where:
        """Tell the asker in a conversation of their own."""
        self._rates.check()
        try:
            channel = await self._client.create_dm(discord.Object(where.user))
            private = replace(
                where,
                channel=channel.id,
                guild=None,
                message=None,
                reply=None,
                nonce=str(where.message),
                parts=(),
            )
            return await self._sent(private.without_token(), drawing)
        except discord.HTTPException as error:
            raise AddressGone(str(error)) from error

    async def _sent(self, where: Where, drawing: Drawing) -> Where:
        """Send a message of the bot's own. Its nonce keeps a crash from making two."""
        self._rates.check()
        channel = self._client.get_partial_messageable(where.channel, guild_id=where.guild)
        more: dict[str, Any] = {"nonce": where.nonce} if where.nonce else {}
        if where.reply is not None:
            more["reference"] = discord.MessageReference(
                message_id=where.reply, channel_id=where.channel, fail_if_not_exists=False
            )
        try:
            message = await channel.send(
                view=drawing.view, files=drawing.files, allowed_mentions=NOBODY, mention_author=False, **more
            )
        except discord.HTTPException as error:
            raise self._own(error) from error
        return replace(where, message=message.id)

    async def _part(self, where: Where, card: Card, parcel: Parcel, number: int) -> Where:
        """A further message with what the first has no room for."""
        drawing = draw_media(parcel.media, card)
        if where.lasting:
            answer = replace(where, reply=where.message, nonce=f"{where.message}-{number}{where.fitted}")
            made = (await self._sent(answer, drawing)).message
        else:
            made = await self._followed(where, drawing)
        return replace(where, parts=(*where.parts, made or 0))

    async def _followed(self, where: Where, drawing: Drawing) -> int:
        token = where.token_at(time.time())
        if token is None:
            raise AddressExpired("only a press brings a new token")
        sending = self._webhook(token).send(
            view=drawing.view,
            files=drawing.files,
            allowed_mentions=NOBODY,
            ephemeral=where.private,
            wait=True,
        )
        return (await _asking(sending)).id

    async def _remove(self, where: Where, message: int) -> None:
        token = where.token_at(time.time())
        if token is not None:
            await _asking(self._webhook(token).delete_message(message))
        elif where.lasting:
            channel = self._client.get_partial_messageable(where.channel, guild_id=where.guild)
            await _asking(channel.get_partial_message(message).delete())
        else:
            raise AddressExpired("only a press brings a new token")

    def _webhook(self, token: tuple[int, str]) -> discord.Webhook:
        webhook = discord.Webhook.partial(token[0], token[1], client=self._client)
        webhook.type = discord.WebhookType.application  # only those may answer one person alone
        return webhook

    def _own(self, error: discord.HTTPException) -> DeliveryError | discord.HTTPException:
        """What an answer to the bot's own token means."""
        if is_unknown_token(error):
            self._rates.shut(UNKNOWN_TOKEN_SECONDS)
        return translated(error)

    async def _edit(self, webhook: discord.Webhook, message: int, drawing: Drawing) -> None:
        await webhook.edit_message(
            message, view=drawing.view, attachments=drawing.files, allowed_mentions=NOBODY
        )

    async def _edit_own(self, message: discord.PartialMessage, drawing: Drawing) -> None:
        await message.edit(view=drawing.view, attachments=drawing.files, allowed_mentions=NOBODY)


async def _asking(request: Awaitable[T]) -> T:
    try:
        return await request
    except discord.HTTPException as error:
        raise translated(error) from error
