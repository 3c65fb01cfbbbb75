"""The part of CloudWatch Logs Insights that the stack's queries use, over lines of JSON.

Nested members are asked for by dots, members of a list by their place (`problems.0`); a whole list or object is no
field, as in CloudWatch (user guide, "Supported logs and discovered fields").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]


def rows(query: str, lines: Sequence[Mapping[str, Any]]) -> list[Row]:
    """What the query answers; lines are oldest first. LookupError for a word that is not known here."""
    found = [_flat(line) | {"@timestamp": number} for number, line in enumerate(lines)]
    wanted: list[str] = []
    for command in (part.strip() for part in query.split("|")):
        word, _, rest = command.partition(" ")
        match word:
            case "fields":
                wanted = [name.strip() for name in rest.split(",")]
            case "filter":
                found = [row for row in found if all(_holds(one.strip(), row) for one in rest.split(" and "))]
            case "sort":
                name, _, order = rest.partition(" ")
                found.sort(key=lambda row: row.get(name, 0), reverse=order == "desc")
            case "limit":
                found = found[: int(rest)]
            case "stats":
                figures = rest.split(" by ")[0]
                found = [{one.strip(): _figure(one.strip(), found) for one in figures.split(",")}]
            case _:
                raise LookupError(f"{word!r} in {query!r}")
    return [{name: row.get(name) for name in wanted} for row in found] if wanted else found


def _flat(value: Mapping[str, Any], above: str = "") -> Row:
    found: Row = {}
    for key, item in value.items():
        inner = dict(enumerate(item)) if isinstance(item, list) else item
        if isinstance(inner, Mapping):
            found |= _flat({str(name): one for name, one in inner.items()}, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = item
    return found


def _holds(condition: str, row: Row) -> bool:
    if asked := re.fullmatch(r"ispresent\(([\w.]+)\)", condition):
        return any(name == asked[1] or name.startswith(f"{asked[1]}.") for name in row)
    compared = re.fullmatch(r'([\w.]+) (=|>) (?:"([^"]*)"|(\d+))', condition)
    if compared is None:
        raise LookupError(f"the condition {condition!r}")
    name, sign, text, number = compared.groups()
    value = row.get(name)
    if sign == "=":
        return bool(value == text)
    return isinstance(value, int | float) and value > int(number)


def _figure(asked: str, found: Sequence[Row]) -> float:
    if asked == "count(*)":
        return len(found)
    summed = re.fullmatch(r"sum\(([\w.]+)\)", asked)
    if summed is None:
        raise LookupError(f"the figure {asked!r}")
    return sum(float(row.get(summed[1], 0)) for row in found)
