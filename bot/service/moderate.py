"""What moderators and admins say of people and places."""

from __future__ import annotations

import re
import time
from dataclasses import replace

from bot.contract.levels import Level
from bot.contract.overview import Change
from bot.contract.values import Actor, OutputRef, Place
from bot.errors import InvalidValue, NoSuchJob, NotAllowed
from bot.feed import Feed
from bot.jobs.standing import Ban, PlaceRule
from bot.service.rights import Rights, Trust
from bot.store.store import Store

_KNOWN_AS = re.compile(r"([a-z]+):(\S+)")
_MENTION = re.compile(r"<@!?(\d+)>")
_NUMBER = re.compile(r"-?\d{1,20}")


class Moderate:
    """Changes levels, bans and rules. That somebody may do so was checked; whom they may touch is checked here."""

    def __init__(self, store: Store, feed: Feed, rights: Rights) -> None:
        self._store = store
        self._feed = feed
        self._rights = rights

    async def person(self, words: str, platform: str, about: OutputRef | None, place: Place) -> Actor:
        """Whom somebody means: by id (`discord:123`, or the number on this platform), mention, name, or one of their
        pictures of this place. Raises `InvalidValue` or `NoSuchJob`."""
        if about is not None:
            view = await self._store.messages.of_job(about.job)
            if view is None or view.place != place:
                raise NoSuchJob
            return view.actor
        words = words.strip().strip('"')
        known_as, mention = _KNOWN_AS.fullmatch(words), _MENTION.fullmatch(words)
        if known_as is not None:
            return await self._known(known_as[1], known_as[2])
        if mention is not None or _NUMBER.fullmatch(words):
            return await self._known(platform, mention[1] if mention is not None else words)
        return await self._called(words, platform)

    async def _known(self, platform: str, external_id: str) -> Actor:
        who = Actor(platform=platform, external_id=external_id, name=external_id)
        return replace(who, name=await self._store.people.name(who) or external_id)

    async def _called(self, name: str, platform: str) -> Actor:
        if not name:
            raise InvalidValue("person", "Say whom: their id, their name, or answer one of their pictures.")
        found = await self._store.standing.called(platform, name.removeprefix("@"))
        if not found:
            raise InvalidValue(
                "person", f'Nobody who was here is called "{name}". Give their id, as in {platform}:1234.'
            )
        if len(found) > 1:
            several = ", ".join(each.known_as for each in found[:5])
            raise InvalidValue("person", f'Several people are called "{name}". Give an id: {several}.')
        return found[0]

    async def trust(self, who: Actor) -> Trust:
        """How far a person is trusted; what their platform says of their roles is not known here."""
        return await self._rights.trust(who)

    async def give(self, by: Actor, who: Actor, level: Level | None) -> Level:
        """Give a person a level; None takes it back. Says what they have now. Raises `NotAllowed`."""
        before = await self._touchable(by, who)
        given = "default" if level is None else str(level)
        await self._store.standing.give(who, level, _change(by, "level", who.known_as, str(before), given))
        return await self._rights.level(who)

    async def ban(self, by: Actor, who: Actor, ban: Ban, *, running: bool) -> int:
        """Block a person and end what waits of theirs, and what runs if so asked. Says how many.

        Raises `NotAllowed`.
        """
        before = await self._touchable(by, who)
        end = (
            "for good"
            if ban.until is None
            else time.strftime("until %Y-%m-%d %H:%M UTC", time.gmtime(ban.until))
        )
        after = f"{end}: {ban.reason}" if ban.reason else end
        await self._store.standing.ban(who, ban, _change(by, "ban", who.known_as, str(before), after))
        ended = await self._store.standing.unfinished(who, running=running)
        for job in ended:
            await self._store.queue.cancel(job, now=time.time())
            self._feed.cancelled(job)
        return len(ended)

    async def unban(self, by: Actor, who: Actor) -> bool:
        """Lift a ban. Whether there was one."""
        change = _change(by, "unban", who.known_as, str(Level.BLOCKED), "")
        return await self._store.standing.unban(who, change)

    async def rule(self, by: Actor, before: PlaceRule, rule: PlaceRule) -> None:
        """Say something of a place, in place of what was said `before`."""
        whom = f"{rule.platform}:{rule.external_id}"
        await self._store.standing.rule(rule, _change(by, "place", whom, _said(before), _said(rule)))

    async def _touchable(self, by: Actor, who: Actor) -> Level:
        """The level of somebody whom `by` may touch: an admin those whom no setting makes one, others those below."""
        mine, theirs = await self._rights.level(by), await self._rights.level(who)
        if who.known_as == by.known_as:
            raise NotAllowed("That would be yourself.")
        if who.external_id in self._rights.named(who.platform):
            raise NotAllowed(f"{who.name} is admin by the setting ADMINS. The owner can change that there.")
        if mine is not Level.ADMIN and theirs >= mine:
            raise NotAllowed(f"{who.name} is {theirs} too. That takes an admin.")
        return theirs


def _change(by: Actor, what: str, whom: str, before: str, after: str) -> Change:
    return Change(at=time.time(), by=by, what=what, whom=whom, before=before, after=after)


def _said(rule: PlaceRule) -> str:
    """A rule as the audit trail has it: what was said of the place."""
    workflows = None if rule.workflows is None else "+".join(rule.workflows) or "none"
    said = {
        "allowed": _word(rule.allowed),
        "workflows": workflows,
        "age-restricted": _word(rule.age_restricted),
    }
    return ", ".join(f"{name} {value}" for name, value in said.items() if value is not None)


def _word(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"
