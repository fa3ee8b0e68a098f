"""What a server's nodes accept, from its `/object_info`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from bot.comfy.models import is_model

UploadKind = Literal["image", "audio", "video", "file"]
Bounds = tuple[int | float | None, int | float | None]

_UPLOADS: Mapping[str, UploadKind] = {
    "image_upload": "image",
    "audio_upload": "audio",
    "video_upload": "video",
    "file_upload": "file",
}
_DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"
_BETWEEN = re.compile(r"[\s,:]*")


def parse_object_info(body: bytes) -> dict[str, Any]:
    """Parse `/object_info` class by class. Raises `ValueError` for anything but an object of classes.

    For threads: the JSON parser lets no other thread run before it is done, and a whole answer of some
    megabytes takes it 50 ms; between two classes others get their turn.
    """
    text, decoder = body.decode(), json.JSONDecoder()
    if not text.lstrip().startswith("{"):
        raise ValueError("no JSON object")
    classes: dict[str, Any] = {}
    at = text.index("{") + 1
    while True:
        at = _skip(text, at)
        if text[at] == "}":
            return classes
        try:
            name, at = decoder.raw_decode(text, at)
            classes[str(name)], at = decoder.raw_decode(text, _skip(text, at))
        except RecursionError:
            raise ValueError("nested too deeply") from None


def _skip(text: str, at: int) -> int:
    """The place of the next value, key or bracket. Raises `ValueError` at the end."""
    between = _BETWEEN.match(text, at)
    if between is None or between.end() == len(text):
        raise ValueError("cut short")
    return between.end()


class NodeSchemas:
    """The node classes of one server. Classes and inputs that it does not know are answered with None.

    An input's specification is `[type]` or `[type, options]`. Nested inputs of a dynamic combo are named by
    dots (`format.codec`); such a name is looked up in every branch, and the first that has it counts.
    """

    def __init__(self, object_info: Mapping[str, Any]) -> None:
        self._classes = object_info

    def has(self, class_type: str) -> bool:
        """Whether the server has the node class."""
        return class_type in self._classes

    def is_output(self, class_type: str) -> bool:
        """Whether the node saves or shows something: only what leads to such nodes is run."""
        return self._class(class_type).get("output_node") is True

    def choices(self, class_type: str, name: str) -> tuple[str, ...] | None:
        """What a combo offers. None for no combo, or one whose choices are fetched from elsewhere."""
        kind, options = self._input(class_type, name)
        listed = kind if isinstance(kind, list) else options.get("options")
        if not isinstance(listed, list):
            return None
        if kind == _DYNAMIC_COMBO:
            return tuple(str(branch["key"]) for branch in listed if _is_branch(branch))
        return tuple(str(choice) for choice in listed) if kind in (listed, "COMBO") else None

    def bounds(self, class_type: str, name: str) -> Bounds | None:
        """The least and the greatest value of a number, both allowed; None for an input that is no number."""
        kind, options = self._input(class_type, name)
        if not isinstance(kind, str) or not {"INT", "FLOAT"} & set(kind.split(",")):
            return None
        return _number(options.get("min")), _number(options.get("max"))

    def models(self) -> frozenset[str]:
        """The model files that the nodes offer to load."""
        return frozenset(
            choice
            for name in self._classes
            for group in ("required", "optional")
            for key in self._group(name, group)
            for choice in self.choices(name, key) or ()
            if is_model(choice)
        )

    def upload_kind(self, class_type: str, name: str) -> UploadKind | None:
        """What must be uploaded first and named here; None for an input that takes no file."""
        _, options = self._input(class_type, name)
        return next((kind for flag, kind in _UPLOADS.items() if options.get(flag) is True), None)

    def _class(self, class_type: str) -> Mapping[str, Any]:
        found = self._classes.get(class_type)
        return found if isinstance(found, Mapping) else {}

    def _group(self, class_type: str, group: str) -> Mapping[str, Any]:
        groups = self._class(class_type).get("input")
        inputs = groups.get(group) if isinstance(groups, Mapping) else None
        return inputs if isinstance(inputs, Mapping) else {}

    def _input(self, class_type: str, name: str) -> tuple[object, Mapping[str, Any]]:
        return next(_find(self._class(class_type).get("input"), name), (None, {}))


def _find(groups: object, name: str) -> Iterator[tuple[object, Mapping[str, Any]]]:
    """Every specification of an input by its dotted name, within `{"required": {...}, "optional": {...}}`."""
    for group in ("required", "optional"):
        inputs = groups.get(group) if isinstance(groups, Mapping) else None
        for known, spec in inputs.items() if isinstance(inputs, Mapping) else ():
            if not isinstance(spec, list) or not spec:
                continue
            options = spec[1] if len(spec) > 1 and isinstance(spec[1], Mapping) else {}
            if known == name:
                yield spec[0], options
            elif spec[0] == _DYNAMIC_COMBO and name.startswith(f"{known}."):
                yield from _find_in_branches(options.get("options"), name[len(known) + 1 :])


def _find_in_branches(branches: object, name: str) -> Iterator[tuple[object, Mapping[str, Any]]]:
    for branch in branches if isinstance(branches, list) else ():
        if _is_branch(branch):
            yield from _find(branch.get("inputs"), name)


def _is_branch(option: object) -> bool:
    return isinstance(option, Mapping) and "key" in option


def _number(value: object) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
