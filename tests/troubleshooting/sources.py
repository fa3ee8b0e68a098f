"""The sources as trees, and what a name in them stands for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("bot", "adapters")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Module:
    """One file, its parts by name. Constants, and attributes of `self`, are with all that is assigned to them."""

    name: str
    tree: ast.Module
    functions: dict[str, Function] = field(default_factory=dict)
    constants: dict[str, list[ast.expr]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    attributes: dict[str, list[ast.expr]] = field(default_factory=dict)


@dataclass(frozen=True)
class Spot:
    """An expression, where it stands."""

    node: ast.expr
    module: Module
    function: Function | None


class Sources:
    """Every module of the bot and its adapters."""

    def __init__(self, root: Path = ROOT) -> None:
        self.modules: dict[str, Module] = {}
        for part in PARTS:
            for path in sorted((root / part).rglob("*.py")):
                name = ".".join(path.relative_to(root).with_suffix("").parts)
                self.modules[name] = _read(name, path.read_text(encoding="utf-8"))

    @cached_property
    def calls(self) -> list[tuple[str, ast.Call, Spot]]:
        """Every call, by the last part of what is called."""
        return [
            (_last(node.func), node, Spot(node, module, function))
            for module in self.modules.values()
            for function, node in _expressions(module.tree, None)
            if isinstance(node, ast.Call)
        ]

    def definition(self, module: Module, name: str) -> tuple[Module, str] | None:
        """Where a module's name is defined, be it there or where it is imported from."""
        if name in module.functions or name in module.constants:
            return module, name
        target = module.imports.get(name)
        if target is None or target[0] not in self.modules:
            return None
        return self.definition(self.modules[target[0]], target[1])

    def submodule(self, module: Module, name: str) -> Module | None:
        """The module that a name stands for, after `from bot.media.inside import clip`."""
        target = module.imports.get(name)
        return None if target is None else self.modules.get(f"{target[0]}.{target[1]}")


def _read(name: str, text: str) -> Module:
    module = Module(name, ast.parse(text))
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            module.functions.setdefault(node.name, node)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                module.imports[alias.asname or alias.name] = (node.module, alias.name)
        elif isinstance(node, ast.Assign):
            for attribute in (_attribute(target) for target in node.targets):
                if attribute is not None:
                    module.attributes.setdefault(attribute, []).append(node.value)
    for statement in module.tree.body:
        for target, value in assignments(statement):
            module.constants.setdefault(target, []).append(value)
    return module


def _attribute(target: ast.expr) -> str | None:
    """The attribute of `self` that is set, or that something is put into."""
    match target:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name
        case ast.Subscript(value=inner):
            return _attribute(inner)
    return None


def assignments(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The names that a statement sets, each with what it is set to."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id, node.value
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = zip(target.elts, node.value.elts, strict=True)
                yield from ((name.id, value) for name, value in pairs if isinstance(name, ast.Name))
    elif (
        isinstance(node, ast.AnnAssign | ast.NamedExpr)
        and isinstance(node.target, ast.Name)
        and node.value is not None
    ):
        yield node.target.id, node.value


def _expressions(node: ast.AST, function: Function | None) -> Iterator[tuple[Function | None, ast.expr]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield function, child
        yield from _expressions(child, child if isinstance(child, Function) else function)


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
    return ""
