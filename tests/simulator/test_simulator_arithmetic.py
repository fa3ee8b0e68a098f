"""Expressions are arithmetic and nothing else."""

from __future__ import annotations

import pytest

from simulator.failures import kind_of
from simulator.nodes import NodeFailed
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
        "a.real",
        "[1][0]",
        "'x'",
        "9 ** 9999",
        "1.5 & 1",
        "abs(x=1)",
        "max()",
    ],
)
def test_all_else_is_refused(expression: str) -> None:
    """As a ValueError, whatever is wrong."""
    with pytest.raises(ValueError, match="Invalid expression"):
        evaluate(expression, {"a": 3})


@pytest.mark.parametrize(
    ("expression", "kind", "message"),
    [
        ("", "ValueError", "Expression cannot be empty."),
        ("a +", "SyntaxError", "invalid syntax (<unknown>, line 1)"),
        ("a / 0", "ZeroDivisionError", "division by zero"),
        ("a + c", "simpleeval.NameNotDefined", "'c' is not defined for expression 'a + c'"),
        (
            "__import__('os')",
            "simpleeval.FunctionNotDefined",
            "Function '__import__' not defined, for expression '__import__('os')'.",
        ),
    ],
)
def test_refusals_have_the_real_words(expression: str, kind: str, message: str) -> None:
    """Those of the library that real servers evaluate expressions with."""
    with pytest.raises((ValueError, SyntaxError, ZeroDivisionError, NodeFailed)) as caught:
        evaluate(expression, {"a": 3})
    assert (kind_of(caught.value), str(caught.value)) == (kind, message)
