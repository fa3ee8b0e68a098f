"""The ComfyUI servers as the service sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from operator import is_

from bot.comfy.backend import ComfyBackend
from bot.comfy.health import Condition
from bot.comfy.schemas import NodeSchemas
from bot.errors import InvalidValue, NoBackend, NotOffered
from bot.jobs.models import Graph
from bot.scheduling.caps import Purse
from bot.service.families import Families
from bot.workflow import offers
from bot.workflow.model import Workflow
from bot.workflow.paid import Cost, costs, not_allowed
from bot.workflow.patch import Choices
from bot.workflow.preflight import by_parameter, misfits


class Servers:
    """Answers whether and with what a workflow can run."""

    def __init__(self, backends: Sequence[ComfyBackend], purse: Purse = Purse()) -> None:  # noqa: B008 - frozen
        """`purse` says whether workflows may cost money."""
        self.backends = tuple(backends)
        """They come and go while Muralist runs."""
        self.purse = purse
        self._seen: tuple[NodeSchemas, ...] = ()
        self._troubles: dict[tuple[str, str, int], list[str]] = {}
        self._choices: dict[tuple[str, str], Choices] = {}
        self.families = Families(lambda: self.backends)
        self._families_seen = 0

    def answering(self) -> bool:
        """Whether any server answered when it was last asked."""
        return any(backend.up for backend in self.backends)

    def known(self) -> bool:
        """Whether any server has told what it has."""
        return bool(self.schemas())

    def can_run(self, workflow: Workflow) -> bool:
        """Whether some server has all that a workflow needs, as last known; true while none has told."""
        schemas = self.schemas()
        return not schemas or any(not self._problems(workflow, each) for each in schemas)

    def choices(self, workflow: Workflow) -> Choices:
        """What the servers that can run a workflow together offer for its choices, as last known."""
        schemas = self.schemas()
        key = (workflow.name, workflow.version)
        if key not in self._choices:
            able = [each for each in schemas if not self._problems(workflow, each)]
            self._choices[key] = offers.choices(workflow, able or schemas, self.families.of)
        return self._choices[key]

    async def look(self) -> None:
        """Ask every server how it is, unless that is known by now."""
        if not self._asked():
            await asyncio.gather(*(backend.probe() for backend in self.backends))

    async def ready(self) -> None:
        """Raise `NoBackend` if there is no server to wait for.

        While none answers, a request waits for those that are away, by what they offered last; not for those of
        which nothing was ever known, nor for those that a guard bars.
        """
        if not self._offers() or not (self.answering() or self._asked()):
            await asyncio.gather(*(backend.probe() for backend in self.backends))
        if not self._offers():
            raise NoBackend(self._silence())
        if not self.answering():
            for backend in self.backends:
                backend.look_soon()

    def require(self, workflow: Workflow) -> None:
        """Raise `NotOffered` if no server can run the workflow, be it one that is away now."""
        troubles = [self._problems(workflow, each) for each in self._offers()]
        if all(troubles):
            raise NotOffered(min(troubles, key=len)[0])

    def require_families(self, workflow: Workflow, raw: Mapping[str, object]) -> None:
        """Raise `InvalidValue` for a model that there is, but that the workflow is not made for."""
        fitting, every = self.choices(workflow), offers.all_choices(workflow, self._offers())
        for parameter in workflow.parameters:
            name = parameter.spec.name
            wrong = offers.misplaced(raw.get(name), fitting.get(name, ()), every.get(name, ()))
            if wrong is not None:
                wanted = offers.families_for(workflow, parameter, self.families.of)
                kind = self.families.of(offers.folder(workflow, parameter) or "", wrong)
                raise InvalidValue(
                    name, offers.not_made_for(parameter, wrong, kind, wanted, fitting.get(name, ()))
                )

    def able(self, workflow: Workflow) -> list[NodeSchemas]:
        """What those have that can run a workflow, be they away now."""
        return [each for each in self._offers() if not self._problems(workflow, each)]

    def unfit(self, workflow: Workflow, graph: Graph) -> frozenset[str]:
        """The addresses of the servers that can't run a patched graph, as far as it is known what they have.

        Raises `InvalidValue` or `NotOffered` if none can that answers, or may answer again.
        """
        found = {
            backend.url: list(misfits(workflow, graph, backend.schemas))
            for backend in self._usable()
            if backend.schemas is not None
        }
        worst = by_parameter(found)
        if worst is not None and worst.parameter is not None:
            raise InvalidValue(worst.parameter, worst.sentence)
        if worst is not None:
            raise NotOffered(worst.sentence)
        return frozenset(url for url, wrong in found.items() if wrong)

    def schemas(self) -> tuple[NodeSchemas, ...]:
        """What is known of the servers, whether or not they answer now. Forgets what was found out of older ones."""
        known = tuple([found for backend in self.backends if (found := backend.schemas) is not None])
        same = len(known) == len(self._seen) and all(map(is_, known, self._seen))
        if not same or self.families.revision != self._families_seen:
            self._seen, self._families_seen = known, self.families.revision
            self._troubles.clear()
            self._choices.clear()
        return known

    def _problems(self, workflow: Workflow, schemas: NodeSchemas) -> list[str]:
        self.schemas()
        key = (workflow.name, workflow.version, id(schemas))  # what is seen is held, so no id means another
        if key not in self._troubles:
            dear = not_allowed(costs(workflow.graph, schemas), self.purse)
            self._troubles[key] = (
                offers.problems(workflow, schemas, self.families.of) if dear is None else [dear]
            )
        return self._troubles[key]

    def costs(self, graph: Graph) -> list[Cost]:
        """What a run asks of services that cost money, as far as any server tells."""
        return max((costs(graph, each) for each in self.schemas()), key=len, default=[])

    def _offers(self) -> list[NodeSchemas]:
        return [backend.schemas for backend in self._usable() if backend.schemas is not None]

    def _usable(self) -> list[ComfyBackend]:
        """The servers that answer, or may answer again."""
        return [backend for backend in self.backends if backend.up or backend.barred is None]

    def _asked(self) -> bool:
        """Whether it is known by now how each server is."""
        return all(backend.condition is not Condition.UNKNOWN for backend in self.backends)

    def _silence(self) -> str:
        barred = next((backend.barred for backend in self.backends if backend.barred is not None), None)
        if barred is not None:
            return barred
        names = ", ".join(backend.name for backend in self.backends)
        return f"ComfyUI does not answer at {names}. Start it, then send the command again."
