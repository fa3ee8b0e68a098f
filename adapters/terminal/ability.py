"""Whether the terminal takes pictures: by what it answers, or by what it says of itself in the environment."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping
from contextlib import suppress

from adapters.terminal.graphics import Graphics, Protocol

ANSWER_SECONDS = 0.5
"""How long a terminal may take. All but the dumbest answer the last question, which ends the wait."""

_QUESTIONS = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[c"
"""Do you take kitty's graphics? How large is a character? What are you?"""

_KITTY = re.compile(rb"\x1b_Gi=31;OK\x1b\\")
_CELL = re.compile(rb"\x1b\[6;(\d+);\d+t")
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")
_SIXEL = b"4"


def find_graphics(environment: Mapping[str, str]) -> Graphics | None:
    """What the terminal at standard error can draw; None for one that can't, and for a pipe. May take half a second."""
    if not sys.stderr.isatty() or environment.get("TERM", "") == "dumb":
        return None
    answer = _ask() if sys.stdin is not None and sys.stdin.isatty() else b""
    return told(answer) or named(environment)


def told(answer: bytes) -> Graphics | None:
    """What a terminal's answer says."""
    cell = _CELL.search(answer)
    height = int(cell[1]) or None if cell is not None else None
    if _KITTY.search(answer):
        return Graphics(protocol=Protocol.KITTY, cell_height=height)
    attributes = _ATTRIBUTES.search(answer)
    if attributes is not None and _SIXEL in attributes[1].split(b";")[1:]:
        return Graphics(protocol=Protocol.SIXEL, cell_height=height)
    return None


def named(environment: Mapping[str, str]) -> Graphics | None:
    """What the environment says. Within tmux or screen it speaks of the terminal outside, which is not reached."""
    if environment.get("TMUX") or environment.get("STY"):
        return None
    term = environment.get("TERM", "")
    program = environment.get("TERM_PROGRAM", "").lower()
    if "KITTY_WINDOW_ID" in environment or term in ("xterm-kitty", "xterm-ghostty") or program == "ghostty":
        return Graphics(protocol=Protocol.KITTY)
    if term.partition("-")[0] in ("foot", "mlterm"):
        return Graphics(protocol=Protocol.SIXEL)
    return None


def _ask() -> bytes:
    """What the terminal answers; nothing on Windows, whose console can't be read without an echo."""
    if sys.platform == "win32":
        return b""
    import select
    import termios
    import tty

    answer, end = b"", time.monotonic() + ANSWER_SECONDS
    with suppress(termios.error, OSError):
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        try:
            tty.setcbreak(descriptor, termios.TCSADRAIN)
            sys.stderr.buffer.write(_QUESTIONS)
            sys.stderr.buffer.flush()
            while not _ATTRIBUTES.search(answer):
                if not select.select([descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
                    break
                answer += os.read(descriptor, 1024)
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
    return answer
