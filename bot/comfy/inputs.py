"""One input of a node class as `/object_info` specifies it, found by the name that it has in a graph.

Nested inputs have dotted names: `format.codec` belongs to the dynamic combo `format` and to those of its branches
that have it, `images.image0` is one of the autogrowing inputs `images`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"
AUTOGROW = "COMFY_AUTOGROW_V3"
MATCH_TYPE = "COMFY_MATCHTYPE_V3"
ANY = "*"

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class InputSpec:
    """What an input takes: `kinds` are ComfyUI's types (a combo is `COMBO`, what takes anything `*`).

    `branches` are a dynamic combo's choices with the nested inputs that each requires.
    """

    kinds: frozenset[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    choices: tuple[str, ...] | None = None
    branches: Mapping[str, frozenset[str]] | None = None
    optional: bool = False

    def flag(self, name: str) -> bool:
        """Whether an option is switched on."""
        return self.options.get(name) is True

    def own(self, choice: str) -> object:
        """A choice as the server has it: some offer numbers."""
        listed = self.options.get("options")
        known = listed if isinstance(listed, list) else []
        return next((each for each in known if not isinstance(each, str) and str(each) == choice), choice)

    @property
    def is_seed(self) -> bool:
        """Whether the front end draws a new number here after each run."""
        return bool(self.options.get("control_after_generate"))

    @property
    def help(self) -> str:
        """What ComfyUI says about the input, on one line."""
        words = self.options.get("tooltip")
        return " ".join(words.split()) if isinstance(words, str) else ""

    def number(self, option: str) -> int | float | None:
        """An option that is a number: `min`, `max` or `step`."""
        return as_number(self.options.get(option))


def as_number(value: object) -> int | float | None:
    """The value, if it is a number; yes and no are none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def find_input(groups: object, name: str, given: Mapping[str, Any] = _NOTHING) -> InputSpec | None:
    """An input by its dotted name. `given` are the node's values: the branches that they choose count first."""
    return next(_find(groups, name, given, ""), None)


def all_inputs(groups: object) -> Iterator[InputSpec]:
    """Every input, those in branches and what autogrowing inputs are made of included."""
    for _, entry, optional in _entries(groups):
        spec = _spec(entry, optional)
        yield spec
        for branch in _branches(entry):
            yield from all_inputs(branch.get("inputs"))
        if entry[0] == AUTOGROW:
            yield from all_inputs(_template(entry))


def required_inputs(groups: object, given: Mapping[str, Any] = _NOTHING, prefix: str = "") -> Iterator[str]:
    """The names of the inputs that must be given; of a dynamic combo also those of the branch that `given` chooses.

    Autogrowing inputs are none: how many they need is theirs to say.
    """
    for known, entry, optional in _entries(groups):
        name = f"{prefix}{known}"
        if not optional and entry[0] != AUTOGROW:
            yield name
        for branch in _branches(entry):
            if branch["key"] == given.get(name):
                yield from required_inputs(branch.get("inputs"), given, f"{name}.")


def _find(groups: object, name: str, given: Mapping[str, Any], prefix: str) -> Iterator[InputSpec]:
    for known, entry, optional in _entries(groups):
        if known == name:
            yield _spec(entry, optional)
        elif name.startswith(f"{known}."):
            yield from _nested(entry, name[len(known) + 1 :], given, f"{prefix}{known}")


def _nested(entry: list[Any], name: str, given: Mapping[str, Any], path: str) -> Iterator[InputSpec]:
    chosen = given.get(path)
    for branch in sorted(_branches(entry), key=lambda branch: branch["key"] != chosen):
        yield from _find(branch.get("inputs"), name, given, f"{path}.")
    if entry[0] == AUTOGROW:
        yield from (_spec(inner, True) for _, inner, _ in _entries(_template(entry)))


def _entries(groups: object) -> Iterator[tuple[str, list[Any], bool]]:
    for group in ("required", "optional"):
        inputs = groups.get(group) if isinstance(groups, Mapping) else None
        for known, entry in inputs.items() if isinstance(inputs, Mapping) else ():
            if isinstance(entry, list) and entry:
                yield known, entry, group == "optional"


def _spec(entry: list[Any], optional: bool) -> InputSpec:
    kind, options = entry[0], _options(entry)
    if isinstance(kind, list):
        options = {**options, "options": kind}
    branches = {
        str(branch["key"]): frozenset(name for name, _, left in _entries(branch.get("inputs")) if not left)
        for branch in _branches(entry)
    }
    return InputSpec(
        kinds=_kinds(kind),
        options=options,
        choices=_choices(kind, options),
        branches=branches if kind == DYNAMIC_COMBO else None,
        optional=optional,
    )


def _kinds(kind: object) -> frozenset[str]:
    if isinstance(kind, list) or kind == DYNAMIC_COMBO:
        return frozenset({"COMBO"})
    if kind == MATCH_TYPE:
        return frozenset({ANY})
    return frozenset(str(kind).split(","))


def _choices(kind: object, options: Mapping[str, Any]) -> tuple[str, ...] | None:
    """None for no combo, or one whose choices are fetched from elsewhere."""
    listed = kind if isinstance(kind, list) else options.get("options")
    if not isinstance(listed, list):
        return None
    if kind == DYNAMIC_COMBO:
        return tuple(str(branch["key"]) for branch in listed if _is_branch(branch))
    return tuple(str(choice) for choice in listed) if kind in (listed, "COMBO") else None


def _options(entry: list[Any]) -> Mapping[str, Any]:
    return entry[1] if len(entry) > 1 and isinstance(entry[1], Mapping) else {}


def _branches(entry: list[Any]) -> list[Mapping[str, Any]]:
    listed = _options(entry).get("options") if entry[0] == DYNAMIC_COMBO else None
    return [branch for branch in listed if _is_branch(branch)] if isinstance(listed, list) else []


def _is_branch(option: object) -> bool:
    return isinstance(option, Mapping) and "key" in option


def _template(entry: list[Any]) -> object:
    template = _options(entry).get("template")
    return template.get("input") if isinstance(template, Mapping) else None
