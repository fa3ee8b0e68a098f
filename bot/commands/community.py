"""Levels, bans, places and quotas."""

from __future__ import annotations

import re
import time
from dataclasses import replace

from bot.cards.notes import note
from bot.cards.standing import place_card, quota_card
from bot.commands.registry import Context, Entry, command
from bot.contract.levels import Level
from bot.contract.values import Actor, Answer, Invocation, ParameterSpec, ParameterType, Place, Said
from bot.errors import InvalidValue
from bot.jobs.standing import Ban, PlaceRule
from bot.scheduling.allowance import in_hours
from bot.workflow.model import Role

COMMUNITY: dict[str, Entry] = {}

DEFAULT = "default"
"""Instead of a level, or of yes and no: as it is without anybody's word."""

SWITCH = ("yes", "no", DEFAULT)
_YES_NO = {"yes": True, "no": False, "true": True, "false": False, DEFAULT: None}
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_STRETCH = re.compile(r"(\d{1,4})\s*([mhdw])")
_BAN = re.compile(r"(?:for\s+(?P<stretch>\d{1,4}\s*[mhdw])\b)?\s*(?P<reason>.*)", re.DOTALL | re.IGNORECASE)
_PERSON = re.compile(r'\s*(?P<person>"[^"]+"|\S+)?\s*(?P<rest>.*)', re.DOTALL)

PERSON = ParameterSpec(
    name="person",
    type=ParameterType.TEXT,
    title="Person",
    description="Their id or name; or answer one of their pictures",
)
LEVEL = ParameterSpec(
    name="level",
    type=ParameterType.CHOICE,
    title="Level",
    description="How far they are trusted",
    choices=(*map(str, Level), DEFAULT),
)
FOR = ParameterSpec(
    name="for", type=ParameterType.TEXT, title="For", description="How long, as in 30m, 12h, 3d or 2w"
)
REASON = ParameterSpec(
    name="reason", type=ParameterType.TEXT, title="Reason", description="Why; they are told"
)
RUNNING = ParameterSpec(
    name="running",
    type=ParameterType.BOOLEAN,
    title="Running",
    description="End what runs too, not only what waits",
)
PLACE = ParameterSpec(
    name="place", type=ParameterType.TEXT, title="Place", description="Its id; without one it is this place"
)
ALLOWED = ParameterSpec(
    name="allowed",
    type=ParameterType.CHOICE,
    title="Allowed",
    description="Whether pictures may be made there",
    choices=SWITCH,
)
WORKFLOWS = ParameterSpec(
    name="workflows",
    type=ParameterType.TEXT,
    title="Workflows",
    description="The commands that run there, with commas between them; or all",
)
AGE_RESTRICTED = ParameterSpec(
    name="age_restricted",
    type=ParameterType.CHOICE,
    title="Age-restricted",
    description="Whether only adults are there",
    choices=SWITCH,
)


@command(COMMUNITY, "quota", "What you have used of the GPUs today, and what is left")
async def quota(context: Context, invocation: Invocation) -> Answer:
    """Says how the asker's day stands."""
    budget = await context.quota.of(invocation.actor)
    return Said(
        card=quota_card(
            seconds=budget.seconds,
            spent=budget.spent,
            typical=budget.typical,
            anew=budget.anew,
            now=time.time(),
        )
    )


@command(COMMUNITY, "level", "See or set how far a person is trusted", PERSON, LEVEL)
async def level(context: Context, invocation: Invocation) -> Answer:
    """Gives a level, or tells it."""
    who, rest = await _person(context, invocation)
    words = str(invocation.values.get(LEVEL.name) or rest).strip()
    if not words:
        trust = await context.moderate.trust(who)
        return Said(card=note(f"{_called(who)} is {trust.level}."))
    now = await context.moderate.give(invocation.actor, who, _level(words))
    return Said(card=note(f"{_called(who)} is {now} from now on."))


@command(COMMUNITY, "ban", "Block a person, for a while or for good", PERSON, FOR, REASON, RUNNING)
async def ban(context: Context, invocation: Invocation) -> Answer:
    """Blocks somebody, and ends what waits of theirs."""
    who, rest = await _person(context, invocation)
    said = _BAN.fullmatch(rest.strip())
    assert said is not None, "anything is a reason"
    now = time.time()
    stretch = str(invocation.values.get(FOR.name) or said["stretch"] or "")
    reason = " ".join((str(invocation.values.get(REASON.name) or "") or said["reason"]).split())
    seconds = _seconds(stretch) if stretch else None
    given = Ban(
        reason=reason, by=invocation.actor.known_as, at=now, until=None if seconds is None else now + seconds
    )
    running = _YES_NO.get(str(invocation.values.get(RUNNING.name, "no")).lower()) is True
    ended = await context.moderate.ban(invocation.actor, who, given, running=running)
    until = "for good" if seconds is None else f"for {in_hours(seconds / 3600)}"
    jobs = "" if ended == 0 else f" {'1 job is' if ended == 1 else f'{ended} jobs are'} cancelled."
    return Said(card=note(f"{_called(who)} is banned {until}.{jobs}"))


