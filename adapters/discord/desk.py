"""Takes what people do on Discord to the core, and its answers back.

Everything is acknowledged first, within Discord's three seconds, and noted before it is: an order that a killed
process had taken is carried out by the next one, in the message that was promised.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import discord
import structlog

from adapters.discord.draw import draw
from adapters.discord.order import File, Order, place_of
from adapters.discord.pictures import Reader
from adapters.discord.post import NOBODY, Post
from adapters.discord.standing import for_adults, name_of, roles_of, within
from adapters.discord.where import TOKEN_SECONDS, Where
from bot.contract.card import Card
from bot.contract.ports import Core
from bot.contract.values import Answer, Ask, OutputRef, Said, Started, Turned
from bot.errors import Unexpected, UserError

log = structlog.get_logger(__name__)

Interaction = discord.Interaction[Any]

NOTE_SECONDS = 1.0
"""How long an acknowledgement waits for its note: being in time matters more."""

AT_ONCE = 32
"""Orders that are carried out side by side: those share a commit. More would all be done late, the first ones too."""

EVENT = "event:"
TOO_LATE, TAKEN = 10062, 40060
"""Discord's answers to an acknowledgement: after three seconds; somebody else's was first."""


class Desk:
    """Carries out orders and answers presses."""

    def __init__(self, core: Core, post: Post, reader: Reader) -> None:
        self.core = core
        self._post = post
        self._reader = reader
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def resume(self) -> None:
        """Carry out what an earlier process had noted and not finished."""
        for name, kept in (await self.core.recall(EVENT)).items():
            order = Order.of(kept)
            try:
                where = await self._post.found(order.where)
            except discord.HTTPException as error:
                log.info("an order can't be answered any more", order=name, detail=str(error))
                await self.core.forget(name)
            else:
                await self._carry_out(replace(order, where=where))

    async def take(self, interaction: Interaction, order: Order) -> None:
        """Note, acknowledge, carry out."""
        await self._note(order)
        try:
            answered = await interaction.response.defer(thinking=True, ephemeral=order.private)
        except discord.HTTPException as error:
            await self.core.forget(EVENT + order.event)
            if error.code not in (TOO_LATE, TAKEN):
                raise
            log.warning("an interaction was not acknowledged in time", order=order.key)
            return
        assert answered is not None, "commands, buttons and forms can all be deferred"
        private = order.private or answered.is_ephemeral()
        where = replace(
            order.where,
            message=answered.message_id,
            private=private,
            lasting=order.where.lasting and not private,
        )
        await self._carry_out(replace(order, where=where))

    async def take_message(self, order: Order) -> None:
        """Note and carry out what was written in a chat: nothing is to be acknowledged."""
        await self._note(order)
        await self._carry_out(order)

    async def make(self, interaction: Interaction, action: str) -> None:
        """A press that makes something of its own; the same button twice is one request."""
        order = blank_order(interaction, private=_is_private(interaction))
        key = f"discord:{interaction.user.id}:{action}"
        await self.take(interaction, replace(order, key=key, action=action))

    async def change(self, interaction: Interaction, action: str) -> None:
        """A press that changes the message with the button."""
        await interaction.response.defer()
        try:
            answer = await self._act_here(interaction, action)
        except UserError as error:
            await self.say(interaction, note(error))
        else:
            if isinstance(answer, Turned):
                await interaction.edit_original_response(
                    view=draw(answer.card, ()).view, allowed_mentions=NOBODY
                )

    async def tell(self, interaction: Interaction, action: str) -> None:
        """A press that is answered to the presser alone."""
        await interaction.response.defer(thinking=True, ephemeral=True)
        await self.say(interaction, await _told(self._said(interaction, action)))

    async def question(self, interaction: Interaction, action: str) -> Ask | None:
        """A press that asks for words: what for, or None if the presser was told why not."""
        try:
            answer = await self._act_here(interaction, action)
        except UserError as error:
            await self.say(interaction, note(error))
            return None
        return answer if isinstance(answer, Ask) else None

    async def inspect(self, interaction: Interaction, subject: OutputRef | File) -> None:
        """Tell what is known of a picture: of the core's own, or of a file."""
        await interaction.response.defer(thinking=True, ephemeral=True)
        picture = subject.attachment(self._reader.read) if isinstance(subject, File) else subject
        place = place_of(interaction.channel_id or 0)
        await self.say(interaction, await _told(self.core.inspect(place, picture)))

    async def say(self, interaction: Interaction, card: Card) -> None:
        """Show a card to one person alone."""
        view = draw(card, ()).view
        if interaction.response.is_done():
            await interaction.followup.send(view=view, ephemeral=True, allowed_mentions=NOBODY)
        else:
            await interaction.response.send_message(view=view, ephemeral=True, allowed_mentions=NOBODY)

    async def _act_here(self, interaction: Interaction, action: str) -> Answer:
        order = blank_order(interaction, private=_is_private(interaction))
        message = interaction.message
        where = order.where if message is None else replace(order.where, message=message.id)
        return await self.core.act(replace(order.press(action), renewed=where.address()))

    async def _said(self, interaction: Interaction, action: str) -> Card:
        answer = await self.core.act(blank_order(interaction, private=True).press(action))
        assert isinstance(answer, Said), f"{action} was to be answered aside"
        return answer.card

    async def _note(self, order: Order) -> None:
        noting = asyncio.ensure_future(self.core.remember(EVENT + order.event, order.kept()))
        done, _ = await asyncio.wait({noting}, timeout=NOTE_SECONDS)
        if not done:
            log.warning("acknowledged before it was noted", order=order.key)

    async def _carry_out(self, order: Order) -> None:
        try:
            answer = await self._asked(order)
        except UserError as error:
            await self._post.refuse(order, note(error))
        except Exception:  # an adapter's callback: logged, and said in words
            log.exception("an order failed", order=order.key)
            await self._post.refuse(order, note(Unexpected()))
        else:
            await self._answer(order, answer)
        await self.core.forget(EVENT + order.event)

    async def _asked(self, order: Order) -> Answer:
        if order.images or order.files:  # these wait for the network, not for each other
            return await self.core.invoke(order.invocation(self._reader.read))
        async with self._turn:
            return await self._asked_without_files(order)

    async def _asked_without_files(self, order: Order) -> Answer:
        if order.action is None:
            return await self.core.invoke(order.invocation(self._reader.read))
        answer = await self.core.act(order.press(order.action))
        if isinstance(answer, Started) and answer.address is None:  # what it made was deleted: make it anew
            answer = await self.core.act(replace(order, key=f"discord:{order.event}").press(order.action))
        return answer

    async def _answer(self, order: Order, answer: Answer) -> None:
        match answer:
            case Said(card=card) | Turned(card=card):
                await self._post.answer(order, card)
            case Started(existing=True, address=address) if address is not None:
                there = Where.of(address)
                if there.message != order.where.message:
                    await self._post.refuse(order, self.core.existing(there.url))
            case _:
                pass  # the message itself shows what comes of it


