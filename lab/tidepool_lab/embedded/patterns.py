"""EventBridge event patterns: does this event match? Only the operators that EventBridge documents; others refuse."""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Mapping
from typing import Any


class BadPattern(ValueError):
    """EventBridge would refuse this pattern at PutRule."""


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Every field of the pattern matches the event; fields that the pattern does not name do not matter."""
    for key, wanted in pattern.items():
        if key == "$or":
            if not any(matches(branch, event) for branch in wanted):
                return False
            continue
        if isinstance(wanted, Mapping):
            inner = event.get(key)
            inner = inner if isinstance(inner, Mapping) else {}
            if not matches(wanted, inner):
                return False
        elif isinstance(wanted, list):
            if not _any(wanted, key in event, event.get(key)):
                return False
        else:
            raise BadPattern(f"{key}: {wanted!r}; a pattern's leaf is a list, such as [{wanted!r}]")
    return True


def _any(wanted: list[Any], present: bool, value: Any) -> bool:
    """A list in the event matches when any of its members does."""
    members = value if isinstance(value, list) else [value]
    return any(_one(want, present, member) for want in wanted for member in members or [None])


def _one(want: Any, present: bool, value: Any) -> bool:
    if not isinstance(want, Mapping):
        return present and type(value) is type(want) and value == want
    ((operator, argument),) = want.items()
    if operator == "exists":
        return present is argument
    if not present:
        return False
    match operator:
        case "prefix":
            return _text(argument, value, str.startswith)
        case "suffix":
            return _text(argument, value, str.endswith)
        case "equals-ignore-case":
            return isinstance(value, str) and value.lower() == argument.lower()
        case "wildcard":
            return isinstance(value, str) and fnmatch.fnmatchcase(value, argument.replace("[", "[[]"))
        case "anything-but":
            return not _excluded(argument, value)
        case "numeric":
            return isinstance(value, int | float) and not isinstance(value, bool) and _numeric(argument, value)
        case "cidr":
            return isinstance(value, str) and ipaddress.ip_address(value) in ipaddress.ip_network(argument)
        case _:
            raise BadPattern(f"{operator!r} is not an operator of EventBridge patterns")


def _text(argument: Any, value: Any, test: Any) -> bool:
    if isinstance(argument, Mapping):
        argument = argument["equals-ignore-case"].lower()
        value = value.lower() if isinstance(value, str) else value
    return isinstance(value, str) and bool(test(value, argument))


def _excluded(argument: Any, value: Any) -> bool:
    if isinstance(argument, Mapping):
        ((operator, inner),) = argument.items()
        each = inner if isinstance(inner, list) else [inner]
        return any(_one({operator: one}, True, value) for one in each)
    return value in (argument if isinstance(argument, list) else [argument])


def _numeric(argument: list[Any], value: float) -> bool:
    for operator, bound in zip(argument[::2], argument[1::2], strict=True):
        match operator:
            case "=":
                held = value == bound
            case "<":
                held = value < bound
            case "<=":
                held = value <= bound
            case ">":
                held = value > bound
            case ">=":
                held = value >= bound
            case _:
                raise BadPattern(f"{operator!r} is not a numeric operator")
        if not held:
            return False
    return True
