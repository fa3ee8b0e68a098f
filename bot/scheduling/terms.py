"""What a request must fit, and when backends work."""

from __future__ import annotations

from dataclasses import dataclass

from bot.scheduling.allowance import Allowance, Day
from bot.scheduling.caps import Caps, Purse
from bot.scheduling.holds import ALWAYS, Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """`caps` are everybody's, `allowance` what the person's level gives, of a `day` and beside others; `purse` is for
    what costs money, `plan` the hours of backends. None is no limit."""

    caps: Caps | None = None
    allowance: Allowance | None = None
    day: Day | None = None
    purse: Purse | None = None
    plan: Plan = ALWAYS
