"""A record of every prompt that the worker really ran, for tests that count GPU work."""

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Run:
    """One prompt that was executed; times are seconds since the epoch.

    `outcome` is success, error, interrupted, lost (the server was restarted under it) or None while
    it runs and for ever after the process was killed. `steps` counts sampling steps that were done.
    """

    run: int
    prompt_id: str
    extra_data: dict[str, Any]
    started: float
    finished: float | None = None
    outcome: str | None = None
    cached: tuple[str, ...] = ()
    steps: int = 0


class RunLog:
    """The runs, oldest first, kept in `folder` so that they outlive the process.

    `runs.jsonl` gets one line when a run starts, and never another one for it; what became of it
    goes to `runs-finished.jsonl`. Both are flushed line by line.
    """

    def __init__(self, folder: Path) -> None:
        self._starts = folder / "runs.jsonl"
        self._ends = folder / "runs-finished.jsonl"
        self.runs = [Run(**line) for line in _lines(self._starts)]
        for line in _lines(self._ends):
            run = line.pop("run")
            self.runs[run] = replace(self.runs[run], **{**line, "cached": tuple(line["cached"])})

    def begin(self, prompt_id: str, extra_data: dict[str, Any]) -> int:
        """Record a start; the number answered is for `end`."""
        number = len(self.runs)
        run = Run(run=number, prompt_id=prompt_id, extra_data=extra_data, started=time.time())
        start = ("run", "prompt_id", "extra_data", "started")
        _append(self._starts, {key: getattr(run, key) for key in start})
        self.runs.append(run)
        return number

    def end(self, number: int, outcome: str, cached: tuple[str, ...], steps: int) -> None:
        """Record what became of a run."""
        what: dict[str, Any] = {"finished": time.time(), "outcome": outcome, "cached": cached, "steps": steps}
        _append(self._ends, {"run": number, **what})
        self.runs[number] = replace(self.runs[number], **what)

    def listing(self) -> list[dict[str, Any]]:
        """All runs as JSON objects."""
        return [asdict(run) for run in self.runs]


def _append(path: Path, line: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
