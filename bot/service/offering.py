"""What the workflows here can do for people now: which of them run somewhere, and which serves which role."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import is_

from bot.cards.actions import Verb
from bot.comfy.schemas import NodeSchemas
from bot.contract.values import Command
from bot.errors import NotOffered
from bot.service.servers import Servers
from bot.workflow.model import ROLES, Role, Workflow
from bot.workflow.roles import in_order, serving
from bot.workflow.shorthand import short_specs
from bot.workflow.vocabulary import NO_WORDS, Vocabulary

ROLE_OF: Mapping[Verb, Role] = {
    Verb.USE: Role.EDIT,
    Verb.VARY: Role.VARY,
    Verb.UPSCALE: Role.UPSCALE,
    Verb.ANIMATE: Role.ANIMATE,
    Verb.DESCRIBE: Role.DESCRIBE,
}
"""The roles that buttons of a picture stand for."""


class Offering:
    """The workflows and the roles that they serve. Nothing that no server can run is shown to people."""

    def __init__(
        self,
        workflows: Mapping[str, Workflow],
        servers: Servers,
        first: Sequence[str] = (),
        words: Callable[[], Vocabulary] = lambda: NO_WORDS,
    ) -> None:
        """`first` are the workflows that the owner wants tried before all others; `words` gives the owner's words."""
        self._workflows = workflows
        self._servers = servers
        self._first = first
        self._verbs: tuple[tuple[NodeSchemas, ...], frozenset[Verb]] | None = None
        self.words = words

    def runnable(self) -> list[Workflow]:
        """Those that some server can run, in their order; all of them before any server has told what it has."""
        return [workflow for workflow in self._in_order() if self._servers.can_run(workflow)]

    def _in_order(self) -> list[Workflow]:
        """As they are now: some become known only with what the servers have."""
        return in_order(self._workflows.values(), self._first)

    def serving(self, role: Role) -> Workflow | None:
        """The workflow that serves a role now. One that is named like the role always does."""
        named = self._workflows.get(role)
        if named is not None and self._servers.can_run(named):
            return named
        return serving(role, self.runnable())

    def serving_all(self, name: str) -> list[Workflow]:
        """All workflows that serve a role now, in their order; none for a name that is no role's."""
        return [workflow for workflow in self.runnable() if name in workflow.roles]

    def roles(self) -> frozenset[Role]:
        """The roles that are known to be served."""
        if not self._servers.known():
            return frozenset()
        runnable = self.runnable()
        return frozenset(role for role in Role if serving(role, runnable) or self.serving(role))

    def verbs(self) -> frozenset[Verb]:
        """What cards offer to do with a picture. Every card asks, and it changes only with what the servers have."""
        schemas = self._servers.schemas()
        if self._verbs is None or not _same(self._verbs[0], schemas):
            roles = self.roles()
            self._verbs = (schemas, frozenset(verb for verb, role in ROLE_OF.items() if role in roles))
        return self._verbs[1]

    def find(self, name: str) -> Workflow | None:
        """The workflow of a command, whether or not it runs anywhere; for a role whichever serves it now."""
        if name in set(Role):
            found = self.serving(Role(name))
            if found is not None:
                return found
        return self._workflows.get(name)

    def has(self, name: str) -> bool:
        """Whether a command is a workflow's or a role."""
        return name in self._workflows or name in set(Role)

    def require(self, name: str) -> Workflow:
        """The workflow of a command. Raises `NotOffered` for a role that nothing serves."""
        found = self.find(name)
        if found is None:
            raise NotOffered(f"Nothing here can do /{name} yet: {_NEEDED}")
        return found

    def commands(self) -> list[Command]:
        """The roles that are served, then every workflow that can run by its own name."""
        runnable = self.runnable()
        served = {role: found for role in ROLES if (found := self.serving(role)) is not None}
        roles = [
            self._in_short(found, found.serving(role, self._servers.choices(found)))
            for role, found in served.items()
        ]
        own = [
            self._in_short(workflow, workflow.command(self._servers.choices(workflow)))
            for workflow in runnable
            if workflow.name not in set(Role)
        ]
        return [*roles, *own]

    def _in_short(self, workflow: Workflow, command: Command) -> Command:
        """The command with what may be said for short, before what few people change."""
        short = short_specs(workflow, tuple(self.words().styles))
        usual = [spec for spec in (*command.parameters, *short) if not spec.more]
        return replace(
            command, parameters=(*usual, *(spec for spec in (*command.parameters, *short) if spec.more))
        )


def _same(before: Sequence[NodeSchemas], now: Sequence[NodeSchemas]) -> bool:
    return len(before) == len(now) and all(map(is_, before, now))


_NEEDED = "its owner can see with `muralist check` which model is missing."
