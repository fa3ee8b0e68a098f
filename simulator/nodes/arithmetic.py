"""Expressions such as `a * 8 + 1`, evaluated without being run as code."""

import ast
import math
import operator
from collections.abc import Callable, Mapping

from simulator.nodes.bench import NodeFailed

Number = float | int | bool
LIMIT = 4000  # the largest power, so that no expression keeps the server busy

_BINARY: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_BITWISE: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Number], Number]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_COMPARING: Mapping[type[ast.cmpop], Callable[[Number, Number], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _power(base: Number, exponent: Number) -> Number:
    if abs(base) > LIMIT or abs(exponent) > LIMIT:
        raise ValueError("Invalid expression: the power is too large")
    result = base**exponent
    if isinstance(result, complex):
        raise ValueError("Invalid expression: the result is not a number")
    return result


_FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    "abs": abs, "min": min, "max": max, "round": round, "int": int, "float": float, "floor": math.floor,
    "ceil": math.ceil, "sqrt": math.sqrt, "log": math.log, "log2": math.log2, "log10": math.log10,
    "exp": math.exp, "pow": _power, "sin": math.sin, "cos": math.cos, "tan": math.tan,
}  # fmt: skip
_NAMES: Mapping[str, Number] = {"pi": math.pi, "e": math.e, "true": True, "false": False}


def evaluate(expression: str, values: Mapping[str, Number]) -> Number:
    """The value of an expression over these names.

    Raises what real servers do: SyntaxError, ZeroDivisionError, NodeFailed for a name that is not there
    and ValueError for other things that are not arithmetic.
    """
    text = expression.strip()
    if not text:
        raise ValueError("Expression cannot be empty.")
    tree = ast.parse(text, mode="eval")
    _check_names(tree, values, text)
    try:
        return _value(tree.body, values)
    except (RecursionError, OverflowError, TypeError) as error:
        raise ValueError(f"Invalid expression: {error}") from error


def _check_names(tree: ast.AST, values: Mapping[str, Number], text: str) -> None:
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    for name in sorted(called - _FUNCTIONS.keys()):
        message = f"Function '{name}' not defined, for expression '{text}'."
        raise NodeFailed("simpleeval.FunctionNotDefined", message)
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - called
    for name in sorted(named):
        if name not in values and name.lower() not in _NAMES:
            raise NodeFailed("simpleeval.NameNotDefined", f"'{name}' is not defined for expression '{text}'")


def _value(node: ast.expr, values: Mapping[str, Number]) -> Number:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name) if name in values or name.lower() in _NAMES:
            return values[name] if name in values else _NAMES[name.lower()]
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(op, _value(left, values), _value(right, values))
        case ast.UnaryOp(op=op, operand=operand):
            number = _value(operand, values)
            return ~_whole(number) if isinstance(op, ast.Invert) else _UNARY[type(op)](number)
        case ast.BoolOp(op=op, values=parts):
            found = [bool(_value(part, values)) for part in parts]
            return all(found) if isinstance(op, ast.And) else any(found)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _value(body if _value(test, values) else orelse, values)
        case ast.Compare():
            return _compared(node, values)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*[_value(argument, values) for argument in args])
    raise ValueError(f"Invalid expression: {ast.unparse(node)}")


def _binary(op: ast.operator, left: Number, right: Number) -> Number:
    if isinstance(op, ast.Pow):
        return _power(left, right)
    if type(op) in _BITWISE:
        return _BITWISE[type(op)](_whole(left), _whole(right))
    if type(op) in _BINARY:
        return _BINARY[type(op)](left, right)
    raise ValueError(f"Invalid expression: {type(op).__name__}")


def _whole(number: Number) -> int:
    if isinstance(number, float):
        raise ValueError("Invalid expression: bits of a number that is not whole")
    return int(number)


def _compared(node: ast.Compare, values: Mapping[str, Number]) -> bool:
    numbers = [_value(part, values) for part in (node.left, *node.comparators)]
    return all(
        _COMPARING[type(op)](first, second)
        for op, first, second in zip(node.ops, numbers[:-1], numbers[1:], strict=True)
        if type(op) in _COMPARING
    )
