"""Files made to do harm: each gets its sentence, in little memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.media.hostile import Case, cases, measure

BOUND_MIB = 400
"""A harmless picture of the largest size takes more."""


@pytest.mark.skipif(sys.platform == "win32", reason="nothing tells the memory of a child there")
@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_harm_is_answered(case: Case, tmp_path: Path) -> None:
    """The name of the file says nothing, so all are called .png here."""
    path = tmp_path / "upload.png"
    case.build(path)
    found = measure(path)
    assert found.answer in case.answers
    assert found.memory < BOUND_MIB
