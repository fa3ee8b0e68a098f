"""The lines that the server prints, as its routes below /internal show them."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simulator.hub import Hub

_KEPT = 300


class Logbook:
    """The last lines; whoever subscribes gets the new ones over the socket."""

    def __init__(self, hub: Hub) -> None:
        self.entries: deque[dict[str, str]] = deque(maxlen=_KEPT)
        self._hub = hub
        self._readers: set[str] = set()

    def write(self, line: str, level: str = "INFO") -> None:
        """Add a line, marked as real servers mark it."""
        entry = {"t": datetime.now().isoformat(), "m": f"[{level}] {line}\n"}  # noqa: DTZ005 - local, as there
        self.entries.append(entry)
        for reader in self._present(self._readers):
            self._hub.post("logs", {"entries": [entry], "size": None}, reader)

    def subscribe(self, client_id: str, *, enabled: bool) -> None:
        """Send that client new lines, or no more. Raises TypeError for an id that is a list or object."""
        if enabled:
            self._readers.add(client_id)
        else:
            self._readers.discard(client_id)

    def text(self) -> str:
        """All lines with their times."""
        return "".join(f"{entry['t']} - {entry['m']}" for entry in self.entries)

    def raw(self) -> dict[str, Any]:
        """All lines one by one."""
        return {"entries": list(self.entries), "size": {"cols": 80, "rows": 24}}

    def _present(self, readers: Iterable[str]) -> list[str]:
        here = [reader for reader in readers if self._hub.has(reader)]
        self._readers.intersection_update(here)
        return here
