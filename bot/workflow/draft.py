"""A workflow as its files have it: whole, or still without the parameters that a server's schemas tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.comfy.schemas import NodeSchemas
from bot.errors import ConfigError
from bot.jobs.models import Graph
from bot.workflow.declare import Place, adjusted, declared, targets_of
from bot.workflow.infer.infer import Inferred, infer
from bot.workflow.infer.interface import Interface
from bot.workflow.model import ROLES, Parameter, Role, Target, Workflow
from bot.workflow.tables import ParameterTable, WorkflowFile, line_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What was read of one workflow. `text` is that of `workflow.toml`, `ui` the form that its author sees."""

    name: str
    graph: Graph
    version: str
    file: WorkflowFile
    text: str
    interface: Interface
    ui: Mapping[str, Any] | None = None
    bundled: bool = False
    revision: int | None = None

    @property
    def whole(self) -> bool:
        """Whether its files say all that there is to say."""
        return not self.file.infers

    def complete(self, schemas: NodeSchemas) -> Workflow:
        """The workflow, with what its files do not say inferred. Raises `ConfigError` for what does not fit."""
        if self.whole:
            return self._workflow(tuple(self._bound({})), ())
        made = infer(self.graph, schemas, self.interface)
        roles = () if made.role is None or not _serves(made.parameters) else (made.role,)
        return self._workflow(tuple(self._merged(made)), roles)

    @property
    def title(self) -> str:
        """What people read."""
        return self.file.title or self.name.replace("_", " ").replace("-", " ").capitalize()

    def written_out(self) -> Mapping[str, Any]:
        """What its `workflow.toml` says, or would say of the same workflow, with all that is usual stated."""
        said = self.file.model_dump(exclude_unset=True, exclude_none=True)
        return {**said, "infer": False} if self.whole else said

    def check(self) -> None:
        """Raise `ConfigError` for what is wrong whatever a server has: what the graph lacks, first of all."""
        if self.whole:
            self.complete(NodeSchemas({}))
        for name, table in self.file.parameters.items():
            if table.to is not None:
                targets_of(self._place(name), self.graph, table)

    def _workflow(self, parameters: tuple[Parameter, ...], inferred: Sequence[Role]) -> Workflow:
        file = self.file
        stated = (file.role, *(file.roles or ())) if file.role or file.roles is not None else None
        roles = tuple(inferred) if stated is None else tuple(Role(name) for name in stated if name)
        return Workflow(
            name=self.name,
            title=self.title,
            description=file.description or (ROLES[roles[0]] if roles else self.title),
            roles=tuple(dict.fromkeys(roles)),
            bundled=self.bundled,
            guessed=stated is None and bool(roles),
            order=file.order,
            age_restricted=file.age_restricted,
            graph=self.graph,
            version=self.version,
            revision=self.revision,
            parameters=parameters,
        )

    def _place(self, name: str) -> Place:
        return Place(workflow=self.name, parameter=name, line=line_of(self.text, name))

    def _bound(self, base: Mapping[Target, Parameter]) -> Iterator[Parameter]:
        """The parameters that the file binds; `base` are those that are inferred of the same inputs."""
        for name, table in self.file.parameters.items():
            if table.to is not None and not table.hide:
                yield declared(self._place(name), self.graph, table, base)

    def _merged(self, made: Inferred) -> Iterator[Parameter]:
        """What is inferred as the file changes it; what the file binds takes its place, or stands before 'more'."""
        base = {target: parameter for parameter in made.parameters for target in parameter.targets}
        own = list(self._bound(base))
        claimed = {target for parameter in own for target in parameter.targets}
        self._check_names(made, {parameter.spec.name for parameter in own})
        waiting = [each for each in own if not set(each.targets) & set(base)]
        for parameter in made.parameters:
            if parameter.spec.more:
                yield from waiting
                waiting = []
            yield from (each for each in own if each.targets[0] in parameter.targets)
            rest = tuple(target for target in parameter.targets if target not in claimed)
            table = self.file.parameters.get(parameter.spec.name, ParameterTable())
            if rest == parameter.targets and not table.hide and table.to is None:
                yield adjusted(self._place(parameter.spec.name), parameter, table)
        yield from waiting

    def _check_names(self, made: Inferred, bound: set[str]) -> None:
        known = {parameter.spec.name for parameter in made.parameters}
        for name, table in self.file.parameters.items():
            if table.to is None and name not in known | bound:
                raise ConfigError(
                    f'{self._place(name)}: nothing is found in graph.json that is called "{name}", so the parameter '
                    f"needs to = [...]. There are: {', '.join(sorted(known))}."
                )


def draft_of(
    *,
    name: str,
    graph: Graph,
    version: str,
    file: WorkflowFile,
    text: str,
    interface: Interface,
    ui: Mapping[str, Any] | None = None,
    revision: int | None = None,
) -> Draft:
    """A draft whose bindings are checked. Raises `ConfigError`."""
    draft = Draft(
        name=name,
        graph=graph,
        version=version,
        file=file,
        text=text,
        interface=interface,
        ui=ui,
        revision=revision,
    )
    draft.check()
    return draft


def _serves(parameters: Sequence[Parameter]) -> bool:
    """Whether a button can run it: words and one picture are all that it may need."""
    needed = [parameter.spec for parameter in parameters if parameter.spec.required]
    kinds = [spec.type.value for spec in needed if spec.type.value != "text"]
    return kinds in ([], ["image"]) and len(needed) - len(kinds) <= 1
