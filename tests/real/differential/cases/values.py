"""Nodes of words, numbers, switches and lists; what they give is shown by PreviewAny or saved as text."""

from __future__ import annotations

from typing import Any

from tests.real.differential.answers import Json
from tests.real.differential.case import Act, Group
from tests.real.differential.graphs import empty, node, placed, save
from tests.real.differential.side import Side

values = Group("value")


def _shown(graph: Json, *slots: int) -> list[Json]:
    """Show these slots of node "2", each in a run of its own: real servers run outputs in no fixed order."""
    return [{**graph, "end": node("PreviewAny", source=["2", slot])} for slot in slots or (0,)]


def _text(class_type: str, **inputs: Any) -> list[Json]:
    return _shown({"2": node(class_type, **inputs)})


def _computed(expression: str, **numbers: float) -> list[Json]:
    kinds = {int: "PrimitiveInt", float: "PrimitiveFloat", bool: "PrimitiveBoolean"}
    sources = {name: node(kinds[type(number)], value=number) for name, number in numbers.items()}
    links = {f"values.{name}": [name, 0] for name in numbers}
    return _shown({**sources, "2": node("ComfyMathExpression", expression=expression, **links)}, 0, 1, 2)


def _switched(on: bool) -> list[Json]:
    return _shown(
        {
            "1": node("StringTrim", string=" no ", mode="Both"),
            "3": node("StringTrim", string=" yes ", mode="Both"),
            "2": node("ComfySwitchNode", switch=on, on_false=["1", 0], on_true=["3", 0]),
        }
    )


PATTERN: Json = {"string": "a1 B22 c333", "regex_pattern": r"([a-z])(\d+)"}
FLAGS: Json = {"case_insensitive": True, "multiline": False, "dotall": False}
GRAPHS: dict[str, list[Json] | Json] = {
    "int": _text("PrimitiveInt", value=-5),
    "float": _text("PrimitiveFloat", value=0.1),
    "whole float": _text("PrimitiveFloat", value=3),
    "boolean": _text("PrimitiveBoolean", value=False),
    "string": _text("PrimitiveString", value="wörds\nand more"),
    "multiline": _text("PrimitiveStringMultiline", value="one\ntwo"),
    "seed": _text("SeedNode", seed=2**64 - 1),
    "concatenate": _text("StringConcatenate", string_a="a", string_b="b", delimiter=", "),
    "replace": _text("StringReplace", string="abcabc", find="b", replace="x"),
    "substring": _text("StringSubstring", string="abcdef", start=1, end=-1),
    "length": _text("StringLength", string="äöü"),
    "contains": _text("StringContains", string="Words", substring="w", case_sensitive=False),
    "compare": _text(
        "StringCompare", string_a="Words", string_b="W", mode="Starts With", case_sensitive=True
    ),
    "trim": _text("StringTrim", string="  x ", mode="Left"),
    "upper case": _text("CaseConverter", string="straße one", mode="UPPERCASE"),
    "title case": _text("CaseConverter", string="one two's", mode="Title Case"),
    **{
        f"extract {mode}": _text("RegexExtract", **PATTERN, mode=mode, **FLAGS, group_index=2)
        for mode in ("First Match", "All Matches", "First Group", "All Groups")
    },
    "matches": _text("RegexMatch", **PATTERN, **FLAGS),
    "matches a bad pattern": _text("RegexMatch", string="x", regex_pattern="(", **FLAGS),
    "regex replace": _text("RegexReplace", **PATTERN, replace=r"<\2>", **FLAGS, count=1),
    "regex replace a bad pattern": _text("RegexReplace", string="x", regex_pattern="(", replace="", **FLAGS),
    "format": _shown(
        {
            "1": node("PrimitiveInt", value=7),
            "2": node("StringFormat", f_string="{a:03d} and {b}", **{"values.a": ["1", 0], "values.b": "w"}),
        }
    ),
    "json": _text("JsonExtractString", json_string='{"a": {"b": 1}, "c": "x"}', key="c"),
    "json nested": _text("JsonExtractString", json_string='{"a": {"b": 1}}', key="b"),
    "json that is none": _text("JsonExtractString", json_string="words", key="a"),
    "sum": _computed("a + b", a=2, b=3),
    "fraction": _computed("a / b", a=2, b=3),
    "floor and power": _computed("a // b + a ** 2 - a % b", a=7, b=2),
    "functions": _computed("max(a, b) + min(a, b) + abs(-a) + round(b) + ceil(b) + floor(b)", a=2, b=2.5),
    "comparison": _computed("a > b", a=2, b=1),
    "a condition": _computed("a if b else 0", a=2, b=True),
    "an unknown name": _computed("a + z", a=2),
    "a bad expression": _computed("a +", a=2),
    "an empty expression": _computed("", a=2),
    "an unsafe expression": _computed("__import__('os')", a=2),
    "divided by nothing": _computed("a / b", a=1, b=0),
    "switch off": _switched(False),
    "switch on": _switched(True),
    "and": _text("ComfyAndNode", **{"values.value0": True, "values.value1": 0}),
    "or": _text("ComfyOrNode", **{"values.value0": False, "values.value1": "x"}),
    "not": _text("ComfyNotNode", value=""),
    "convert text": _shown({"2": node("ComfyNumberConvert", value="3.7")}, 0, 1),
    "convert words": _shown({"2": node("ComfyNumberConvert", value="words")}, 0, 1),
    "convert a boolean": _shown({"2": node("ComfyNumberConvert", value=True)}, 0, 1),
    **{
        f"resolution {ratio}": _shown(
            {"2": node("ResolutionSelector", aspect_ratio=ratio, megapixels=0.5, multiple=16)}, 0, 1
        )
        for ratio in ("1:1 (Square)", "16:9 (Widescreen)", "2:3 (Portrait Photo)")
    },
    "colour": _shown({"2": node("ColorToRGBInt", color="#ff8000")}, 0, 1, 2),
    "custom choice": _shown({"2": node("CustomCombo", choice="b", option1="a", option2="b", index=1)}, 0, 1),
    "list": _shown(
        {
            "1": node("PrimitiveInt", value=7),
            "3": node("PrimitiveInt", value=8),
            "2": node("CreateList", **{"inputs.input0": ["1", 0], "inputs.input1": ["3", 0]}),
        }
    ),
    "size of a picture": _shown(
        {"1": empty(1, 30, 20, 2), "2": node("GetImageSize", image=["1", 0])}, 0, 1, 2
    ),
    "a picture": _shown({"2": empty(1, 2, 1)}),
    "size follows a value": {
        "1": node("PrimitiveInt", value=24),
        "2": node("EmptyImage", width=["1", 0], height=["1", 0], batch_size=1, color=255),
        "3": save(["2", 0], "RUN/sized"),
    },
    "int for a float": _shown(
        {"1": node("PrimitiveInt", value=2), "2": node("SolidMask", value=["1", 0], width=1, height=1)}
    ),
    **{
        f"save text {kind}": {
            "1": node("PrimitiveString", value='{"wörds": 1}'),
            "2": node("SaveText", text=["1", 0], filename_prefix="RUN/words", format=kind),
        }
        for kind in ("txt", "json", "md", "csv")
    },
}


def _run(graphs: list[Json] | Json) -> Act:
    async def act(side: Side) -> list[Json]:
        several = graphs if isinstance(graphs, list) else [graphs]
        return [await side.run(placed(graph, side.run_name)) for graph in several]

    return act


for _name, _graphs in GRAPHS.items():
    values.add(_name, _run(_graphs))
