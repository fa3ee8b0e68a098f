"""Whether the process that holds a lease is known to have ended, so that nobody need wait for its beats.

Known only on Linux, of processes that run where this one does: the same start of the same machine, and the same
container.
"""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

START_FIELD = 19
"""Of /proc/PID/stat behind the name, which may hold anything: when it was started, in ticks since the machine was."""


def name_process() -> str:
    """A name for this process that no other ever has, by which others beside it can tell whether it still runs."""
    return f"{_where()}:{os.getpid()}:{_started(os.getpid())}:{uuid4().hex}"


def has_ended(owner: str) -> bool:
    """Whether the process of this name has surely ended. False where that can't be known."""
    if sys.platform != "linux":
        return False  # a signal 0 ends a process elsewhere
    where, _, rest = owner.partition(":")
    pid, _, rest = rest.partition(":")
    started, _, _ = rest.partition(":")
    if not where or where != _where() or not pid.isdecimal() or not started:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it is there, and another user's
    now = _started(int(pid))
    return now != "" and now != started


def _where() -> str:
    """This start of this machine and container; nothing where it has no such names."""
    if sys.platform != "linux":
        return ""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        inside = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return sha256(f"{boot}{inside}".encode()).hexdigest()[:16]


def _started(pid: int) -> str:
    """When a process was started; nothing if that can't be read. A process that ended and was not yet buried
    counts as never started."""
    if sys.platform != "linux":
        return ""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "buried" if fields[0] in "ZX" else fields[START_FIELD]
