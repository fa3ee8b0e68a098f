"""What a server's nodes accept, from its `/object_info`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from bot.comfy.inputs import ANY, MATCH_TYPE, InputSpec, all_inputs, find_input, required_inputs
from bot.comfy.models import is_model

UploadKind = Literal["image", "audio", "video", "file"]
Bounds = tuple[int | float | None, int | float | None]

_UPLOADS: Mapping[str, UploadKind] = {
    "image_upload": "image",
    "audio_upload": "audio",
    "video_upload": "video",
    "file_upload": "file",
}
_MEDIA: Mapping[UploadKind, frozenset[str]] = {
    "image": frozenset(("png", "jpg", "jpeg", "webp", "bmp")),
    "video": frozenset(("mp4", "webm", "mov", "mkv", "avi", "gif")),
    "audio": frozenset(("wav", "mp3", "flac", "ogg", "opus", "m4a")),
}
_NOTHING: Mapping[str, Any] = {}
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
    dots (`format.codec`); such a name is looked up in every branch, the chosen one first where that is known.
    """

    def __init__(self, object_info: Mapping[str, Any]) -> None:
        self._classes = object_info

    def has(self, class_type: str) -> bool:
        """Whether the server has the node class."""
        return class_type in self._classes

    def is_output(self, class_type: str) -> bool:
        """Whether the node saves or shows something: only what leads to such nodes is run."""
        return self._class(class_type).get("output_node") is True

    def input(self, class_type: str, name: str, given: Mapping[str, Any] = _NOTHING) -> InputSpec | None:
        """An input by its dotted name. `given` are the node's values: the branches that they choose count first."""
        return find_input(self._class(class_type).get("input"), name, given)

    def inputs(self, class_type: str) -> tuple[InputSpec, ...]:
        """Every input of a class, nested ones included."""
        return tuple(all_inputs(self._class(class_type).get("input")))

    def required(self, class_type: str, given: Mapping[str, Any] = _NOTHING) -> tuple[str, ...]:
        """The names of the inputs that a class can't do without, those of the branches that `given` choose included."""
        return tuple(required_inputs(self._class(class_type).get("input"), given))

    def outputs(self, class_type: str) -> tuple[tuple[str, str], ...]:
        """Type and name of every output of a class, in their order; what takes the type of an input is `*`."""
        about = self._class(class_type)
        kinds, names = _listed(about.get("output")), _listed(about.get("output_name"))
        named = [*names, *kinds[len(names) :]]
        return tuple(
            (ANY if kind == MATCH_TYPE else "COMBO" if isinstance(kind, list) else str(kind), str(name))
            for kind, name in zip(kinds, named, strict=False)
        )

    def display_name(self, class_type: str) -> str:
        """What the front end calls the class."""
        name = self._class(class_type).get("display_name")
        return name if isinstance(name, str) and name else class_type

    def module(self, class_type: str) -> str:
        """The Python module that the class comes from: `nodes`, `comfy_extras.nodes_qwen`, `custom_nodes.kjnodes`."""
        module = self._class(class_type).get("python_module")
        return module if isinstance(module, str) else ""

    def is_paid(self, class_type: str) -> bool:
        """Whether the node asks a service that costs money."""
        return self._class(class_type).get("api_node") is True

    def price(self, class_type: str) -> Mapping[str, Any] | None:
        """How the node tells its price; None if it does not."""
        badge = self._class(class_type).get("price_badge")
        return badge if isinstance(badge, Mapping) else None

    def only(self, classes: Iterable[str]) -> Mapping[str, Any]:
        """The answer of `/object_info` cut down to some classes."""
        return {name: self._classes[name] for name in sorted(set(classes)) if name in self._classes}

    def choices(
        self, class_type: str, name: str, given: Mapping[str, Any] = _NOTHING
    ) -> tuple[str, ...] | None:
        """What a combo offers. None for no combo, or one whose choices are fetched from elsewhere."""
        spec = self.input(class_type, name, given)
        return None if spec is None else spec.choices

    def bounds(self, class_type: str, name: str) -> Bounds | None:
        """The least and the greatest value of a number, both allowed; None for an input that is no number."""
        spec = self.input(class_type, name)
        if spec is None or not {"INT", "FLOAT"} & spec.kinds:
            return None
        return spec.number("min"), spec.number("max")

    def models(self) -> frozenset[str]:
        """The model files that the nodes offer to load."""
        return frozenset(
            choice
            for name in self._classes
            for spec in self.inputs(name)
            for choice in spec.choices or ()
            if is_model(choice)
        )

    def upload_kind(self, class_type: str, name: str) -> UploadKind | None:
        """What must be uploaded first and named here; None for an input that takes no file."""
        spec = self.input(class_type, name)
        return None if spec is None else upload_kind(spec)

    def _class(self, class_type: str) -> Mapping[str, Any]:
        found = self._classes.get(class_type)
        return found if isinstance(found, Mapping) else {}


def upload_kind(spec: InputSpec) -> UploadKind | None:
    """What must be uploaded first and named in such an input; None if it takes no file.

    Some packs leave the upload to the front end: their inputs are choices among files of one kind.
    """
    told = next((kind for flag, kind in _UPLOADS.items() if spec.flag(flag)), None)
    if told is not None or not spec.choices:
        return told
    kind = media_kind(spec.choices[0])
    return kind if kind is not None and all(media_kind(each) == kind for each in spec.choices) else None


def media_kind(name: str) -> UploadKind | None:
    """What a file of this name is, told by its ending; None for anything but pictures, videos and sounds."""
    ending = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    return next((kind for kind, endings in _MEDIA.items() if ending in endings), None)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
