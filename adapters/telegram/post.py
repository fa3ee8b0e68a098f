"""Shows cards in messages. All that the bot sends or edits goes through here, so that it keeps to Telegram's pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import structlog
from telegram import Bot, ForceReply, InlineKeyboardMarkup, Message, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, RetryAfter, TelegramError

from adapters.telegram.draw import MOST_CAPTION, MOST_TEXT, fitting, keyboard, pages
from adapters.telegram.parcel import MOST_FILE, MOST_LOCAL_FILE, ROOM, Kind, Parcel, Shown, pack, read
from adapters.telegram.rates import Rates
from adapters.telegram.refusals import (
    NO_CAPTION,
    NO_PHOTO,
    NO_TEXT,
    UNCHANGED,
    says,
    seconds,
    translated,
)
from adapters.telegram.where import Where
from bot.contract.card import Card, Media
from bot.contract.ports import Core
from bot.contract.values import JobState
from bot.errors import AddressGone, SlowDown

log = structlog.get_logger(__name__)

T = TypeVar("T")
Markup = InlineKeyboardMarkup | ForceReply | None

SENT = "sent:"
"""What was sent of a card, noted for a process that is killed before it can say so."""

TRIES = 5
"""How often an answer is tried when Telegram asks for a pause."""


class Post:
    """Sends, edits and deletes messages."""

    def __init__(self, bot: Bot, core: Core) -> None:
        self._bot = bot
        self._core = core
        self._rates = Rates()
        self._most = (MOST_LOCAL_FILE if bot.local_mode else MOST_FILE) - ROOM

    def turn(self, where: Where, *, final: bool, left: float | None = None) -> float:
        """Use one send or edit; or the seconds until there may be one. `left` is when its end is likely."""
        if where.message is None:
            return self._rates.turn(where.chat, final=True)
        return self._rates.turn(where.chat, final=final, message=where.message, left=left)

    async def show(self, where: Where, card: Card) -> Where | None:
        """Make the message show the card. Its address if that changed. Raises `AddressGone`, `SlowDown`."""
        try:
            return await self._show(where, card)
        except ChatMigrated as error:  # a group that became a supergroup has none of its messages any more
            log.info("a group has moved", chat=where.chat, to=error.new_chat_id)
            return await self._show(Where(chat=error.new_chat_id), card)

    async def _show(self, where: Where, card: Card) -> Where | None:
        final = _is_final(card)
        there = where
        if where.message is None and (card.media or card.preview is not None):
            there = await self._first(where, card)
            if not final:
                return there
        parcel = await pack(self._core, card, self._most)
        shown = await self._main(there, card, parcel)
        now_at = await self._parts(shown, card, parcel) if final else shown
        return now_at if now_at != where else None

    async def remove(self, where: Where) -> None:
        """Take the message and what belongs to it away."""
        for message in (*where.parts, where.message):
            if message is not None:
                await self._rates.wait(where.chat)
                await self._asking(where.chat, self._bot.delete_message(where.chat, message))

    async def say(self, where: Where, card: Card, markup: Markup = None, mention: str = "") -> int | None:
        """Answer `where.reply`, in several messages if need be. The last one's id; None if it can't be told."""
        texts = pages(card)
        texts[0] = mention + texts[0]
        said: int | None = None
        for number, text in enumerate(texts):
            last = number == len(texts) - 1
            said = await self._told(where, text, markup if last else None)
        return said

    async def files(self, where: Where, media: Sequence[Media]) -> None:
        """Send outputs as they are."""
        fitted = [(each, await self._core.fit(each, self._most)) for each in media]
        for _, file in fitted:
            if file is not None:
                shown = await read(file, Kind.DOCUMENT)
                await self._patiently(where, partial(self._send, where, "", None, shown))
        left_out = [each for each, file in fitted if file is None]
        if left_out:
            await self.say(where, Card(state="note", title="", body=(self._core.left_out(left_out),)))

    async def answer_press(self, press: str, text: str | None) -> bool:
        """End the waiting of whoever pressed; whether they could still be told."""
        try:
            await self._bot.answer_callback_query(press, text=text, show_alert=text is not None)
        except BadRequest as error:
            log.info("a press can't be answered any more", detail=error.message)
            return False
        except TelegramError as error:
            log.warning("a press could not be answered", detail=error.message)
            return False
        return True

    async def edit_note(self, where: Where, text: str, markup: Markup) -> None:
        """Change an answer of ours."""
        assert where.message is not None, "it was sent"
        await self._rates.wait(where.chat)
        with self._rates.asking(where.chat):
            await self._changed(self._edit_text(where, where.message, text, markup))

    async def _first(self, where: Where, card: Card) -> Where:
        """The first message has words alone, and is noted before a picture is put there.

        Telegram's sends have no key: what was sent as the process was killed is sent again, and that must never
        be a second picture.
        """
        there = await self._begun(where, card)
        if there.message is None:
            final = _is_final(card)
            words = replace(card, media=(), preview=None, actions=() if final else card.actions)
            there = await self._main(where, words, Parcel())
            if final:
                await self._note(there, card)
                await self._rates.wait(where.chat)
        return there

    async def _begun(self, where: Where, card: Card) -> Where:
        """Where a card was begun to be shown, if that was noted here and nowhere else."""
        name = self._noted_as(card)
        kept = (await self._core.recall(name)).get(name)
        there = where if kept is None else Where.of(kept["where"])
        return there if where.message in (None, there.message) else where

    async def _note(self, where: Where, card: Card) -> None:
        kept = {"where": where.address(), "at": time.time()}
        await self._core.remember(self._noted_as(card), kept)

    def _noted_as(self, card: Card) -> str:
        """By the job that the card is of."""
        refs = [self._core.about(action.id) for action in card.actions]
        return SENT + next((str(ref.job) for ref in refs if ref is not None), "")

    async def _main(self, where: Where, card: Card, parcel: Parcel, *, again: bool = True) -> Where:
        line = self._core.left_out(parcel.left_out) if parcel.left_out else ()
        most = MOST_CAPTION if parcel.first is not None or where.media else MOST_TEXT
        text = pages(card, most, line)[0] if _is_final(card) else fitting(card, most, line)
        markup, first = keyboard(self._buttons(card)), parcel.first
        try:
            return await self._asking(where.chat, self._placed(where, text, markup, first))
        except BadRequest as error:
            if again and says(error, NO_TEXT, NO_CAPTION):  # an edit was made, and not noted any more
                return await self._main(replace(where, media=not where.media), card, parcel, again=False)
            if first is None or first.kind is Kind.DOCUMENT or not says(error, *NO_PHOTO):
                raise
            log.info("a file is shown as a document", detail=error.message)
            return await self._asking(where.chat, self._placed(where, text, markup, first.as_document()))

    def _buttons(self, card: Card) -> Sequence[Any]:
        """The card's own, and one for its files as they were made, before the last."""
        originals = self._core.originals(card)
        return (*card.actions[:-1], originals, *card.actions[-1:]) if originals else card.actions

    async def _placed(self, where: Where, text: str, markup: Markup, shown: Shown | None) -> Where:
        if where.message is None:
            sent = await self._send(where, text, markup, shown)
            return replace(where, message=sent.message_id, media=shown is not None)
        if shown is not None:
            await self._changed(
                self._bot.edit_message_media(
                    shown.media(text),
                    chat_id=where.chat,
                    message_id=where.message,
                    reply_markup=_inline(markup),
                )
            )
            return replace(where, media=True)
        edit = self._edit_caption if where.media else self._edit_text
        await self._changed(edit(where, where.message, text, markup))
        return where

    async def _edit_text(self, where: Where, message: int, text: str, markup: Markup) -> None:
        await self._bot.edit_message_text(
            text, where.chat, message, parse_mode="HTML", reply_markup=_inline(markup)
        )

    async def _edit_caption(self, where: Where, message: int, text: str, markup: Markup) -> None:
        await self._bot.edit_message_caption(
            where.chat, message, caption=text, parse_mode="HTML", reply_markup=_inline(markup)
        )

    async def _parts(self, where: Where, card: Card, parcel: Parcel) -> Where:
        """What has no place in the card's message: other files, and words beyond a caption."""
        line = self._core.left_out(parcel.left_out) if parcel.left_out else ()
        answer = replace(where, reply=where.message, message=None)
        sends: list[Callable[[], Awaitable[Message]]] = [
            partial(self._send, answer, text, None, None)
            for text in pages(card, MOST_CAPTION if where.media else MOST_TEXT, line)[1:]
        ]
        for media in parcel.more:
            sends.append(partial(self._send_file, answer, media))
        if len(sends) > len(where.parts):
            where = replace(where, parts=(await self._begun(where, card)).parts)
        for send in sends[len(where.parts) :]:
            sent = await self._patiently(where, send)
            if sent is not None:
                where = replace(where, parts=(*where.parts, sent.message_id))
                await self._note(where, card)
        return where

    async def _send_file(self, where: Where, media: Media) -> Message:
        kind = Kind.AUDIO if media.media_type.startswith("audio/m") else Kind.DOCUMENT
        return await self._send(where, "", None, await read(media, kind))

    async def _send(self, where: Where, text: str, markup: Markup, shown: Shown | None) -> Message:
        common: dict[str, Any] = {"message_thread_id": where.thread, "reply_markup": markup}
        if where.reply is not None:
            common["reply_parameters"] = ReplyParameters(where.reply, allow_sending_without_reply=True)
        if shown is None:
            return await self._bot.send_message(where.chat, text, parse_mode="HTML", **common)
        if text:
            common |= {"caption": text, "parse_mode": "HTML"}
        data, name = shown.data, shown.name
        match shown.kind:
            case Kind.PHOTO:
                common["has_spoiler"] = shown.spoiler
                return await self._bot.send_photo(where.chat, data, filename=name, **common)
            case Kind.VIDEO:
                common |= {"has_spoiler": shown.spoiler, "supports_streaming": True, **shown.of_film}
                return await self._bot.send_video(where.chat, data, filename=name, **common)
            case Kind.ANIMATION:
                common["has_spoiler"] = shown.spoiler
                return await self._bot.send_animation(where.chat, data, filename=name, **common)
            case Kind.AUDIO:
                return await self._bot.send_audio(where.chat, data, filename=name, **common)
            case Kind.DOCUMENT:
                return await self._bot.send_document(
                    where.chat, data, filename=name, disable_content_type_detection=True, **common
                )

    async def _told(self, where: Where, text: str, markup: Markup) -> int | None:
        sent = await self._patiently(where, partial(self._send, where, text, markup, None))
        return None if sent is None else sent.message_id

    async def _patiently(self, where: Where, send: Callable[[], Awaitable[Message]]) -> Message | None:
        """Send what nobody will ask for again: through pauses, and given up only if the chat is closed."""
        for _ in range(TRIES):
            await self._rates.wait(where.chat)
            try:
                return await self._asking(where.chat, send())
            except SlowDown as error:
                await asyncio.sleep(error.retry_after)
            except (AddressGone, TelegramError) as error:
                log.warning("an answer could not be given", chat=where.chat, detail=str(error))
                return None
        return None

    async def _asking(self, chat: int, request: Awaitable[T]) -> T:
        try:
            with self._rates.asking(chat):
                return await request
        except RetryAfter as error:
            self._rates.pause(chat, seconds(error))
            raise translated(error) from error
        except TelegramError as error:
            raise translated(error) from error

    async def _changed(self, edit: Awaitable[object]) -> None:
        """An edit; one that changes nothing is made already."""
        try:
            await edit
        except BadRequest as error:
            if not says(error, UNCHANGED):
                raise


def _inline(markup: Markup) -> InlineKeyboardMarkup | None:
    return markup if isinstance(markup, InlineKeyboardMarkup) else None


def _is_final(card: Card) -> bool:
    return card.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
