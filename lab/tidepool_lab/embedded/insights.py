"""CloudWatch Metrics Insights: the part of its SQL that alarms over a fleet use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tidepool_lab.embedded.intercept import AwsError

STATS = {"SUM": "Sum", "MAX": "Maximum", "MIN": "Minimum", "AVG": "Average", "COUNT": "SampleCount"}
SERIES = 500
"""Series one query returns (facts: Metrics)."""

_GRAMMAR = re.compile(
    r"""^\s*SELECT\s+(?P<stat>\w+)\(\s*"?(?P<metric>[\w.:/-]+)"?\s*\)
    \s+FROM\s+(?:SCHEMA\(\s*"?(?P<schema>[\w./-]+)"?\s*(?P<keys>(?:,\s*"?[\w.-]+"?\s*)*)\)|"?(?P<namespace>[\w./-]+)"?)
    (?:\s+WHERE\s+(?P<where>.+?))?
    (?:\s+GROUP\s+BY\s+(?P<group>.+?))?
    (?:\s+ORDER\s+BY\s+(?P<order>\w+\(\s*\))(?:\s+(?P<direction>ASC|DESC))?)?
    (?:\s+LIMIT\s+(?P<limit>\d+))?\s*;?\s*$""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_CONDITION = re.compile(r"""^\s*"?([\w.:-]+)"?\s*(=|!=)\s*'([^']*)'\s*$""")


@dataclass(frozen=True, slots=True)
class Query:
    """SELECT stat(metric) FROM SCHEMA(namespace, keys…) WHERE key = 'value' GROUP BY keys. keys () = any dimensions."""

    stat: str
    metric: str
    namespace: str
    keys: tuple[str, ...]
    where: tuple[tuple[str, str, str], ...]
    group: tuple[str, ...]
    limit: int

    def wants(self, dimensions: Mapping[str, str]) -> bool:
        """The metric with these dimensions is part of the answer: SCHEMA wants exactly its keys."""
        if self.keys and set(self.keys) != set(dimensions):
            return False
        return all((dimensions.get(key) == value) is (operator == "=") for key, operator, value in self.where)

    def series(self, dimensions: Mapping[str, str]) -> tuple[str, ...]:
        """Which of the query's series it belongs to."""
        return tuple(dimensions.get(key, "Other") for key in self.group)


def parse(text: str) -> Query:
    """The query, or the ValidationError that CloudWatch would answer."""
    found = _GRAMMAR.match(text)
    if found is None or found["stat"].upper() not in STATS:
        raise AwsError("ValidationError", f"Error in expression: not a Metrics Insights query: {text}")
    conditions = []
    for part in re.split(r"\s+AND\s+", found["where"], flags=re.IGNORECASE) if found["where"] else []:
        one = _CONDITION.match(part)
        if one is None:
            raise AwsError("ValidationError", f"Error in expression: cannot read WHERE {part}")
        conditions.append((one[1], one[2], one[3]))
    return Query(
        stat=STATS[found["stat"].upper()],
        metric=found["metric"],
        namespace=found["schema"] or found["namespace"],
        keys=_names(found["keys"]),
        where=tuple(conditions),
        group=_names(found["group"]),
        limit=min(int(found["limit"] or SERIES), SERIES),
    )


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip().strip('"') for part in (text or "").split(",") if part.strip())
