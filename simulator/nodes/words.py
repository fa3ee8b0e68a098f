"""Nodes of texts, truth values and lists, exactly as real ones do."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from simulator.nodes.bench import Call, Instant
from simulator.nodes.glue import regex_flags

_CASES: Mapping[str, Callable[[str], str]] = {
    "UPPERCASE": str.upper,
    "lowercase": str.lower,
    "Capitalize": str.capitalize,
    "Title Case": str.title,
}
_TRIMMING: Mapping[str, Callable[[str], str]] = {"Both": str.strip, "Left": str.lstrip, "Right": str.rstrip}


def _grown(call: Call) -> dict[str, Any]:
    """The inputs of a list that grows, by the last part of their names."""
    return {name.split(".", 1)[1]: value for name, value in call.inputs.items() if "." in name}


def _substring(call: Call) -> tuple[Any, ...]:
    return (call.inputs["string"][call.inputs["start"] : call.inputs["end"]],)


def _length(call: Call) -> tuple[Any, ...]:
    return (len(call.inputs["string"]),)


def _contains(call: Call) -> tuple[Any, ...]:
    text, part = call.inputs["string"], call.inputs["substring"]
    if not call.inputs["case_sensitive"]:
        text, part = text.lower(), part.lower()
    return (part in text,)


def _trim(call: Call) -> tuple[Any, ...]:
    return (_TRIMMING[call.inputs["mode"]](call.inputs["string"]),)


def _change_case(call: Call) -> tuple[Any, ...]:
    return (_CASES[call.inputs["mode"]](call.inputs["string"]),)


def _match(call: Call) -> tuple[Any, ...]:
    try:
        found = re.search(call.inputs["regex_pattern"], call.inputs["string"], regex_flags(call.inputs))
    except re.error:
        return (False,)
    return (found is not None,)


def _format(call: Call) -> tuple[Any, ...]:
    return (call.inputs["f_string"].format(**_grown(call)),)


def _all(call: Call) -> tuple[Any, ...]:
    return (all(_grown(call).values()),)


def _any(call: Call) -> tuple[Any, ...]:
    return (any(_grown(call).values()),)


def _not(call: Call) -> tuple[Any, ...]:
    return (not call.inputs["value"],)


def _list(call: Call) -> tuple[Any, ...]:
    """The inputs, which are lists themselves, one after the other."""
    return ([one for values in _grown(call).values() for one in values],)


WORDS: Mapping[str, Instant] = {
    "StringSubstring": _substring,
    "StringLength": _length,
    "StringContains": _contains,
    "StringTrim": _trim,
    "CaseConverter": _change_case,
    "RegexMatch": _match,
    "StringFormat": _format,
    "ComfyAndNode": _all,
    "ComfyOrNode": _any,
    "ComfyNotNode": _not,
    "CreateList": _list,
}
