"""What people write and press on Telegram, made into orders."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import structlog
from telegram import Bot, CallbackQuery, Chat, ExternalReplyInfo, Message, Update, User

from adapters.telegram.albums import Albums
from adapters.telegram.chiefs import Chiefs
from adapters.telegram.desk import Desk, note
from adapters.telegram.forms import CHOOSE, FORM, KEPT_SECONDS, TURN, Half, matching
from adapters.telegram.order import File, Order
from adapters.telegram.pictures import buttons, files, pictures
from adapters.telegram.post import SENT
from adapters.telegram.settings import PLATFORM, TelegramSettings
from adapters.telegram.where import Where
from bot.contract.files import IMAGE, useful
from bot.contract.levels import Level
from bot.contract.line import read_line
from bot.contract.values import Actor, Command, OutputRef
from bot.errors import NotListed, Stale

log = structlog.get_logger(__name__)

MOVED = "moved:"
TOLD_SECONDS = 600.0
"""A stranger is told once in so long."""

_COMMAND = re.compile(r"\s*/(\w+)(?:@(\w+))?(?=\s|$)")


class Talk:
    """Makes orders of updates."""

    def __init__(self, bot: Bot, desk: Desk, settings: TelegramSettings) -> None:
        self._bot = bot
        self._desk = desk
        self._core = desk.core
        self._settings = settings
        self._told: dict[int, float] = {}
        self._homes: dict[int, int] = {}
        self._chiefs = Chiefs(bot)
        self.albums = Albums(desk.core, self._written)

    async def resume(self) -> None:
        """Take up what an earlier process left, and let go of questions that nobody answered."""
        kept = {**await self._core.recall(FORM), **await self._core.recall(SENT)}
        old = [name for name, value in kept.items() if value["at"] < time.time() - KEPT_SECONDS]
        if old:
            await self._core.forget(*old)
        self._homes = {
            int(name.removeprefix(MOVED)): int(kept["home"])
            for name, kept in (await self._core.recall(MOVED)).items()
        }
        await self._desk.resume()
        await self.albums.resume(self._bot)

    async def update(self, update: Update) -> None:
        """Something happened; what comes of it is noted when this returns."""
        if update.message is not None:
            await self._message(update.message)
        elif update.callback_query is not None:
            await self._pressed(update.callback_query)

    async def _message(self, message: Message) -> None:
        if message.migrate_to_chat_id is not None:
            await self._moved(message.chat.id, message.migrate_to_chat_id)
            return
        if message.from_user is None or message.from_user.is_bot:
            return
        if message.media_group_id is not None and await self._serves(message.from_user, message.chat.id):
            await self.albums.add(message)
        else:
            await self._written([message])

    async def _written(self, messages: Sequence[Message]) -> None:
        """A message, or all of an album."""
        first = messages[0]
        text = next((m.text or m.caption for m in messages if m.text or m.caption), "") or ""
        half = await self._half(first)
        if first.from_user is None or not self._is_for_us(first, text, half):
            return
        if not await self._serves(first.from_user, first.chat.id):
            await self._turn_away(first)
            return
        order = self._order(messages, text, await self._roles(first.from_user, first.chat))
        if half is not None and not order.command:
            await self._answered(first, half, order)
        elif order.command or order.values or any(file.sort == IMAGE for file in order.files):
            await self._desk.take(order)

    async def _roles(self, user: User, chat: Chat) -> tuple[str, ...]:
        """What somebody is in a group, where a level depends on that."""
        matters = any(role.startswith(PLATFORM + "-") for role in self._core.roles())
        if chat.type == chat.PRIVATE or not matters:
            return ()
        return await self._chiefs.roles(user.id, chat.id, self._home(chat.id))

    def _order(self, messages: Sequence[Message], text: str, roles: tuple[str, ...]) -> Order:
        first = messages[0]
        assert first.from_user is not None, "it was looked at"
        line = read_line(self._without_mention(text), self._core.commands())
        command = self._desk.command("help" if line.command == "start" else line.command)
        takes = files if command is not None and command.takes_any_file else pictures
        ref, replied = self._replied(first, takes)
        own = tuple(file for message in messages for file in takes(message))
        name = command.name if command is not None else line.command
        taker = self._desk.command(name) if name else self._edit()
        return Order(
            event=f"{first.chat.id}:{first.media_group_id or first.message_id}",
            key=f"{PLATFORM}:{first.chat.id}:{first.media_group_id or first.message_id}",
            user=first.from_user.id,
            name=first.from_user.full_name,
            where=_answer_to(first),
            home=self._home(first.chat.id),
            command=name or self._edits(line.values, own, replied, ref),
            values=line.values,
            files=(*useful(taker, replied, own, reply=ref is not None), *own),
            reply=None if ref is None else (str(ref.job), ref.index),
            spoiler=line.spoiler or any(message.has_media_spoiler for message in messages),
            roles=roles,
            title=first.chat.title or "",
        )

    def _edits(
        self,
        values: Mapping[str, object],
        own: Sequence[File],
        replied: Sequence[File],
        ref: OutputRef | None,
    ) -> str:
        """A picture without any words is asked about; with words the core knows what to do."""
        pictures = [file for file in (*own, *replied) if file.sort == IMAGE]
        if values or not (pictures or ref):
            return ""
        edit = self._edit()
        return "" if edit is None else edit.name

    def _edit(self) -> Command | None:
        menu = next((menu for menu in self._core.menus() if menu.name == "edit"), None)
        return menu.commands[0] if menu is not None and menu.commands else None

    async def _answered(self, message: Message, half: Half, answer: Order) -> None:
        """What was asked for."""
        replied = message.reply_to_message
        if half.order.user != answer.user or replied is None:
            return
        words = str(answer.values.get("prompt", ""))
        if half.choices and words not in half.choices:
            found = matching(half.choices, words)
            if len(found) != 1:
                where = replace(half.order.where, message=replied.message_id)
                self._desk.spawn(self._desk.narrow(where, half, found or half.choices))
                return
            answer = replace(answer, values={"prompt": found[0]})
        await self._desk.take(half.filled(answer))

    async def _pressed(self, query: CallbackQuery) -> None:
        """A button. The message with it may be too old to be read, but says where it is."""
        message = query.message
        if message is None or query.data is None:
            await self._desk.rest(query.id)
            return
        if not await self._serves(query.from_user, message.chat.id):
            await self._desk.rest(query.id, str(self._not_listed(query.from_user, message.chat.id)))
            return
        thread = (
            message.message_thread_id if isinstance(message, Message) and message.is_topic_message else None
        )
        order = Order(
            event=f"press:{query.id}",
            key=f"{PLATFORM}:{query.from_user.id}:{query.data}",
            user=query.from_user.id,
            name=query.from_user.full_name,
            where=Where(chat=message.chat.id, thread=thread, reply=message.message_id),
            home=self._home(message.chat.id),
            action=query.data,
            press=query.id,
            roles=await self._roles(query.from_user, message.chat),
            title=message.chat.title or "",
        )
        if query.data.startswith((CHOOSE, TURN)):
            await self._chosen(query.id, message.message_id, query.data, order)
        else:
            await self._desk.take(order)

    async def _chosen(self, press: str, message: int, data: str, order: Order) -> None:
        """A button of a list of choices."""
        half = await self._desk.half(order.where.chat, message)
        verb, _, number = data.partition(":")
        if half is None or half.order.user != order.user or not number.isdecimal():
            await self._desk.rest(press, str(Stale()))
            return
        self._desk.spawn(self._desk.rest(press))
        if f"{verb}:" == TURN:
            here = replace(half.order.where, message=message)
            self._desk.spawn(self._desk.turn(here, half, int(number)))
        elif int(number) < len(half.choices):
            key = f"{PLATFORM}:{order.where.chat}:{message}"
            where = replace(half.order.where, message=None)
            await self._desk.take(half.chosen(int(number), replace(order, key=key, where=where)))

    async def _half(self, message: Message) -> Half | None:
        """The half-asked command that a message answers."""
        replied = message.reply_to_message
        if replied is None or replied.from_user is None or replied.from_user.id != self._bot.id:
            return None
        return await self._desk.half(message.chat.id, replied.message_id)

    def _replied(
        self, message: Message, takes: Callable[[Message | ExternalReplyInfo], Iterator[File]] = pictures
    ) -> tuple[OutputRef | None, tuple[File, ...]]:
        """What a message replies to: an output of ours, or pictures, or whatever else the command takes."""
        replied = message.reply_to_message
        if replied is None:
            elsewhere = message.external_reply
            return None, () if elsewhere is None else tuple(takes(elsewhere))
        if replied.from_user is not None and replied.from_user.id == self._bot.id:
            for button in buttons(replied):
                ref = self._core.about(button)
                if ref is not None:
                    return ref, ()
        return None, self.albums.around(replied) or tuple(takes(replied))

    def _is_for_us(self, message: Message, text: str, half: Half | None) -> bool:
        """In a group: commands that we have, mentions, and answers to our pictures and questions."""
        command = _COMMAND.match(text)
        if command is not None and command[2] is not None:
            return command[2].casefold() == self._bot.username.casefold()
        if message.chat.type == message.chat.PRIVATE or half is not None:
            return True
        if command is not None:
            return command[1] == "start" or self._desk.knows(command[1])
        ours = self._replied(message)[0] is not None
        return bool(ours and text) or self._mention().search(text) is not None

    def _mention(self) -> re.Pattern[str]:
        return re.compile(rf"(?<!\w)@{re.escape(self._bot.username)}\b", re.IGNORECASE)

    def _without_mention(self, text: str) -> str:
        return text if _COMMAND.match(text) else self._mention().sub(" ", text).strip()

    async def _serves(self, user: User, chat: int) -> bool:
        chat = self._home(chat)
        who = Actor(platform=PLATFORM, external_id=str(user.id), name=user.full_name)
        if self._settings.serves(user.id, chat) or await self._core.let_in(str(user.id), str(chat)):
            return True
        return await self._core.level(who) is Level.ADMIN

    async def _moved(self, old: int, new: int) -> None:
        """A group became a supergroup, under another id: it stays the same place, served as before."""
        self._homes[new] = home = self._home(old)
        await self._core.remember(f"{MOVED}{new}", {"home": home})

    def _home(self, chat: int) -> int:
        """The id that a chat had when it was first met."""
        return self._homes.get(chat, chat)

    async def _turn_away(self, message: Message) -> None:
        """Tell a stranger who they are for the bot, once in a while."""
        user, now = message.from_user, asyncio.get_running_loop().time()
        if user is None or self._told.get(user.id, 0.0) > now:
            return
        self._told = {who: until for who, until in self._told.items() if until > now}
        self._told[user.id] = now + TOLD_SECONDS
        where = _answer_to(message)
        self._desk.spawn(self._desk.say(where, note(self._not_listed(user, message.chat.id))))

    def _not_listed(self, user: User, chat: int) -> NotListed:
        return NotListed(str(user.id), str(chat) if chat != user.id else None, "TELEGRAM_ALLOWED")


def _answer_to(message: Message) -> Where:
    """The message that will answer this one."""
    thread = message.message_thread_id if message.is_topic_message else None
    return Where(chat=message.chat.id, thread=thread, reply=message.message_id)
