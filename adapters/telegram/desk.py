"""Takes what people do on Telegram to the core, and its answers back.

Every order is noted before Telegram is told that it arrived: one that a killed process had taken is carried out by
the next, and one that Telegram delivers twice is carried out once.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import replace

import structlog

from adapters.telegram.draw import MOST_POPUP, MOST_TEXT, escaped, fitting, keyboard, plain, units
from adapters.telegram.forms import FORM, Half, answer_field, listed, missing, question
from adapters.telegram.order import Order
from adapters.telegram.pictures import Reader
from adapters.telegram.post import Markup, Post
from adapters.telegram.where import Where
from bot.contract.card import Card
from bot.contract.ports import Core
from bot.contract.values import Answer, Ask, Command, Files, ParameterSpec, Said, Started, Turned
from bot.errors import Unexpected, UserError

log = structlog.get_logger(__name__)

EVENT = "event:"
PRESS_SECONDS = 1.0
"""How long whoever pressed waits for what comes of it, before their button comes to rest anyway."""

ASKING_SECONDS = 3.0
REMEMBERED = 1000
"""Events of which a second delivery is known."""


class Desk:
    """Carries out orders and answers presses."""

    def __init__(self, core: Core, post: Post, reader: Reader) -> None:
        self.core = core
        self._post = post
        self._reader = reader
        self._asking: dict[int, set[asyncio.Future[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._taken: OrderedDict[str, None] = OrderedDict()

    async def resume(self) -> None:
        """Carry out what an earlier process had noted and not finished."""
        for kept in (await self.core.recall(EVENT)).values():
            order = Order.of(kept)
            self._note_taken(order)
            self.spawn(self._carry_out(replace(order, press=None)))

    async def close(self) -> None:
        """End what is under way; it is noted."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Do something beside receiving."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def take(self, order: Order) -> None:
        """Note an order; it is carried out in the meantime."""
        if order.event in self._taken:
            return
        await self.core.remember(EVENT + order.event, order.kept())
        self._note_taken(order)
        self.spawn(self._carry_out(order))

    async def half(self, chat: int, message: int) -> Half | None:
        """The command that a question of ours is about."""
        name = f"{FORM}{chat}:{message}"
        kept = (await self.core.recall(name)).get(name)
        if kept is None and (asking := self._asking.get(chat)):  # whoever answers at once is before our note
            await asyncio.wait(asking, timeout=ASKING_SECONDS)
            kept = (await self.core.recall(name)).get(name)
        return None if kept is None else Half.of(kept)

    async def turn(self, where: Where, half: Half, page: int) -> None:
        """Show another page of choices."""
        spec = self._spec(half)
        if spec is not None:
            await self._post.edit_note(where, self._asked_as(spec), listed(half.choices, page))

    async def narrow(self, where: Where, half: Half, choices: tuple[str, ...]) -> None:
        """Show the choices that were looked for."""
        await self._remember(where, replace(half, choices=choices))
        await self.turn(where, replace(half, choices=choices), 0)

    async def say(self, where: Where, card: Card) -> None:
        """Answer."""
        await self._post.say(where, card)

    async def rest(self, press: str, text: str | None = None) -> None:
        """End the waiting of whoever pressed."""
        await self._post.answer_press(press, text)

    def command(self, name: str) -> Command | None:
        """A command by its name in the core or in Telegram's menu."""
        for command in self.core.commands():
            if name and menu_name(command.name) == menu_name(name):
                return command
        return None

    def knows(self, name: str) -> bool:
        """Whether a line that begins so is for us: a command, or the first word of some."""
        wanted = menu_name(name)
        return any(menu_name(each.name).startswith(f"{wanted}_") for each in self.core.commands()) or bool(
            self.command(name)
        )

    def _note_taken(self, order: Order) -> None:
        self._taken[order.event] = None
        while len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)

    async def _carry_out(self, order: Order) -> None:
        try:
            if not await self._asked_for_more(order):
                await self._done(order)
        except Exception:  # an adapter's callback: logged, and said in words
            log.exception("an order failed", order=order.key)
            await self._post.say(order.where, note(Unexpected()))
        await self.core.forget(EVENT + order.event)

    async def _done(self, order: Order) -> None:
        asked = asyncio.ensure_future(self._answer(order))
        told = False
        try:
            if order.press is not None:
                await asyncio.wait({asked}, timeout=PRESS_SECONDS)
                text = _popup(asked.result()) if asked.done() and asked.exception() is None else None
                told = await self._post.answer_press(order.press, text) and text is not None
            answer = await asked
        finally:
            asked.cancel()
        if not told:
            await self._show(order, answer)

    async def _answer(self, order: Order) -> Answer:
        """What the core says; what it refuses is said, too."""
        try:
            if order.action is None:
                return await self.core.invoke(order.invocation(self._reader.read))
            answer = await self.core.act(order.pressed(order.action))
            if isinstance(answer, Started) and answer.address is None:  # what it made was deleted: made anew
                again = replace(order, key=f"telegram:{order.event}")
                answer = await self.core.act(again.pressed(order.action))
        except UserError as error:
            return Said(card=note(error))
        return answer

    async def _show(self, order: Order, answer: Answer) -> None:
        match answer:
            case Said(card=card):
                await self._say(order, card)
            case Turned(card=card) if order.press is not None and order.where.reply is not None:
                await self._turn(order, card)
            case Turned(card=card):
                await self._say(order, card)
            case Files(media=media):
                await self._post.files(order.where, media)
            case Ask():
                await self._ask_about(order, answer)
            case Started(existing=True, address=address) if address is not None and order.action is not None:
                there = Where.of(address)
                if there.message is not None:
                    await self._post.say(
                        replace(order.where, reply=there.message), self.core.existing(there.url)
                    )
            case _:
                pass  # the message itself shows what comes of it

    async def _say(self, order: Order, card: Card) -> None:
        """A card that belongs to no job, with its buttons and files."""
        await self._post.say(order.where, card, keyboard(card.actions))
        if card.media:
            await self._post.files(order.where, card.media)

    async def _turn(self, order: Order, card: Card) -> None:
        """The message with the button that was pressed becomes another card."""
        here = replace(order.where, message=order.where.reply, reply=None)
        await self._post.edit_note(here, fitting(card, MOST_TEXT), keyboard(card.actions))

    async def _ask_about(self, order: Order, ask: Ask) -> None:
        command, ref = self.command(ask.command), ask.reply_to
        begun = replace(
            order,
            command=ask.command,
            action=None,
            press=None,
            values=dict(ask.values),
            reply=None if ref is None else (str(ref.job), ref.index),
        )
        spec = None if command is None else _wanted(command, begun, ask.about)
        if spec is None:
            await self._show(begun, await self._answer(begun))
        else:
            await self._ask(begun, spec)

    async def _asked_for_more(self, order: Order) -> bool:
        """Ask for what a command lacks; whether something was asked."""
        command = self.command(order.command) if order.action is None else None
        spec = None if command is None else missing(command, order)
        if spec is None:
            return False
        await self._ask(order, spec)
        return True

    async def _ask(self, order: Order, spec: ParameterSpec) -> None:
        markup = listed(spec.choices, 0) if spec.choices else answer_field(spec)
        half = Half(order=replace(order, press=None), asked=spec.name, choices=spec.choices, at=time.time())
        asking = asyncio.ensure_future(self._put(half, question(spec), markup))
        under_way = self._asking.setdefault(order.where.chat, set())
        under_way.add(asking)
        try:
            await asking
        finally:
            under_way.discard(asking)

    async def _put(self, half: Half, card: Card, markup: Markup) -> None:
        """Send a question, and note what it is about."""
        order = half.order
        group = order.where.chat < 0
        mention = f'<a href="tg://user?id={order.user}">{escaped(order.name)}</a>\n' if group else ""
        asked = await self._post.say(order.where, card, markup, mention)
        if asked is not None:
            await self._remember(replace(order.where, message=asked), half)

    async def _remember(self, where: Where, half: Half) -> None:
        await self.core.remember(f"{FORM}{where.chat}:{where.message}", half.kept())

    def _spec(self, half: Half) -> ParameterSpec | None:
        command = self.command(half.order.command)
        specs = () if command is None else command.parameters
        return next((spec for spec in specs if spec.name == half.asked), None)

    def _asked_as(self, spec: ParameterSpec) -> str:
        card = question(spec)
        return escaped(plain(card))


def _wanted(command: Command, begun: Order, about: str | None) -> ParameterSpec | None:
    """What is to be asked for."""
    named = next((spec for spec in command.parameters if spec.name == about), None)
    return named or missing(command, begun) or command.main_text


def note(error: UserError) -> Card:
    """An error as a card."""
    return Card(state="note", title=str(error))


def menu_name(name: str) -> str:
    """A command's name as Telegram takes it."""
    return name.lower().replace("-", "_").replace(" ", "_")


def _popup(answer: Answer) -> str | None:
    """What is short enough to be shown over the chat, to the presser alone."""
    if not isinstance(answer, Said) or answer.card.actions or answer.card.media:
        return None
    text = plain(answer.card)
    return text if units(text) <= MOST_POPUP else None
