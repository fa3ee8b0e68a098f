"""The other process: reads an order, does it within its limits, answers, ends."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from bot.errors import MediaRejected
from bot.media.errors import DoesNotFit

TOO_MUCH = "That file needs too much memory to work on. Send a smaller one."


def main() -> None:
    """Answers one JSON object on the standard output; libraries that print there don't reach it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the bot's to handle; it ends this one itself
    answer_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.excepthook = lambda *error: json.dump({"bug": "".join(traceback.format_exception(*error))}, answer_to)
    order = json.load(sys.stdin, object_hook=_paths)
    _limit(order["memory"], order["seconds"])
    json.dump(_done(order), answer_to)


def _paths(value: dict[str, Any]) -> Any:
    return Path(value["path"]) if value.keys() == {"path"} else value


def _limit(memory: int, seconds: float) -> None:
    """Bounds that hold even if the bot dies first. Encoding must not slow down the bot either."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cpu = int(seconds * (os.cpu_count() or 1)) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    os.nice(5)


def _done(order: dict[str, Any]) -> dict[str, Any]:
    try:
        function = getattr(importlib.import_module(order["module"]), order["function"])
        value = function(*order["args"], **order["kwargs"])
    except (MediaRejected, DoesNotFit) as error:
        return {"error": type(error).__name__, "text": str(error)}
    except MemoryError:
        return {"error": "MediaRejected", "text": TOO_MUCH}
    return {"value": None if value is None else dataclasses.asdict(value)}


if __name__ == "__main__":
    main()
