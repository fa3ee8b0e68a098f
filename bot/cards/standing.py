"""How people and places stand, in words."""

from __future__ import annotations

from bot.cards.notes import note
from bot.contract.card import Card, Code, Countdown, Span, Text
from bot.scheduling.allowance import Spent, in_hours

Line = tuple[Span, ...]


def quota_card(
    *, seconds: float | None, spent: Spent, typical: float | None, anew: float, now: float
) -> Card:
    """GPU-seconds of today: used and left, when they begin `anew` (seconds since 1970), what a `typical` job takes."""
    left = None if seconds is None else max(0.0, seconds - spent.used - spent.bound)
    lines: list[Line] = []
    if seconds is None:
        lines.append(_line(f"Used {spent.used:.0f} GPU-seconds; there is no limit."))
    else:
        lines.append(_line(f"Used {spent.used:.0f} of {seconds:.0f} GPU-seconds, {left:.0f} left"))
    if spent.bound > 0:
        lines.append(_line(f"Waiting and running: about {spent.bound:.0f}"))
    when = Countdown(at=anew, text=f"in {in_hours((anew - now) / 3600)}")
    lines.append((Text(text="Begins anew "), when))
    if typical is not None:
        more = "" if left is None else f", so about {int(left / max(typical, 0.1))} more"
        lines.append(_line(f"A typical picture takes {max(1, round(typical))}{more}"))
    return note("Your GPU-seconds today", *lines)


def place_card(
    *,
    name: str,
    known_as: str,
    allowed: bool,
    workflows: tuple[str, ...] | None,
    age_restricted: bool,
) -> Card:
    """What holds in a place."""
    runs = "all" if workflows is None else ", ".join(f"/{each}" for each in workflows) or "none"
    return note(
        f"This place is {name}" if name else "This place",
        (Text(text="Its id is "), Code(text=known_as)),
        _line(f"Served: {'yes' if allowed else 'no'}"),
        _line(f"Workflows: {runs}"),
        _line(f"Age-restricted: {'yes' if age_restricted else 'no'}"),
    )


def _line(text: str) -> Line:
    return (Text(text=text),)
