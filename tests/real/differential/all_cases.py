"""All cases in the order in which they are acted out."""

from __future__ import annotations

from tests.real.differential.case import Case
from tests.real.differential.cases import (
    files,
    info,
    media,
    models,
    pictures,
    prompts,
    running,
    runs,
    sockets,
    values,
)

GROUPS = [
    running.routes,
    files.routes,
    info.routes,
    prompts.refusals,
    prompts.accepted,
    runs.runs,
    sockets.sockets,
    pictures.pictures,
    values.values,
    media.media,
    models.models,
]


def chosen(pattern: str | None = None, *, checkpoint: bool) -> list[Case]:
    """The cases whose name contains `pattern`; those that sample only when there is a checkpoint."""
    return [
        case
        for group in GROUPS
        for case in group.cases
        if (checkpoint or not case.needs_checkpoint) and (pattern is None or pattern in case.name)
    ]
