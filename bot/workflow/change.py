"""Changes that somebody makes to what was found out of a workflow, as changes of its `workflow.toml`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import InvalidValue
from bot.workflow.model import Parameter, Role, Workflow
from bot.workflow.source import MOST_NAME
from bot.workflow.usual import USUAL

File = Mapping[str, Any]
"""What `workflow.toml` says, as it is written there."""

NOTHING_CHOSEN: File = {"infer": True}
"""The file of a workflow of which all is found out."""

_COMMAND = re.compile(rf"[a-z][a-z0-9-]{{0,{MOST_NAME - 1}}}")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,31}")


def command_name(wanted: str) -> str:
    """A name as every platform takes it for a command. Raises `InvalidValue`."""
    name = wanted.strip().lstrip("/").lower().replace(" ", "-").replace("_", "-")
    if not _COMMAND.fullmatch(name):
        raise InvalidValue(
            "name", f'A command is called by at most {MOST_NAME} of a-z, 0-9 and -, but not "{wanted}".'
        )
    return name


def renamed(file: File, workflow: Workflow, old: str, wanted: str) -> File:
    """A parameter is called otherwise. Raises `InvalidValue`."""
    parameter, name = parameter_of(workflow, old), wanted.strip().lower().replace(" ", "_").replace("-", "_")
    if not _PARAMETER.fullmatch(name):
        raise InvalidValue(
            "name", f'An option is called by at most 32 of a-z, 0-9 and _, but not "{wanted}".'
        )
    if name == old:
        return file
    if name in [each.spec.name for each in workflow.parameters]:
        raise InvalidValue("name", f'There is another option "{name}" already.')
    usual = USUAL.get(name, {}).get("type")
    if usual is not None and usual != _kind(parameter):
        raise InvalidValue("name", f'"{name}" is the name of an option for {_KINDS[usual]}. Choose another.')
    tables = dict(file.get("parameters", {}))
    table = {**_table(tables.pop(old, {})), "to": [str(target) for target in parameter.targets]}
    if usual is not None:
        table = {**_stated(parameter.spec), **table}
    return {**file, "parameters": {**tables, name: table}}


def hidden(file: File, workflow: Workflow, name: str, inferred: Sequence[Parameter]) -> File:
    """A parameter is not to be set. What was found out is said to be hidden under the name that it had then."""
    parameter = parameter_of(workflow, name)
    if file.get("infer") is False:
        own = dict(file.get("parameters", {}))
        return {**file, "parameters": {**own, name: {**_table(own[name]), "hide": True}}}
    tables = {key: table for key, table in file.get("parameters", {}).items() if key != name}
    for each in inferred:
        if set(each.targets) & set(parameter.targets):
            tables[each.spec.name] = {"hide": True}
    return {**file, "parameters": tables}


def shown(file: File, name: str) -> File:
    """What was hidden is to be set again. Raises `InvalidValue`."""
    tables = dict(file.get("parameters", {}))
    if name not in hidden_names(file):
        raise InvalidValue("parameter", f'No option "{name}" is hidden.')
    table = {key: value for key, value in _table(tables.pop(name)).items() if key != "hide"}
    if table:
        tables[name] = table
    return {**file, "parameters": tables}


def titled(file: File, workflow: Workflow, name: str, title: str) -> File:
    """People read another word for a parameter."""
    parameter_of(workflow, name)
    tables = dict(file.get("parameters", {}))
    return {**file, "parameters": {**tables, name: {**_table(tables.get(name, {})), "title": title}}}


def moved(file: File, workflow: Workflow, name: str) -> File:
    """A parameter goes behind 'more', or comes from there."""
    parameter = parameter_of(workflow, name)
    tables = dict(file.get("parameters", {}))
    tables[name] = {**_table(tables.get(name, {})), "more": not parameter.spec.more}
    return {**file, "parameters": tables}


def serving(file: File, workflow: Workflow, role: Role) -> File:
    """It serves a role, or no longer."""
    kept = [each for each in workflow.roles if each is not role]
    roles = kept if role in workflow.roles else [*kept, role]
    return {**{key: value for key, value in file.items() if key != "role"}, "roles": [str(r) for r in roles]}


def hidden_names(file: File) -> list[str]:
    """The parameters that are hidden."""
    tables = file.get("parameters", {})
    return [name for name, table in tables.items() if isinstance(table, Mapping) and table.get("hide")]


def parameter_of(workflow: Workflow, name: str) -> Parameter:
    """A parameter by its name. Raises `InvalidValue`."""
    found = next((each for each in workflow.parameters if each.spec.name == name), None)
    if found is None:
        known = ", ".join(each.spec.name for each in workflow.parameters)
        raise InvalidValue("parameter", f'/{workflow.name} has no option "{name}". There are: {known}.')
    return found


_STATED = ("description", "required", "default", "minimum", "maximum", "step", "max_length", "more")

_KINDS: Mapping[str, str] = {
    "text": "words", "integer": "whole numbers", "number": "numbers", "seed": "seeds", "choice": "choices",
    "image": "pictures",
}  # fmt: skip


def _stated(spec: ParameterSpec) -> dict[str, Any]:
    """What a parameter takes, said in full: a usual name would bring other bounds."""
    stated = {key: getattr(spec, key) for key in _STATED}
    return {key: value for key, value in stated.items() if value is not None and value != ""}


def _kind(parameter: Parameter) -> ParameterType:
    return parameter.spec.type


def _table(table: object) -> dict[str, Any]:
    return dict(table) if isinstance(table, Mapping) else {"to": table}
