"""What people do on Discord, through discord.py itself: simcord is the Discord."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import discord
import pytest
from simcord.env import Env

from adapters.discord import publish
from adapters.discord.client import Client
from adapters.discord.pictures import pictures
from adapters.discord.settings import DiscordSettings
from adapters.discord.where import Where
from bot.cards.notes import note
from bot.contract.card import Action, Card, Code, Effect, Text
from bot.contract.values import Ask, JobId, OutputRef, Place, Said
from bot.errors import NoBackend
from tests.discord.scripted import ACCEPTED, ScriptedCore, started

PNG = b"\x89PNG\r\n\x1a\n"
REF = OutputRef(job=JobId("0" * 32))


@dataclass
class Scene:
    """A server with a channel, a person, and the bot."""

    env: Any
    core: ScriptedCore
    client: Client
    channel: Any
    ann: Any

    @property
    def mention(self) -> str:
        """How people address the bot."""
        assert self.client.user is not None
        return self.client.user.mention

    async def show(self, where: Where, card: Card) -> Where | None:
        """What delivery does."""
        with self.env.time_context():
            return await self.client.post.show(where, card)

    async def card(self, *actions: Action) -> Any:
        """A card of the bot's in the channel, answering a command of Ann's."""
        result = await self.ann.slash(self.channel, "imagine", prompt="a red fox")
        where = Where.of(self.core.invoked.pop().address)
        card = Card(state="done", title="/imagine", body=((Text(text="a red fox"),),), actions=actions)
        await self.show(where, card)
        return result.response


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """The bot in a server. Its commands stay as they are: simcord would wait for the next look at them."""
    monkeypatch.setattr(publish, "LOOK_SECONDS", 3600.0)
    core = ScriptedCore()
    client = Client(core, DiscordSettings(discord_shards=1, discord_message_content=True))
    env = Env(client)
    await env.start()
    guild = env.create_guild()
    ann = guild.add_member(env.create_user("ann"))
    yield Scene(env=env, core=core, client=client, channel=guild.create_text_channel("art"), ann=ann)
    await env.shutdown()
    env.raise_errors()


async def test_a_command_is_acknowledged_and_taken_to_the_core(scene: Scene) -> None:
    """Values as typed, the channel as the place, the promised message as the address."""
    result = await scene.ann.slash(scene.channel, "imagine", prompt="a red fox", steps=30, cfg=4.5, seed="0")

    assert result.deferred
    assert not result.ephemeral
    (invocation,) = scene.core.invoked
    assert (invocation.command, invocation.values) == (
        "imagine",
        {"prompt": "a red fox", "steps": 30, "cfg": 4.5, "seed": "0"},
    )
    assert invocation.place == Place(platform="discord", external_id=str(scene.channel.id))
    assert invocation.actor.external_id == str(scene.ann.id)
    assert invocation.address["message"] == result.response.id
    assert not invocation.transient
    assert {name for name in scene.core.kept if name.startswith("event:")} == set()


async def test_the_core_is_told_roles_and_what_the_place_is(scene: Scene) -> None:
    """By a command and by words: the asker's roles, what a channel is part of, and whether adults alone are there."""
    guild = scene.channel.guild
    role, category = guild.create_role("painters"), guild.create_category("rooms")
    bob = guild.add_member(scene.env.create_user("bob"), roles=[role])
    den = guild.create_text_channel("den", category=category)
    known = scene.client.get_channel(den.id)
    assert isinstance(known, discord.TextChannel)
    known.nsfw = True  # as Discord tells it; simcord can't change it
    await bob.slash(den, "imagine", prompt="a red fox")
    await bob.send(den, f"<@{scene.client.user.id if scene.client.user else 0}> /imagine a red fox")
    assert len(scene.core.invoked) == 2
    for invocation in scene.core.invoked:
        assert invocation.actor.roles == (f"discord-role:{guild.id}", f"discord-role:{role.id}")
        place = invocation.place
        assert (place.external_id, place.within) == (str(den.id), (str(category.id), str(guild.id)))
        assert place.name == "#den"
    assert scene.core.invoked[1].place.age_restricted
    await scene.ann.slash(scene.channel, "imagine", prompt="a red fox")
    plain = scene.core.invoked[2]
    assert (plain.actor.roles, plain.place.age_restricted) == ((f"discord-role:{guild.id}",), False)


