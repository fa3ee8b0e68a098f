"""What people do with messages, their pictures and words, through discord.py itself: simcord is the Discord."""

from __future__ import annotations

import discord

from adapters.discord.pictures import pictures
from adapters.discord.where import Where
from bot.contract.card import Action, Card, Effect
from bot.contract.values import Place
from tests.discord.scenes import PNG, REF, Scene, words_of


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
    assert "no picture in that message" in words_of(result.response)


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
