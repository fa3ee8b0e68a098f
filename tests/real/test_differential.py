"""A real ComfyUI and the simulator do the same, but for what is written down with its reason."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.real.differential import known
from tests.real.differential.all_cases import chosen
from tests.real.differential.run import compare, first_checkpoint, simulator_like

URL = os.environ.get("REAL_COMFYUI_URL")
CHECKPOINT = os.environ.get("REAL_COMFYUI_CHECKPOINT")


@pytest.mark.real_comfyui
@pytest.mark.skipif(URL is None, reason="set REAL_COMFYUI_URL to the address of a real ComfyUI")
@pytest.mark.timeout(1800)
async def test_only_the_known_differences_are_there(tmp_path: Path) -> None:
    """Every case on both servers: no difference without a reason, and no reason without a difference."""
    assert URL is not None
    checkpoint = CHECKPOINT or await first_checkpoint(URL)
    cases = chosen(checkpoint=checkpoint is not None)
    async with simulator_like(URL, tmp_path) as simulator:
        found = await compare(URL, simulator, cases, checkpoint)
    listed = [entry for entry in known.known() if checkpoint is not None or not entry.needs_checkpoint]
    assert [str(one) for one in known.unexplained(found, listed)] == []
    assert [entry.what for entry in known.outlived(found, listed)] == []


def test_the_document_has_the_list() -> None:
    """`python -m tests.real.differential --document` writes it."""
    assert known.documented() == known.table()


def test_cases_have_names_of_their_own() -> None:
    """And the list names none that is not there."""
    names = [case.name for case in chosen(checkpoint=True)]
    assert len(set(names)) == len(names)
    for entry in known.known():
        for pattern in entry.cases:
            assert any(fnmatchcase(name, pattern) for name in names), pattern
