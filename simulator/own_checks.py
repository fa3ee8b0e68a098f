"""What some classes check themselves about a node's values, in place of their ranges and choices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.folders import Folders

Json = dict[str, Any]
Judge = Callable[[Folders, Json], str | None]


@dataclass(frozen=True, kw_only=True)
class OwnCheck:
    """`judge` gets the values of the inputs that it `reads`, or of all for None; a link's value is None.

    It returns what is wrong, or None, and raises for values that the real check breaks on.
    """

    reads: frozenset[str] | None
    judge: Judge

    def covers(self, name: str) -> bool:
        """Whether an input's range and choices are left to this check."""
        return self.reads is None or name in self.reads


def _argument(method: str, name: str, given: Json) -> Any:
    """The value of an input. Raises TypeError, as a method does that is called without it."""
    if name not in given:
        raise TypeError(f"{method}() missing 1 required positional argument: '{name}'")
    return given[name]


def _file_check(method: str, argument: str, content: str, *, whole: bool = False) -> OwnCheck:
    """A loader's check that its file exists; `whole` ones may do without, and read all inputs."""

    def judge(folders: Folders, given: Json) -> str | None:
        name = _argument(method, argument, given)
        if whole and (not name or name == "none"):
            return None
        return None if folders.has(name) else f"Invalid {content} file: {name}"

    return OwnCheck(reads=None if whole else frozenset({argument}), judge=judge)


def _any_value(method: str, argument: str, *, whole: bool = False) -> OwnCheck:
    """A check that is satisfied with every value, and there to switch off the choices."""

    def judge(folders: Folders, given: Json) -> str | None:
        _argument(method, argument, given)
        return None

    return OwnCheck(reads=None if whole else frozenset({argument}), judge=judge)


def _check_ratio(folders: Folders, given: Json) -> str | None:
    """An aspect ratio between 1:4 and 4:1. Raises ValueError with the real words for every other."""
    text = _argument("FluxProUltraImageNode.validate_inputs", "aspect_ratio", given)
    parts = text.split(":")
    if len(parts) != 2:
        raise ValueError(f"Aspect ratio must be 'X:Y' (e.g., 16:9), got '{text}'.")
    try:
        width, height = (int(part.strip()) for part in parts)
    except ValueError as error:
        raise ValueError(f"Aspect ratio must contain integers separated by ':', got '{text}'.") from error
    if width <= 0 or height <= 0:
        raise ValueError(f"Aspect ratio parts must be positive integers, got {width}:{height}.")
    ratio = width / height
    if ratio < 0.25 or ratio > 4:
        # The real check writes the same sign for both bounds.
        raise ValueError(f"Aspect ratio `{ratio:.2g}` must be ≤ {0.25 if ratio < 0.25 else 4.0:.2g}.")
    return None


OWN_CHECKS: Mapping[str, OwnCheck] = {
    "CustomCombo": _any_value("CustomComboNode.validate_inputs", "choice", whole=True),
    "FluxProUltraImageNode": OwnCheck(reads=frozenset({"aspect_ratio"}), judge=_check_ratio),
    "Load3D": _file_check("Load3D.validate_inputs", "model_file", "3D model", whole=True),
    "LoadAudio": _file_check("LoadAudio.validate_inputs", "audio", "audio"),
    "LoadImage": _file_check("LoadImage.VALIDATE_INPUTS", "image", "image"),
    "LoadImageMask": _file_check("LoadImageMask.VALIDATE_INPUTS", "image", "image"),
    "LoadImageOutput": _file_check("LoadImageOutput.VALIDATE_INPUTS", "image", "image"),
    "LoadVideo": _file_check("LoadVideo.validate_inputs", "file", "video"),
    "ModelAttentionBackend": _any_value("ModelAttentionBackend.VALIDATE_INPUTS", "attention"),
}
