"""Fair sharing by virtual time (start-time fair queueing).

Each person has a flow with a virtual time in each lane. A claim charges seconds / weight to it, and whoever has had
least is served next; with equal costs that is round robin, however many jobs one person sends at once.
"""

from __future__ import annotations


def wake(vtime: float, present: float) -> float:
    """The virtual time of a flow that was idle and has a job again: it saves up no credit while away.

    What it owes stays: else whoever sends one job after another would be served before all who wait.
    """
    return max(vtime, present)
