"""Commands as Discord gets them, over sockets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.discord.slash import distinct, published_name
from bot.commands.admin import ADMIN
from bot.commands.extras import EXTRAS
from bot.commands.general import GENERAL
from bot.commands.languages import LANGUAGES, in_languages
from bot.contract.levels import Level
from bot.contract.values import Command, Extra, Menu, ParameterSpec, ParameterType, Words
from bot.workflow.model import ROLES
from tests.discord.double import Discord
from tests.discord.limits import Json
from tests.discord.scripted import ScriptedCore, commands
from tests.discord.shop import opened


async def _published(discord: Discord, *published: Command) -> dict[str, Json]:
    """What Discord is sent, by name."""
    menus = commands()[:3]
    async with opened(discord, ScriptedCore(published=[*menus, *published])):
        await discord.until(lambda: discord.syncs)
    return {command["name"]: command for command in discord.commands}


def _many(count: int) -> Command:
    optional = tuple(
        ParameterSpec(name=f"value_{n}", type=ParameterType.NUMBER, title=f"Value {n}")
        for n in range(count - 1)
    )
    last = ParameterSpec(name="prompt", type=ParameterType.TEXT, title="Prompt", required=True)
    return Command(
        name="many", title="Many", description="Much to set", workflow=True, parameters=(*optional, last)
    )


async def test_options_that_find_no_room_are_the_last_and_are_told_in_the_log(discord: Discord) -> None:
    """Twenty-five with those of the chat itself; what is required always stays."""
    with capture_logs() as logged:
        found = await _published(discord, _many(30))
    names = [option["name"] for option in found["many"]["options"]]
    assert names == ["prompt", *(f"value_{n}" for n in range(22)), "private", "spoiler"]
    told = [entry for entry in logged if entry["event"] == "Discord has no room for all options"]
    assert [(entry["command"], entry["left_out"]) for entry in told] == [
        ("many", [f"value_{n}" for n in range(22, 29)])
    ]


async def test_menus_that_find_no_room_are_told_in_the_log(
    discord: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five: the first ones, and what is known of a picture, which is the last. Commands are published all the same."""
    core = ScriptedCore()
    menus = [Menu(name=f"m{n}", title=f"M{n}", commands=tuple(core.published[:1])) for n in range(6)]
    monkeypatch.setattr(core, "menus", lambda: [*menus, Menu(name="info", title="Info")])
    with capture_logs() as logged:
        async with opened(discord, core):
            await discord.until(lambda: discord.syncs)
    assert [each["name"] for each in discord.commands if each.get("type") == 3] == [
        "M0", "M1", "M2", "M3", "Info",
    ]  # fmt: skip
    assert {"imagine", "help"} <= {each["name"] for each in discord.commands}
    told = [entry["left_out"] for entry in logged if entry["event"] == "Discord has no room for all menus"]
    assert told == [["m4", "m5"]]


async def test_commands_that_find_no_room_are_told_in_the_log(discord: Discord) -> None:
    """A hundred, the group of the admins among them, and twenty-five in that."""
    more = [Command(name=f"c{n}", title="C", description="c") for n in range(100)]
    admins = [Command(name=f"a{n}", title="A", description="a", level=Level.ADMIN) for n in range(30)]
    with capture_logs() as logged:
        found = await _published(discord, *more, *admins)
    slash = [command for command in found.values() if command["type"] == 1]
    assert (len(slash), len(found["muralist"]["options"])) == (100, 25)
    told = next(entry for entry in logged if entry["event"] == "Discord has no room for all commands")
    assert told["left_out"] == ["c96", "c97", "c98", "c99", *(f"a{n}" for n in range(25, 30))]


async def test_commands_for_admins_are_in_one_group_with_permissions(discord: Discord) -> None:
    """Who may not manage the server is not shown them; what is done there is told to its asker alone."""
    core = ScriptedCore()
    async with opened(discord, core):
        await discord.until(lambda: discord.syncs)
        group = next(command for command in discord.commands if command["name"] == "muralist")
        assert (group["default_member_permissions"], group["type"]) == (1 << 5, 1)
        assert [(option["name"], option["type"]) for option in group["options"]] == [("stop", 1)]
        asked = await discord.slash_in_group("muralist", "stop")
        await discord.until(lambda: core.invoked)
    assert core.invoked[0].command == "stop"
    assert asked.message is not None
    assert asked.message.ephemeral


async def test_names_and_descriptions_in_other_languages(discord: Discord) -> None:
    """In all that Discord has of a language; the menus too."""
    spec = EXTRAS[Extra.PRIVATE]
    text = ParameterSpec(
        name="prompt",
        type=ParameterType.TEXT,
        title="Prompt",
        description="What the picture shows",
        required=True,
    )
    command = Command(name="draw", title="Draw", description="A picture from words", parameters=(text, spec))
    known = in_languages(replace(command, name="upscale"))
    found = await _published(discord, replace(known, name="draw"))
    draw = found["draw"]
    assert draw["name_localizations"] == {
        "de": "vergrößern", "fr": "agrandir", "es-ES": "ampliar", "es-419": "ampliar", "ja": "拡大",
    }  # fmt: skip
    assert draw["description_localizations"]["de"] == "Ein Bild aus Worten"
    prompt, private = draw["options"]
    assert prompt["name_localizations"] == {"ja": "プロンプト"}
    assert prompt["description_localizations"]["fr"] == "Ce que montre l'image"
    assert private["name_localizations"]["es-419"] == "privado"
    assert "name_localizations" not in found["Edit"] or found["Edit"]["name_localizations"] == {}


async def test_any_name_becomes_one_that_discord_takes(discord: Discord) -> None:
    """The core hears of the command and of its values under their own names."""
    picture = ParameterSpec(name="Init.Image", type=ParameterType.IMAGE, title="Picture")
    steps = ParameterSpec(name="Steps!", type=ParameterType.INTEGER, title="Steps")
    odd = Command(name="Flux.1 Dev", title="Flux", description="", parameters=(steps, picture), workflow=True)
    core = ScriptedCore(published=[*commands(), odd])
    async with opened(discord, core):
        await discord.until(lambda: discord.syncs)
        found = next(command for command in discord.commands if command["name"] == "flux-1-dev")
        assert [option["name"] for option in found["options"]] == [
            "steps-",
            "init-image",
            "private",
            "spoiler",
        ]
        await discord.use("flux-1-dev", {"steps-": 7})
        await discord.until(lambda: core.invoked)
    assert (core.invoked[0].command, core.invoked[0].values) == ("Flux.1 Dev", {"Steps!": 7})


def test_a_name_that_is_taken_in_a_language_is_left_out() -> None:
    """Discord would refuse all commands for it."""
    named = [
        ("bild", {"fr": Words(name="image")}),
        ("picture", {"de": Words(name="bild"), "fr": Words(name="image")}),
        ("photo", {"de": Words(name="foto"), "fr": Words(name="photo")}),
    ]
    assert distinct(named) == [{"fr": "image"}, {}, {"de": "foto"}]


def test_the_cores_own_words_are_ones_that_discord_takes() -> None:
    """Every name in every language, as it is written; sentences of at most a hundred letters."""
    every: list[Any] = [in_languages(entry.command) for entry in (*GENERAL.values(), *ADMIN.values())]
    every += [in_languages(Command(name=role, title="", description=said)) for role, said in ROLES.items()]
    assert all(set(command.words) == set(LANGUAGES) for command in every)
    for command in every:
        assert command.words["de"].description not in (None, command.description)
        for words in command.words.values():
            assert words.name == published_name(words.name)
            assert words.description is None or 0 < len(words.description) <= 100
