"""What people do with pictures in a chat: replies in words, menus of messages, forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import discord
import structlog

from adapters.discord.desk import Desk, blank_order, note
from adapters.discord.forms import FORM, KEPT_SECONDS, Half, filled, missing, modal
from adapters.discord.order import File, Order
from adapters.discord.pictures import attached, buttons, pictures
from adapters.discord.standing import for_adults, name_of, roles_of, within
from adapters.discord.where import Where
from bot.contract.card import Effect
from bot.contract.files import IMAGE, useful
from bot.contract.line import read_line
from bot.contract.values import Ask, Command, Extra, Menu, OutputRef
from bot.errors import NoPicture, Stale

log = structlog.get_logger(__name__)

Interaction = discord.Interaction[Any]
Finder = Callable[[discord.Message], tuple[File, ...]]
"""Finds what a command takes in a message."""


class Talk:
    """Makes orders of messages, menus and forms."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._core = desk.core

    async def command(
        self, interaction: Interaction, command: Command, values: dict[str, Any], images: dict[str, File]
    ) -> None:
        """A slash command."""
        private = bool(values.pop(Extra.PRIVATE, False)) or not command.workflow
        spoiler = bool(values.pop(Extra.SPOILER, False))
        order = blank_order(interaction, private=private)
        await self._desk.take(
            interaction,
            replace(order, command=command.name, values=values, images=images, spoiler=spoiler),
        )

    async def press(self, interaction: Interaction, effect: Effect, action: str) -> None:
        """A button."""
        match effect:
            case Effect.NEW:
                await self._desk.make(interaction, action)
            case Effect.ASIDE:
                await self._desk.tell(interaction, action)
            case Effect.HERE:
                await self._desk.change(interaction, action)
            case Effect.ASK:
                answer = await self._desk.question(interaction, action)
                if answer is not None:
                    await self._ask(interaction, _half(answer))

    async def menu(self, interaction: Interaction, menu: Menu, message: discord.Message) -> None:
        """An entry of a message's menu."""
        ref, every = self._on(message, interaction.client.user)
        found = tuple(file for file in every if file.sort == IMAGE)
        if ref is None and not found:
            await self._desk.say(interaction, note(NoPicture()))
        elif menu.commands:
            names = tuple(command.name for command in menu.commands)
            reply = None if ref is None else (str(ref.job), ref.index)
            await self._ask(interaction, Half(commands=names, reply=reply, files=found), title=menu.title)
        else:
            await self._desk.inspect(interaction, found[0] if ref is None else ref)

    async def submit(self, interaction: Interaction) -> None:
        """A form that came back."""
        data: dict[str, Any] = dict(interaction.data or {})
        kept = (await self._core.recall(data["custom_id"])).get(data["custom_id"])
        if kept is None:
            await self._desk.say(interaction, note(Stale()))
            return
        half, got = Half.of(kept), filled(data)
        command = got.command if got.command in half.commands else half.commands[0]
        order = blank_order(interaction, private=self._is_private(command))
        files = self._fitting(command, half.files, tuple(got.images.values()), reply=half.reply is not None)
        await self._desk.take(
            interaction,
            replace(
                order,
                command=command,
                values={**half.values, **self._values(command, got.values)},
                images=got.images,
                files=files,
                reply=half.reply,
            ),
        )
        await self._core.forget(data["custom_id"])

    async def forget_old_forms(self, now: float) -> None:
        """Let go of forms that nobody sent back."""
        forms = await self._core.recall(FORM)
        old = [name for name, kept in forms.items() if kept["at"] < now - KEPT_SECONDS]
        if old:
            await self._core.forget(*old)

    async def message(self, message: discord.Message, me: discord.ClientUser, *, reads: bool) -> None:
        """Words to the bot: with a mention, in a conversation of two, or as a reply in a thread of the bot's."""
        if message.author.bot or not _is_for(message, me, reads=reads):
            return
        line = read_line(_without_mention(message.content, me), self._core.commands())
        takes = attached if self._takes_any_file(line.command) else pictures
        ref, found = await self._replied(message, me, takes)
        if not line.command and not line.values:
            return
        files = self._input(line.command or self._edit(), takes(message), found, reply=ref is not None)
        order = Order(
            event=str(message.id),
            key=f"discord:{message.id}",
            user=message.author.id,
            name=message.author.display_name,
            place=message.channel.id,
            where=_answer_to(message),
            command=line.command,
            values=line.values,
            files=files,
            reply=None if ref is None else (str(ref.job), ref.index),
            spoiler=line.spoiler,
            roles=roles_of(message.author),
            within=within(message.channel, message.guild.id if message.guild else None),
            channel=name_of(message.channel),
            for_adults=for_adults(message.channel),
        )
        await self._desk.take_message(order)

    async def _ask(self, interaction: Interaction, half: Half, title: str = "") -> None:
        """Ask for what is missing; a command that has all it needs is done at once."""
        published = {command.name: command for command in self._core.commands()}
        commands = [published[name] for name in half.commands if name in published]
        if not commands:
            await self._desk.say(interaction, note(Stale()))
        elif len(commands) == 1 and not missing(commands[0], half):
            order = blank_order(interaction, private=False)
            name = commands[0].name
            files = self._fitting(name, half.files, reply=half.reply is not None)
            await self._desk.take(interaction, replace(order, command=name, files=files, reply=half.reply))
        else:
            await self._core.remember(f"{FORM}{interaction.id}", half.kept())
            form = modal(str(interaction.id), title or commands[0].title, commands, half)
            await interaction.response.send_modal(form)

    async def _replied(
        self, message: discord.Message, me: discord.ClientUser, takes: Finder
    ) -> tuple[OutputRef | None, tuple[File, ...]]:
        """What a message replies to: an output of ours, or pictures."""
        reference = message.reference
        if reference is None or reference.message_id is None:
            return None, ()
        replied = reference.resolved
        if not isinstance(replied, discord.Message):
            try:
                replied = await message.channel.fetch_message(reference.message_id)
            except discord.HTTPException as error:
                log.info("a replied-to message can't be read", detail=str(error))
                return None, ()
        return self._on(replied, me, takes)

    def _on(
        self, message: discord.Message, me: discord.ClientUser | None, takes: Finder = pictures
    ) -> tuple[OutputRef | None, tuple[File, ...]]:
        """The output that a card of ours shows, else the pictures of a message."""
        if me is not None and message.author.id == me.id:
            for button in buttons(message):
                ref = self._core.about(button.partition(":")[2])
                if ref is not None:
                    return ref, ()
        return None, takes(message)

    def _takes_any_file(self, name: str) -> bool:
        return any(command.takes_any_file for command in self._core.commands() if command.name == name)

    def _is_private(self, name: str) -> bool:
        """Whether an answer is for the asker alone: pictures are for all."""
        return any(not command.workflow for command in self._core.commands() if command.name == name)

    def _edit(self) -> str:
        """The command that plain words are for."""
        menu = next((menu for menu in self._core.menus() if menu.name == "edit"), None)
        return menu.commands[0].name if menu is not None and menu.commands else ""

    def _input(
        self, name: str, own: Sequence[File], replied: Sequence[File], *, reply: bool
    ) -> tuple[File, ...]:
        """The files for a command: those that are replied to come first, where there is room for all."""
        every = (*replied, *own)
        all_fit = len(self._fitting(name, every, reply=reply)) == len(every)
        return self._fitting(name, every if all_fit else (*own, *replied), reply=reply)

    def _fitting(
        self, name: str, files: Sequence[File], taken: Sequence[File] = (), *, reply: bool
    ) -> tuple[File, ...]:
        """Those that a command has use for; all of them if it takes none, so that it says so."""
        command = next((command for command in self._core.commands() if command.name == name), None)
        if command is None or not any(spec.type.attached for spec in command.parameters):
            return tuple(files)
        return useful(command, files, taken, reply=reply)

    def _values(self, name: str, values: Any) -> dict[str, Any]:
        """What was filled in, under the names that this command has for it: the form may be another's."""
        command = next((command for command in self._core.commands() if command.name == name), None)
        if command is None:
            return dict(values)
        known = {spec.name for spec in command.parameters}
        main = command.main_text.name if command.main_text is not None else None
        found = {key: value for key, value in values.items() if key in known}
        left = [value for key, value in values.items() if key not in known]
        if left and main is not None and main not in found:
            found[main] = left[0]
        return found


def _half(answer: Ask) -> Half:
    reply = None if answer.reply_to is None else (str(answer.reply_to.job), answer.reply_to.index)
    return Half(commands=(answer.command,), reply=reply, values=answer.values, about=answer.about)


def _is_for(message: discord.Message, me: discord.ClientUser, *, reads: bool) -> bool:
    if message.guild is None or any(user.id == me.id for user in message.mentions):
        return True
    thread = message.channel
    return (
        reads
        and isinstance(thread, discord.Thread)
        and thread.owner_id == me.id
        and message.reference is not None
    )


def _without_mention(text: str, me: discord.ClientUser) -> str:
    return re.sub(rf"<@!?{me.id}>", " ", text).strip()


def _answer_to(message: discord.Message) -> Where:
    """The message that will answer this one."""
    limit = message.guild.filesize_limit if message.guild else discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES
    return Where(
        channel=message.channel.id,
        guild=message.guild.id if message.guild else None,
        limit=limit,
        user=message.author.id,
        reply=message.id,
        nonce=str(message.id),
    )
