"""What a server checks about one value of a node: its type, its range, its place among the choices.

Every function that finds something wrong returns the error as a server's answer has it.
"""

from collections.abc import Callable
from typing import Any

from simulator.schema import COMBO

Json = dict[str, Any]
# An input's type, which may be a list of choices, and its options.
Config = tuple[str | list[Any], Json]

LONG_LIST = 20  # choices; longer lists are not repeated in an error
_CASTS: dict[str, Callable[[Any], Any]] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
_ANY, _MATCHING = "*", "COMFY_MATCHTYPE_V3"


def problem(kind: str, message: str, details: str, extra_info: Json | None = None) -> Json:
    """An error of a server's answer."""
    return {"type": kind, "message": message, "details": details, "extra_info": extra_info or {}}


def fits(received: str, wanted: str | list[Any]) -> bool:
    """Whether an output may be linked to an input; commas stand between the types that either may have.

    What has to match is not looked at: that is left to the editor.
    """
    if received == wanted or _ANY in (received, wanted) or _MATCHING in (received, wanted):
        return True
    if isinstance(wanted, list):
        return False
    outputs, inputs = ({kind.strip() for kind in kinds.split(",")} for kinds in (received, wanted))
    return _ANY in outputs | inputs or bool(outputs & inputs)


def check_value(name: str, config: Config, given: Json, *, only_type: bool) -> Json | None:
    """Unwrap and cast a value in place, and find what is wrong with it.

    `only_type` leaves range and choices to somebody else. Raises TypeError for a value that a range
    can't be compared with.
    """
    kind, _ = config
    value = given[name]
    info: Json = {"input_name": name, "input_config": config}
    try:
        if isinstance(value, dict) and "__value__" in value:
            value = given[name] = value["__value__"]
        if isinstance(kind, str) and kind in _CASTS:
            value = given[name] = _CASTS[kind](value)
    except (TypeError, ValueError, OverflowError) as error:
        message = f"Failed to convert an input value to a {kind} value"
        about = {**info, "received_value": value, "exception_message": str(error)}
        return problem("invalid_input_type", message, f"{name}, {value}, {error}", about)
    if only_type:
        return None
    info["received_value"] = value
    return _check_range(name, config, value, info) or _check_choice(name, config, value, info)


def _check_range(name: str, config: Config, value: Any, info: Json) -> Json | None:
    _, options = config
    if "min" in options and value < options["min"]:
        message = f"Value {value} smaller than min of {options['min']}"
        return problem("value_smaller_than_min", message, name, info)
    if "max" in options and value > options["max"]:
        message = f"Value {value} bigger than max of {options['max']}"
        return problem("value_bigger_than_max", message, name, info)
    return None


def _check_choice(name: str, config: Config, value: Any, info: Json) -> Json | None:
    kind, options = config
    if not isinstance(kind, list) and kind != COMBO:
        return None
    choices = kind if isinstance(kind, list) else options.get("options", [])
    several = bool(options.get("multiselect")) and isinstance(value, list)
    wrong = [chosen for chosen in (value if several else [value]) if chosen not in choices]
    if not wrong:
        return None
    shown = str(choices)
    if len(choices) > LONG_LIST:
        shown, info = f"(list of length {len(choices)})", {**info, "input_config": None}
    details = f"{name}: {', '.join(map(repr, wrong))} not in {shown}"
    return problem("value_not_in_list", "Value not in list", details, info)