async def test_commands_have_the_options_of_their_parameters(scene: Scene) -> None:
    """Required ones first; types, bounds, choices and autocomplete as Discord knows them."""
    fetched = {command.name: command for command in await scene.client.tree.fetch_commands()}
    published: dict[str, Any] = {name: command.to_dict() for name, command in fetched.items()}
    options = {option["name"]: option for option in published["imagine"]["options"]}

    assert list(options) == [
        "prompt", "steps", "cfg", "tiled", "seed", "sampler", "model", "private", "spoiler",
    ]  # fmt: skip
    assert [(name, option["type"], option.get("required", False)) for name, option in options.items()][
        :3
    ] == [
        ("prompt", 3, True),
        ("steps", 4, False),
        ("cfg", 10, False),
    ]
    assert (options["steps"]["min_value"], options["steps"]["max_value"]) == (1, 100)
    assert (options["cfg"]["min_value"], options["cfg"]["max_value"]) == (1.0, 30.0)
    assert [choice["value"] for choice in options["sampler"]["choices"]] == ["euler", "ddim"]
    assert options["model"]["autocomplete"]
    assert [option["type"] for option in published["edit"]["options"][:3]] == [3, 11, 11]
    assert [option["name"] for option in published["muralist"]["options"]] == ["stop"]
    permissions = fetched["muralist"].default_member_permissions
    assert permissions is not None
    assert permissions.value == 1 << 5


@pytest.mark.parametrize(
    ("typed", "first", "count"),
    [
        ("", "sdxl_0.safetensors", 25),
        ("flux", "flux_0.safetensors", 12),
        ("qwn_3", "qwen_3.safetensors", 1),
        ("fulx", "flux_0.safetensors", 12),
        ("nothing like it", None, 0),
    ],
)
async def test_many_choices_are_offered_while_typing(
    scene: Scene, typed: str, first: str | None, count: int
) -> None:
    """What fits best first, mistyped or not; 25 at most."""
    offered = [
        choice["value"] for choice in await scene.ann.autocomplete(scene.channel, "imagine", "model", typed)
    ]
    assert (offered[0] if offered else None, len(offered)) == (first, count)


async def test_an_answer_for_the_asker_alone_is_ephemeral(scene: Scene) -> None:
    """A command that queues nothing is nobody else's business."""
    scene.core.answers.append(Said(card=note("Commands", (Code(text="/imagine"), Text(text=" draws *it*")))))
    result = await scene.ann.slash(scene.channel, "help")
    assert result.ephemeral
    assert _words(result.response) == "**Commands**\n`/imagine` draws \\*it\\*"


async def test_a_refusal_is_told_to_the_asker_alone(scene: Scene) -> None:
    """What was promised to all is taken back."""
    scene.core.answers.append(NoBackend("ComfyUI does not answer. Start it."))
    result = await scene.ann.slash(scene.channel, "imagine", prompt="a red fox")
    assert result.response is None
    (told,) = result.followups
    assert told.ephemeral
    assert _words(told) == "**ComfyUI does not answer. Start it.**"


async def test_a_private_picture_can_be_fetched_later(scene: Scene) -> None:
    """Its address expires, which the core is told; a press on it brings the next."""
    result = await scene.ann.slash(scene.channel, "imagine", prompt="a red fox", private=True, spoiler=True)
    (invocation,) = scene.core.invoked
    assert result.ephemeral
    assert (invocation.transient, invocation.spoiler, invocation.values) == (
        True,
        True,
        {"prompt": "a red fox"},
    )

    fetch = Action(id="m1:fetch:j:0", label="Fetch result")
    where = Where.of(invocation.address)
    card = Card(state="queued", title="Queued", actions=(fetch,))
    await scene.show(where, card)
    scene.core.answers.append(ACCEPTED)
    await scene.ann.click(result.response, label="Fetch result")
    (press,) = scene.core.pressed
    assert press.renewed is not None
    assert press.renewed["message"] == invocation.address["message"]
    assert press.renewed["token"] != invocation.address["token"]
    assert not press.renewed["lasting"]


async def test_buttons_work_after_a_restart(scene: Scene) -> None:
    """Also those of cards that an earlier process sent."""
    card = await scene.card(Action(id="m1:again:j:0", label="Again", effect=Effect.NEW))
    await scene.env.restart_bot()
    result = await scene.ann.click(card, label="Again")
    (press,) = scene.core.pressed
    assert (press.action, press.address["message"]) == ("m1:again:j:0", result.response.id)
    assert press.event_key == f"discord:{scene.ann.id}:m1:again:j:0"


