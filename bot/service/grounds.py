"""What may be made where: places, workflows, levels, and what is for adults alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.contract.levels import Level
from bot.contract.values import ParameterType, Place
from bot.errors import NotAllowed
from bot.jobs.models import PatchValue
from bot.jobs.standing import PlaceRule
from bot.service.policy import Policy
from bot.store.standing import Standing
from bot.workflow.model import Workflow
from bot.workflow.shorthand import negative_of

NAMED = 5
"""Places that a refusal names, at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """A place as its rules have it. `rules` are those of its platform, of which others are told."""

    place: Place
    allowed: bool
    workflows: tuple[str, ...] | None
    age_restricted: bool
    rules: Sequence[PlaceRule] = ()

    def runs(self, names: Iterable[str]) -> bool:
        """Whether a workflow or command of one of these names may run here."""
        return self.workflows is None or not set(self.workflows).isdisjoint(names)


class Grounds:
    """Says no where something is not allowed. Admins may do everything everywhere, but what is for adults alone."""

    def __init__(self, kept: Standing, policy: Policy) -> None:
        self._kept = kept
        self._policy = policy

    async def of(self, place: Place) -> Ground:
        """A place, by what was said of it, of what it is part of, and by the settings."""
        rules = await self._kept.rules(place.platform)
        by_id = {rule.external_id: rule for rule in rules}
        mine = [by_id[each] for each in (place.external_id, *place.within) if each in by_id]
        allowed = next((rule.allowed for rule in mine if rule.allowed is not None), None)
        listed = self._policy.listed(place)
        restricted = next((r.age_restricted for r in mine if r.age_restricted is not None), None)
        return Ground(
            place=place,
            allowed=allowed if allowed is not None else listed is not False,
            workflows=next((rule.workflows for rule in mine if rule.workflows is not None), None),
            age_restricted=place.age_restricted if restricted is None else restricted,
            rules=rules,
        )

    def refusal(self, ground: Ground, workflow: Workflow, command: str, level: Level) -> NotAllowed | None:
        """Why a workflow may not run as this command; None if it may."""
        names = (workflow.name, command)
        if level < Level.ADMIN:
            if not ground.allowed:
                return NotAllowed(f"This bot is not for this place.{self._others(ground)}")
            least = max((self._policy.workflows.get(name, Level.GUEST) for name in names), default=level)
            if level < least:
                whom = {
                    Level.MEMBER: "members",
                    Level.TRUSTED: "trusted people",
                    Level.MODERATOR: "moderators",
                }
                return NotAllowed(
                    f"/{command} is for {whom.get(least, 'admins')}. An admin gives that level with /level."
                )
            if not ground.runs(names):
                there = self._where(ground, lambda rule: rule.workflows is None or _has(rule, names))
                return NotAllowed(f"/{command} does not run here.{there or _instead(ground)}")
        if workflow.age_restricted and not ground.age_restricted:
            return NotAllowed(f"/{command} is for age-restricted places alone.{self._adults(ground)}")
        return None

    def require_words(self, ground: Ground, workflow: Workflow, *readings: Mapping[str, PatchValue]) -> None:
        """Raise `NotAllowed` for words that are for age-restricted places alone, where this is none.

        `readings` are values as they were written, and as they were read. What is not wanted may be named.
        """
        if ground.age_restricted:
            return
        kinds = {parameter.spec.name: parameter.spec.type for parameter in workflow.parameters}
        for name, text in (each for reading in readings for each in reading.items()):
            wanted = kinds.get(name) is ParameterType.TEXT and name != negative_of(workflow)
            word = self._policy.word_in(text) if wanted and isinstance(text, str) else None
            if word is not None:
                raise NotAllowed(
                    f'"{word.removesuffix("*")}" is for age-restricted places alone. Leave it out.'
                    f"{self._adults(ground)}"
                )

    def _others(self, ground: Ground) -> str:
        listed = [
            PlaceRule(platform=ground.place.platform, external_id=each.partition(":")[2], allowed=True)
            for each in sorted(self._policy.places)
            if each.startswith(f"{ground.place.platform}:")
        ]
        known = {rule.external_id: rule for rule in (*listed, *ground.rules)}
        open_ = [rule for rule in known.values() if rule.allowed]
        return _listing("It is for: ", open_) or " An admin can change that with /place."

    def _where(self, ground: Ground, fits: Callable[[PlaceRule], bool]) -> str:
        return _listing(
            "It runs in: ", [rule for rule in ground.rules if rule.allowed is not False and fits(rule)]
        )

    def _adults(self, ground: Ground) -> str:
        return self._where(ground, lambda rule: rule.age_restricted is True)


def _has(rule: PlaceRule, names: Sequence[str]) -> bool:
    return rule.workflows is not None and not set(rule.workflows).isdisjoint(names)


def _listing(lead: str, rules: Sequence[PlaceRule]) -> str:
    """A sentence that names some places; nothing if there are none."""
    names = [rule.name or rule.external_id for rule in rules[:NAMED]]
    return f" {lead}{', '.join(names)}." if names else ""


def _instead(ground: Ground) -> str:
    names = [f"/{name}" for name in ground.workflows or ()]
    return f" Here are: {', '.join(names)}." if names else " An admin can change that with /place."
