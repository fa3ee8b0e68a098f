"""What may be made where: refusals in words that say where it may be."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from bot.contract.levels import Level
from bot.contract.overview import Change
from bot.contract.values import Actor, Place
from bot.errors import NotAllowed
from bot.jobs.standing import PlaceRule
from bot.service.grounds import Grounds
from bot.service.policy import Policy
from bot.store.store import open_store
from bot.workflow.load import load_workflows
from tests.builders import sqlite_url

MEMBER = Level.MEMBER
ADMIN = Actor(platform="discord", external_id="1", name="Root")
CHANNEL = Place(platform="discord", external_id="70", within=("60", "7"), name="#art")
DEN = replace(CHANNEL, external_id="71", name="#den")
IMAGINE = load_workflows([files("workflows")])["sdxl"]
ADULT = replace(IMAGINE, name="adult", age_restricted=True)


@pytest.fixture
def rule() -> PlaceRule:
    """Of a channel."""
    return PlaceRule(platform="discord", external_id="71", name="#den")


async def test_where_and_by_whom(tmp_path: Path, rule: PlaceRule) -> None:
    """The nearest rule counts, then the setting; admins are bound by neither."""
    policy = Policy(places=frozenset({"discord:8"}), workflows={"imagine": Level.TRUSTED})
    change = Change(at=1.0, by=ADMIN, what="place")
    async with open_store(sqlite_url(tmp_path)) as store:
        grounds = Grounds(store.standing, policy)

        async def told(place: Place, level: Level = MEMBER, command: str = "imagine") -> str | None:
            found = grounds.refusal(await grounds.of(place), IMAGINE, command, level)
            return None if found is None else str(found)

        assert await told(CHANNEL) == "This bot is not for this place. It is for: 8."
        assert await told(CHANNEL, Level.ADMIN) is None
        assert await told(Place(platform="web", external_id="x"), Level.TRUSTED) is None
        await store.standing.rule(replace(rule, allowed=True, workflows=("edit", "imagine")), change)
        assert await told(CHANNEL) == "This bot is not for this place. It is for: 8, #den."
        assert await told(DEN) == "/imagine is for trusted people. An admin gives that level with /level."
        assert await told(DEN, Level.TRUSTED) is None
        guild = PlaceRule(platform="discord", external_id="7", allowed=True, workflows=("upscale",))
        await store.standing.rule(guild, change)
        assert await told(CHANNEL, Level.TRUSTED) == "/imagine does not run here. It runs in: #den."
        assert await told(DEN, Level.TRUSTED) is None
        await store.standing.rule(replace(rule, allowed=False), change)
        assert await told(DEN, Level.TRUSTED) == "This bot is not for this place. It is for: 8, 7."
        await store.standing.rule(replace(rule, workflows=("edit",)), change)
        assert await told(DEN, Level.TRUSTED) == "/imagine does not run here. Here are: /edit."


async def test_what_is_for_adults(tmp_path: Path, rule: PlaceRule) -> None:
    """By the platform's word or an admin's, which counts more; for admins too. What is not wanted may be named."""
    async with open_store(sqlite_url(tmp_path)) as store:
        grounds = Grounds(store.standing, Policy(words=("gore",)))
        there = "/adult is for age-restricted places alone."
        adult = replace(CHANNEL, age_restricted=True)
        for place, words in ((CHANNEL, there), (adult, None)):
            found = grounds.refusal(await grounds.of(place), ADULT, "adult", Level.ADMIN)
            assert (None if found is None else str(found)) == words
        change = Change(at=1.0, by=ADMIN, what="place")
        await store.standing.rule(replace(rule, age_restricted=True), change)
        await store.standing.rule(replace(rule, external_id="70", name="#art", age_restricted=False), change)
        ground = await grounds.of(adult)
        found = grounds.refusal(ground, ADULT, "adult", MEMBER)
        assert str(found) == f"{there} It runs in: #den."
        assert grounds.refusal(await grounds.of(DEN), ADULT, "adult", MEMBER) is None
        grounds.require_words(ground, IMAGINE, {"prompt": "a fox", "negative": "gore"})
        grounds.require_words(await grounds.of(DEN), IMAGINE, {"prompt": "gore"})
        with pytest.raises(NotAllowed) as refused:
            grounds.require_words(ground, IMAGINE, {"prompt": "a {fox|bear}"}, {"prompt": "Gore, a bear"})
        assert str(refused.value) == (
            '"gore" is for age-restricted places alone. Leave it out. It runs in: #den.'
        )