async def test_a_second_press_leads_to_what_the_first_made(scene: Scene) -> None:
    """And makes it anew if that was deleted."""
    card = await scene.card(Action(id="m1:again:j:0", label="Again", effect=Effect.NEW))
    there = {**Where(channel=scene.channel.id, guild=1, message=5, limit=1, user=1).address()}
    scene.core.answers.append(started(there, existing=True))
    result = await scene.ann.click(card, label="Again")
    assert result.response is None
    assert f"https://discord.com/channels/1/{scene.channel.id}/5" in _words(result.followups[0])

    scene.core.answers += [started(None, existing=True), started(there)]
    result = await scene.ann.click(card, label="Again")
    keys = [press.event_key for press in scene.core.pressed]
    assert (len(set(keys)), len(keys)) == (2, 3)
    assert result.response is not None


async def test_a_question_is_answered_aside(scene: Scene) -> None:
    """Info is for whoever pressed it."""
    card = await scene.card(Action(id="m1:info:j:0", label="Info", effect=Effect.ASIDE))
    scene.core.answers.append(Said(card=note("/imagine", (Text(text="seed: "), Code(text="7")))))
    result = await scene.ann.click(card, label="Info")
    assert result.ephemeral
    told = result.response or result.followups[0]
    assert _words(told) == "**/imagine**\nseed: `7`"


@pytest.mark.parametrize("restart", [False, True])
async def test_using_a_picture_asks_for_words(scene: Scene, restart: bool) -> None:
    """The form comes back to whatever process runs then, as a reply to that picture."""
    card = await scene.card(Action(id="m1:use:j:0", label="Use", effect=Effect.ASK))
    scene.core.answers.append(Ask(command="edit", reply_to=REF))
    shown = await scene.ann.click(card, label="Use")
    assert shown.modal is not None
    assert [label["label"] for label in shown.modal["components"]] == ["Prompt"]
    if restart:
        await scene.env.restart_bot()
    result = await scene.ann.submit_modal(shown, {"prompt": "make it night"})
    (invocation,) = scene.core.invoked
    assert (invocation.command, invocation.values, invocation.reply_to) == (
        "edit",
        {"prompt": "make it night"},
        REF,
    )
    assert result.deferred
    assert scene.core.kept.keys() == {"published"}


async def test_menus_of_a_message_with_a_picture(scene: Scene) -> None:
    """Edit asks for words, Animate needs none, Use as input asks for what, Info tells."""
    message = await scene.ann.send(scene.channel, "look", attachments=[("fox.png", PNG)])

    shown = await scene.ann.context_menu(scene.channel, "Edit", message)
    await scene.ann.submit_modal(shown, {"prompt": "make it night"})
    edit = scene.core.invoked.pop()
    assert (edit.command, edit.values) == ("edit", {"prompt": "make it night"})
    assert [file.name for file in edit.attachments] == ["fox.png"]

    result = await scene.ann.context_menu(scene.channel, "Animate", message)
    assert result.deferred
    assert [file.name for file in scene.core.invoked.pop().attachments] == ["fox.png"]

    shown = await scene.ann.context_menu(scene.channel, "Use as input", message)
    await scene.ann.submit_modal(shown, {"command": ["upscale"]})
    assert scene.core.invoked.pop().command == "upscale"

    await scene.ann.context_menu(scene.channel, "Info", message)
    assert scene.core.inspected == ["fox.png"]


async def test_menus_of_a_message_without_a_picture(scene: Scene) -> None:
    """Say so, to the asker alone."""
    message = await scene.ann.send(scene.channel, "no picture")
    result = await scene.ann.context_menu(scene.channel, "Edit", message)
    assert result.ephemeral
    assert "no picture in that message" in _words(result.response)


async def test_words_in_reply_to_a_card_go_on_from_it(scene: Scene) -> None:
    """With a mention; the answer is a reply."""
    card = await scene.card(Action(id=f"m1:again:{REF.job}:0", label="Again", effect=Effect.NEW))
    asked = await scene.ann.send(
        scene.channel,
        f"{scene.mention} make it night",
        reply_to=card.message,
    )
    (invocation,) = scene.core.invoked
    assert (invocation.command, invocation.values, invocation.reply_to) == (
        "",
        {"prompt": "make it night"},
        REF,
    )
    where = Where.of(invocation.address)
    assert (where.message, where.reply) == (None, asked.id)
    moved = await scene.show(where, Card(state="queued", title="Queued"))
    assert moved is not None
    assert scene.channel.last_message.id == moved.message
    assert scene.channel.last_message.reference.message_id == asked.id


