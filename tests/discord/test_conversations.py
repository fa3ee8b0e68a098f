"""What people do on Discord with commands and buttons, through discord.py itself: simcord is the Discord."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
import pytest

from adapters.discord.where import Where
from bot.cards.notes import note
from bot.contract.card import Action, Card, Code, Effect, Text
from bot.contract.values import Ask, Place, Said
from bot.errors import NoBackend
from tests.discord.scenes import PNG, REF, Scene, words_of
from tests.discord.scripted import ACCEPTED, started


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
    assert words_of(result.response) == "**Commands**\n`/imagine` draws \\*it\\*"


async def test_a_refusal_is_told_to_the_asker_alone(scene: Scene) -> None:
    """What was promised to all is taken back."""
    scene.core.answers.append(NoBackend("ComfyUI does not answer. Start it."))
    result = await scene.ann.slash(scene.channel, "imagine", prompt="a red fox")
    assert result.response is None
    (told,) = result.followups
    assert told.ephemeral
    assert words_of(told) == "**ComfyUI does not answer. Start it.**"


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
    assert f"https://discord.com/channels/1/{scene.channel.id}/5" in words_of(result.followups[0])

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
    assert words_of(told) == "**/imagine**\nseed: `7`"


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