def note(error: UserError) -> Card:
    """An error as a card."""
    return Card(state="note", title=str(error))


def blank_order(interaction: Interaction, *, private: bool) -> Order:
    """An order of whoever interacts, without what is to be done."""
    return Order(
        event=str(interaction.id),
        key=f"discord:{interaction.id}",
        user=interaction.user.id,
        name=interaction.user.display_name,
        place=interaction.channel_id or 0,
        where=_where(interaction, private=private),
        private=private,
        roles=roles_of(interaction.user),
        within=within(interaction.channel, interaction.guild_id),
        channel=name_of(interaction.channel),
        for_adults=for_adults(interaction.channel),
    )


def _where(interaction: Interaction, *, private: bool) -> Where:
    """The message that an interaction's answer will be."""
    return Where(
        channel=interaction.channel_id or 0,
        guild=interaction.guild_id,
        application=interaction.application_id,
        token=interaction.token,
        until=time.time() + TOKEN_SECONDS,
        lasting=_stays(interaction) and not private,
        private=private,
        limit=interaction.filesize_limit,
        user=interaction.user.id,
    )


def _stays(interaction: Interaction) -> bool:
    """Whether the bot itself is where this happens, not only somebody who carries it along."""
    carried = interaction.is_user_integration() and not interaction.is_guild_integration()
    return not carried or interaction.context.dm_channel


def _is_private(interaction: Interaction) -> bool:
    return interaction.message is not None and interaction.message.flags.ephemeral


async def _told(asking: Awaitable[Card]) -> Card:
    try:
        return await asking
    except UserError as error:
        return note(error)
