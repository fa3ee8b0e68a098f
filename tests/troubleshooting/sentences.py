"""Finds the sentences that people read when something goes wrong, each with its class of the error tree.

What is passed to an error's class is followed to the words that it can be: constants, functions' returns, what
callers pass. `…` stands for what is put in.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.troubleshooting.sources import Function, Module, Sources, Spot, assignments

ROOT_CLASS = "MuralistError"
BESIDE = ("Finding", "Trouble")
"""Values that tell of what is wrong without being raised."""

SHORTEST = 3
"""Words; what is shorter is a name or a piece of a sentence."""

GAP = "…"

CHOOSING = ("min", "max", "next", "sorted")
"""Functions that give one of what they get."""

OF_ANOTHER = (".sentence", ".message", ".text", "str(error)")
"""How code passes on what another error says."""


@dataclass
class ErrorClass:
    """A class of the tree, with its own sentences."""

    name: str
    module: Module
    base: str
    doc: str
    code: str | None
    cure: str | None
    sentences: set[str] = field(default_factory=set)


class Finder:
    """Goes through the sources once. `unread` holds the calls whose words were not found."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self.classes = {each.name: each for each in _tree(sources)}
        self.beside: dict[str, set[str]] = {name: set() for name in BESIDE}
        self.unread: list[str] = []
        for each in self.classes.values():
            each.sentences |= set(self._own(each))
        for name, call, spot in sources.calls:
            if name in self.classes or name in BESIDE:
                self._take(name, call, spot)

    def _take(self, name: str, call: ast.Call, spot: Spot) -> None:
        if "Level.FINE" in ast.unparse(call) or (name in self.classes and not self._passes_on(name)):
            return
        words = [word.value for word in call.keywords if word.arg in ("text", "message", "sentence")]
        passed = [*call.args, *words]
        wanted = self.beside[name] if name in BESIDE else self.classes[name].sentences
        found = {text for value in passed for text in self.words(Spot(value, spot.module, spot.function), ())}
        wanted |= found
        elsewhere = any(ast.unparse(value).endswith(OF_ANOTHER) for value in passed)
        if passed and not found and not elsewhere:
            self.unread.append(f"{spot.module.name}:{call.lineno} {ast.unparse(call)}")

    def _passes_on(self, name: str) -> bool:
        """Whether a class says what it is passed, rather than a sentence of its own."""
        each = self.classes.get(name)
        if each is None:
            return True
        told = _told(each)
        if told is None:
            return self._passes_on(each.base)
        return isinstance(told.orelse if isinstance(told, ast.IfExp) else told, ast.Name)

    def _own(self, each: ErrorClass) -> Iterator[str]:
        """The sentence that a class makes itself, or has as a default."""
        function = _initialiser(each)
        told = _told(each)
        if function is not None:
            for value in (*function.args.defaults, *([told] if told is not None else [])):
                yield from self.words(Spot(value, each.module, None), ())

    def words(self, spot: Spot, seen: tuple[ast.AST, ...]) -> Iterator[str]:
        """Every sentence that an expression can be."""
        node = spot.node
        if node in seen:
            return
        match node:
            case ast.Constant(value=str() as text):
                yield from _sentence(text)
            case ast.JoinedStr():
                yield from _sentence(self._template(node, spot.module))
            case _:
                for found in self._meant(spot):
                    yield from self.words(found, (*seen, node))

    def _meant(self, spot: Spot) -> Iterator[Spot]:
        """The expressions that one stands for, or that it is made of."""
        match spot.node:
            case ast.Name(id=name):
                yield from self._named(name, spot)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                values = spot.module.attributes.get(name, [])
                yield from (Spot(value, spot.module, None) for value in values)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                inner = self._sources.submodule(spot.module, owner)
                values = inner.constants.get(name, []) if inner is not None else []
                yield from (Spot(value, inner, None) for value in values if inner is not None)
            case ast.Call():
                yield from self._returned(spot.node, spot)
            case node:
                children = (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
                yield from (Spot(child, spot.module, spot.function) for child in children)

    def _template(self, node: ast.JoinedStr, module: Module) -> str:
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else self._inlined(part, module)
            for part in node.values
        )

    def _inlined(self, part: ast.expr, module: Module) -> str:
        """A constant's words within a sentence; a gap for all else."""
        if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name):
            known = self._sources.definition(module, part.value.id)
            if known is not None and part.value.id in known[0].constants:
                (value,) = known[0].constants[part.value.id][:1]
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    return value.value
        return GAP

    def _named(self, name: str, spot: Spot) -> Iterator[Spot]:
        """What a name may be: set in its function, passed by a caller, or of the module."""
        function = spot.function
        if function is not None:
            local = [
                value for node in ast.walk(function) for target, value in assignments(node) if target == name
            ]
            if local:
                yield from (Spot(value, spot.module, function) for value in local)
                return
            if name in _parameters(function):
                yield from self._passed(function, name)
                return
        known = self._sources.definition(spot.module, name)
        if known is None:
            return
        module, real = known
        yield from (Spot(value, module, None) for value in module.constants.get(real, ()))
        if real in module.functions:
            yield from _returns(module.functions[real], module)

    def _passed(self, function: Function, name: str) -> Iterator[Spot]:
        position = _parameters(function).index(name)
        for called, call, spot in self._sources.calls:
            if called != function.name:
                continue
            values = [word.value for word in call.keywords if word.arg == name]
            if not values and position < len(call.args):
                values = [call.args[position]]
            yield from (Spot(value, spot.module, spot.function) for value in values)

    def _returned(self, call: ast.Call, spot: Spot) -> Iterator[Spot]:
        """What a call returns; for one out of a table, what any of the table's functions does."""
        match call.func:
            case ast.Name(id=name):
                known = self._sources.definition(spot.module, name)
                module, real = known if known is not None else (spot.module, name)
            case ast.Attribute(value=ast.Name(id=owner), attr=real):
                module = self._sources.submodule(spot.module, owner) or spot.module
            case _:
                yield from self._table(call.func, spot.module)
                return
        if real in module.functions:
            yield from _returns(module.functions[real], module)
        elif real in CHOOSING:
            yield from (Spot(value, spot.module, spot.function) for value in call.args)

    def _table(self, where: ast.expr, module: Module) -> Iterator[Spot]:
        for name in _names(where):
            functions = [
                name,
                *(inner for value in module.constants.get(name, ()) for inner in _names(value)),
            ]
            for each in functions:
                if each in module.functions:
                    yield from _returns(module.functions[each], module)


