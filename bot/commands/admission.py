"""Whom admins let in, on platforms that serve listed people and places only."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.cards.notes import note
from bot.commands.registry import Context, Entry, command
from bot.contract.values import Answer, Invocation, ParameterSpec, ParameterType, Said
from bot.errors import InvalidValue
from bot.store.memory import Memory

ADMISSION: dict[str, Entry] = {}
_LET_IN = "let in:"
_ID = re.compile(r"-?\d{1,20}")

WHO = ParameterSpec(
    name="id",
    type=ParameterType.TEXT,
    title="Id",
    description="The number that the bot tells strangers: theirs, or their chat's",
    required=True,
)


@command(ADMISSION, "allow", "Let a person or a chat in", WHO)
async def allow(context: Context, invocation: Invocation) -> Answer:
    """Lets somebody in from now on."""
    who = _who(invocation)
    known = await let_in(context.memory, context.adapter, [who])
    await context.memory.keep(context.adapter, _LET_IN + who, {"by": invocation.actor.external_id})
    if not known:
        await _note(context, invocation, who, "not let in", "let in")
    return Said(card=note(f"{who} is let in."))


@command(ADMISSION, "forbid", "Let a person or a chat in no longer", WHO)
async def forbid(context: Context, invocation: Invocation) -> Answer:
    """Takes back what `/allow` gave."""
    who = _who(invocation)
    if not await let_in(context.memory, context.adapter, [who]):
        raise InvalidValue(WHO.name, f"{who} was not let in with /allow. Perhaps a setting lists it.")
    await context.memory.drop(context.adapter, _LET_IN + who)
    await _note(context, invocation, who, "let in", "not let in")
    return Said(card=note(f"{who} is let in no longer."))


async def let_in(memory: Memory, adapter: str, ids: Sequence[str]) -> bool:
    """Whether one of these was let in."""
    for each in ids:
        name = _LET_IN + each
        if name in await memory.find(adapter, name):
            return True
    return False


async def _note(context: Context, invocation: Invocation, who: str, before: str, after: str) -> None:
    whom = f"{context.adapter}:{who}"
    await context.steer.note(invocation.actor, invocation.command, whom, before, after)


def _who(invocation: Invocation) -> str:
    given = str(invocation.values.get(WHO.name, "")).strip()
    if _ID.fullmatch(given) is None:
        raise InvalidValue(
            WHO.name, f'An id is a number, as the bot tells it to strangers, but not "{given}".'
        )
    return given
