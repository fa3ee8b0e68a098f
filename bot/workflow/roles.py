"""Which workflow serves which role. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.workflow.model import Role, Workflow


def in_order(workflows: Iterable[Workflow], first: Sequence[str]) -> list[Workflow]:
    """Workflows as they are tried: those that the owner puts first, then by their own order, then by name.

    Those of the owner that state no order come before the bundled ones; those whose roles nobody stated after all.
    """
    places = {name: place for place, name in enumerate(first)}
    return sorted(
        workflows,
        key=lambda each: (
            places.get(each.name, len(places)),
            each.guessed,
            each.bundled,
            each.order,
            each.name,
        ),
    )


def serving(role: Role, ordered: Iterable[Workflow]) -> Workflow | None:
    """The first workflow that serves a role."""
    return next((workflow for workflow in ordered if role in workflow.roles), None)