def _tree(sources: Sources) -> list[ErrorClass]:
    """The classes of the tree, each below the one that it derives from."""
    every = [
        (module, node)
        for module in sources.modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    ]
    found: list[ErrorClass] = []
    wanted = [ROOT_CLASS]
    while wanted:
        base = wanted.pop(0)
        for module, node in every:
            bases = [ast.unparse(each) for each in node.bases]
            if (node.name == base == ROOT_CLASS) or (base in bases and node.name != ROOT_CLASS):
                known = {each.name for each in found}
                if node.name not in known:
                    found.append(_error_class(module, node, bases[0]))
                    wanted += [node.name] if node.name != base else []
    return found


def _error_class(module: Module, node: ast.ClassDef, base: str) -> ErrorClass:
    own = {target: value for statement in node.body for target, value in assignments(statement)}
    return ErrorClass(
        name=node.name,
        module=module,
        base=base,
        doc=(ast.get_docstring(node) or "").split("\n\n")[0],
        code=ast.literal_eval(own["code"]) if "code" in own else None,
        cure=ast.literal_eval(own["cure"]) if "cure" in own else None,
    )


def _parameters(function: Function) -> list[str]:
    arguments = function.args
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return [each.arg for each in every if each.arg not in ("self", "cls")]


def _returns(function: Function, module: Module) -> list[Spot]:
    """What a function returns or yields."""
    return [
        Spot(node.value, module, function)
        for node in ast.walk(function)
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None
    ]


def _sentence(text: str) -> Iterator[str]:
    clean = " ".join(text.split())
    if len(clean.split()) >= SHORTEST:
        yield clean


def _initialiser(each: ErrorClass) -> ast.FunctionDef | None:
    """A class's own `__init__`."""
    for node in ast.walk(each.module.tree):
        if isinstance(node, ast.ClassDef) and node.name == each.name:
            for statement in node.body:
                if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
                    return statement
    return None


def _told(each: ErrorClass) -> ast.expr | None:
    """What a class's own `__init__` gives to the one above as its words."""
    function = _initialiser(each)
    for node in ast.walk(function) if function is not None else ():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__" and node.args:
            return node.args[0]
    return None


def _names(node: ast.expr) -> list[str]:
    return [child.id for child in ast.walk(node) if isinstance(child, ast.Name)]
