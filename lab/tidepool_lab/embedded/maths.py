"""CloudWatch metric maths, as far as alarms here use it: arithmetic, FILL, and SUM and the like of METRICS()."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tidepool_lab.embedded.intercept import AwsError
from tidepool_lab.embedded.metrics import Values

_OPERATORS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}
_ACROSS: Mapping[str, Callable[..., Any]] = {"SUM": np.nansum, "MAX": np.nanmax, "MIN": np.nanmin, "AVG": np.nanmean}


def evaluate(expression: str, series: Mapping[str, Values]) -> Values:
    """The expression over series of equal length. ValidationError for what CloudWatch (or this part of it) refuses."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as error:
        raise AwsError("ValidationError", f"Error in expression: {expression}") from error
    found = _value(tree, series)
    return np.asarray(found, dtype=np.float64)


def _value(node: ast.AST, series: Mapping[str, Values]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name) if name in series:
            return series[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left, series), _value(right, series))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
            return np.asarray(_OPERATORS[type(op)](_value(left, series), _value(right, series)), dtype=np.float64)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, series)
        case ast.Call(func=ast.Name(id="METRICS"), args=[]):
            return np.stack(list(series.values()))
        case ast.Call(func=ast.Name(id="FILL"), args=[inner, ast.Constant(value=int() | float() as number)]):
            values = _value(inner, series)
            return np.where(np.isnan(values), number, values)
        case ast.Call(func=ast.Name(id=name), args=[inner]) if name in _ACROSS:
            return _across(_ACROSS[name], np.atleast_2d(_value(inner, series)))
        case _:
            raise AwsError("ValidationError", f"Error in expression: {ast.unparse(node)} is not known to the rig")


def _across(reduce: Callable[..., Any], table: Values) -> Values:
    """Across series, moment by moment: a moment that no series has stays missing."""
    known = ~np.isnan(table).all(axis=0)
    result: Values = np.full(table.shape[1], np.nan)
    if known.any():
        result[known] = reduce(table[:, known], axis=0)
    return result