async def test_words_in_reply_to_anybodys_picture_edit_it(scene: Scene) -> None:
    """The picture goes along; several of them if the command takes more. Own ones come first if not all fit."""
    files = [("one.png", PNG), ("two.png", PNG), ("three.png", PNG)]
    theirs = await scene.ann.send(scene.channel, "look", attachments=files)
    me = scene.mention
    await scene.ann.send(scene.channel, f"{me} make it night", reply_to=theirs)
    assert [file.name for file in scene.core.invoked.pop().attachments] == ["one.png", "two.png"]
    await scene.ann.send(
        scene.channel, f"{me} make it night", reply_to=theirs, attachments=[("own.png", PNG)]
    )
    assert [file.name for file in scene.core.invoked.pop().attachments] == ["own.png", "one.png"]
    await scene.ann.send(scene.channel, f"{me} /edit join them", reply_to=theirs)
    invocation = scene.core.invoked.pop()
    assert (invocation.command, invocation.values) == ("edit", {"prompt": "join them"})
    assert [file.name for file in invocation.attachments] == ["one.png", "two.png"]


async def test_what_is_not_meant_for_the_bot_is_left_alone(scene: Scene) -> None:
    """No mention, no answer; in a conversation of two there is no need of one."""
    await scene.ann.send(scene.channel, "what a fox")
    assert scene.core.invoked == []
    await scene.ann.send_dm("/imagine a red fox --steps 5")
    (invocation,) = scene.core.invoked
    assert (invocation.command, invocation.values) == ("imagine", {"prompt": "a red fox", "steps": "5"})


def _words(message: Any) -> str:
    """All text of a message's layout."""
    found: list[str] = []

    def walk(parts: list[dict[str, Any]]) -> None:
        for part in parts:
            found.extend([part["content"]] if part["type"] == 10 else [])
            walk(part.get("components", []))

    walk(message.components)
    return "\n".join(found)


async def test_a_form_takes_a_picture_that_is_missing(scene: Scene) -> None:
    """A command that needs two and has one asks for the other."""
    pair = replace(
        scene.core.published[1],
        parameters=tuple(replace(spec, required=True) for spec in scene.core.published[1].parameters),
    )
    scene.core.published[1] = pair
    card = await scene.card(Action(id="m1:use:j:0", label="Use", effect=Effect.ASK))
    scene.core.answers.append(Ask(command="edit", reply_to=REF))
    shown = await scene.ann.click(card, label="Use")
    assert [label["label"] for label in shown.modal["components"]] == ["Prompt", "Second picture"]
    await scene.ann.submit_modal(shown, {"prompt": "join them", "second": ("two.png", PNG)})
    (invocation,) = scene.core.invoked
    assert (invocation.reply_to, list(invocation.images), invocation.values) == (
        REF,
        ["second"],
        {"prompt": "join them"},
    )


async def test_pictures_are_found_wherever_a_message_has_them(scene: Scene) -> None:
    """In attachments, in embeds (Discord's own copies only), in the galleries of a bot's card."""
    embedded = discord.Embed.from_dict(
        {
            "image": {"url": "http://127.0.0.1/fox.png", "proxy_url": "https://media.discordapp.net/fox.png"},
            "thumbnail": {"url": "http://127.0.0.1/secret.png"},
        }
    )
    message = await scene.ann.send(
        scene.channel, "look", attachments=[("one.png", PNG), ("words.txt", b"no")]
    )
    message.embeds = [embedded]
    found = pictures(message)
    assert [file.name for file in found] == ["one.png", "picture"]
    assert found[1].url == "https://media.discordapp.net/fox.png"


async def test_words_in_a_thread_are_taken_there(scene: Scene) -> None:
    """A thread is a place of its own; in one of the bot's a reply needs no mention."""
    with scene.env.time_context():
        channel = scene.client.get_channel(scene.channel.id)
        assert isinstance(channel, discord.TextChannel)
        thread = await channel.create_thread(name="foxes", type=discord.ChannelType.public_thread)
    place = scene.channel.threads[0]
    theirs = await scene.ann.send(place, "look", attachments=[("fox.png", PNG)])
    await scene.ann.send(place, "make it night", reply_to=theirs)
    (invocation,) = scene.core.invoked
    assert invocation.place == Place(platform="discord", external_id=str(thread.id))
    assert [file.name for file in invocation.attachments] == ["fox.png"]
    await scene.ann.send(place, "just talking")
    assert len(scene.core.invoked) == 1
