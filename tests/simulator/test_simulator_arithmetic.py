"""Expressions are arithmetic and nothing else."""

from __future__ import annotations

import pytest

from simulator.nodes.arithmetic import evaluate


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("a + b * 2", 11),
        ("(a - 1) // 4 * 4 + 1", 1),
        ("a & -2", 2),
        ("a & ~1 | 8", 10),
        ("max(4, (int(b) // 16) * 16)", 4),
        ("floor(b / 3) * 3", 3),
        ("a ** 2 if a > b else -a", -3),
        ("1 < a <= 3 and not b == 5", True),
        ("round(pi, 2)", 3.14),
        ("pow(2, 10)", 1024),
    ],
)
def test_arithmetic_is_done(expression: str, result: float) -> None:
    """With a = 3 and b = 4."""
    assert evaluate(expression, {"a": 3, "b": 4}) == result


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "c",
        "__import__('os')",
        "a.real",
        "[1][0]",
        "'x'",
        "9 ** 9999",
        "a / 0",
        "a +",
        "1.5 & 1",
        "abs(x=1)",
        "max()",
    ],
)
def test_all_else_is_refused(expression: str) -> None:
    """As a ValueError, whatever is wrong."""
    with pytest.raises(ValueError, match="Invalid expression"):
        evaluate(expression, {"a": 3})