@command(COMMUNITY, "unban", "Lift a ban", PERSON)
async def unban(context: Context, invocation: Invocation) -> Answer:
    """Takes back what `/ban` did."""
    who, _ = await _person(context, invocation)
    was = await context.moderate.unban(invocation.actor, who)
    return Said(
        card=note(f"{_called(who)} is banned no longer." if was else f"{_called(who)} was not banned.")
    )


@command(COMMUNITY, "place", "See or set what runs in a place", PLACE, ALLOWED, WORKFLOWS, AGE_RESTRICTED)
async def place(context: Context, invocation: Invocation) -> Answer:
    """Shows a place's rules, or changes them."""
    where = _place(invocation)
    ground = await context.grounds.of(where)
    known = next((each for each in ground.rules if each.external_id == where.external_id), None)
    rule = known or PlaceRule(platform=where.platform, external_id=where.external_id)
    known_names = {*(published.name for published in context.commands()), *Role}
    changed = _changed(rule, invocation, known_names)
    if changed != rule:
        await context.moderate.rule(invocation.actor, rule, replace(changed, name=where.name or rule.name))
        ground = await context.grounds.of(where)
    return Said(
        card=place_card(
            name=where.name or rule.name,
            known_as=f"{where.platform}:{where.external_id}",
            allowed=ground.allowed,
            workflows=ground.workflows,
            age_restricted=ground.age_restricted,
        )
    )


async def _person(context: Context, invocation: Invocation) -> tuple[Actor, str]:
    """Whom a command is about, and what was written after them."""
    words = str(invocation.values.get(PERSON.name) or "")
    if invocation.reply_to is not None:
        person, rest = "", words
    else:
        read = _PERSON.fullmatch(words)
        assert read is not None, "anything fits"
        person, rest = read["person"] or "", read["rest"]
    platform = invocation.actor.platform
    who = await context.moderate.person(person, platform, invocation.reply_to, invocation.place)
    return who, rest


def _place(invocation: Invocation) -> Place:
    """The place that is meant: this one, or one of this platform by its id."""
    given = str(invocation.values.get(PLACE.name) or "").strip().strip("<#>")
    here = invocation.place
    external_id = given.removeprefix(f"{here.platform}:")
    if external_id in ("", "here", here.external_id):
        return here
    if re.fullmatch(r"[\w:-]{1,64}", external_id) is None:
        raise InvalidValue(PLACE.name, f'A place has an id, as /place tells it there, but not "{given}".')
    return Place(platform=here.platform, external_id=external_id)


def _changed(rule: PlaceRule, invocation: Invocation, known: set[str]) -> PlaceRule:
    if (given := invocation.values.get(ALLOWED.name)) is not None:
        rule = replace(rule, allowed=_switch(ALLOWED, str(given)))
    if (given := invocation.values.get(AGE_RESTRICTED.name)) is not None:
        rule = replace(rule, age_restricted=_switch(AGE_RESTRICTED, str(given)))
    if (given := invocation.values.get(WORKFLOWS.name)) is not None:
        rule = replace(rule, workflows=_workflows(str(given), known))
    return rule


def _switch(spec: ParameterSpec, given: str) -> bool | None:
    if given.strip().lower() not in _YES_NO:
        raise InvalidValue(spec.name, f"{spec.title} can be {', '.join(SWITCH)}.")
    return _YES_NO[given.strip().lower()]


def _workflows(given: str, known: set[str]) -> tuple[str, ...] | None:
    names = tuple(name.strip().lstrip("/") for name in given.split(",") if name.strip())
    if names in (("all",), (DEFAULT,)):
        return None
    for name in names:
        if name not in known:
            raise InvalidValue(WORKFLOWS.name, f"There is no command /{name}. /help lists them all.")
    return names


def _level(words: str) -> Level | None:
    if words.lower() == DEFAULT:
        return None
    try:
        return Level.named(words)
    except ValueError as error:
        raise InvalidValue(LEVEL.name, str(error)) from error


def _seconds(text: str) -> float:
    read = _STRETCH.fullmatch(text.strip().lower())
    if read is None:
        raise InvalidValue(FOR.name, "How long is a number and m, h, d or w, as in 12h or 3d.")
    return float(read[1]) * _UNITS[read[2]]


def _called(who: Actor) -> str:
    return who.known_as if who.name == who.external_id else f"{who.name} ({who.known_as})"
