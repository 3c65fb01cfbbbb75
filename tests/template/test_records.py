"""What the stack keeps of what it decided, and how people ask for it: lifecycle, saved queries, dashboard, logs.

The queries run over the lines that the real handlers write, so that a field that nobody logs fails here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.world import World, a_world
from template.logs_insights import rows
from tidepool_lab.embedded.intrinsics import Resolver
from tidepool_lab.embedded.lambdas import TAP

Stack = Callable[..., Resolver]
YEAR = 366
LINE_BYTES, LINES_A_RUN = 4096, 3
"""Of one run's log: its word and its metrics, and a refusal or a change that was found under way. Ours."""


def of_type(stack: Resolver, kind: str) -> dict[str, dict[str, Any]]:
    return {name: stack.properties(name) for name, r in stack.resources.items() if r["Type"] == kind}


@pytest.fixture(scope="module")
def logged() -> Iterator[tuple[World, list[tuple[str, str]]]]:
    """(world, lines) of some busy minutes, a refused fleet.yaml, an event that nobody knows, learn and report."""
    lines: list[tuple[str, str]] = []
    with a_world(busy=True) as world, pytest.MonkeyPatch.context() as patched:
        kept = world.rig._line

        def keep(function: str, line: str) -> None:
            lines.append((function, line))
            kept(function, line)

        patched.setattr(TAP, "sink", keep)
        world.rig.run_to(world.now + 300)
        world.rig.upload("schema: 1\nact: nonsense\npools: 3\n", commit="bad")
        world.rig.run_to(world.now + 120)
        with pytest.raises(Exception, match="event"):
            world.decide({"source": "nobody"})
        world.rig.fire("LearnFunction")
        world.rig.fire("ReportFunction")
        yield world, lines


def logs_of(function: str, lines: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [json.loads(line) for name, line in lines if name == function]


def query(stack: Resolver, ending: str) -> str:
    (found,) = [
        q["QueryString"] for q in of_type(stack, "AWS::Logs::QueryDefinition").values() if q["Name"].endswith(ending)
    ]
    return str(found)


def test_decisions_are_kept_for_a_year_and_reports_for_good(stack: Stack) -> None:
    rules = stack().properties("Bucket")["LifecycleConfiguration"]["Rules"]
    expiring = {rule.get("Prefix", ""): rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    assert set(expiring) == {"decisions/"} and expiring["decisions/"] >= YEAR
    assert {rule["Prefix"] for rule in rules if "NoncurrentVersionExpiration" in rule} == {"memory/", "decisions/"}


def test_every_saved_query_asks_logs_of_the_stack(stack: Stack) -> None:
    resolver = stack()
    groups = {g["LogGroupName"] for g in of_type(resolver, "AWS::Logs::LogGroup").values()}
    queries = of_type(resolver, "AWS::Logs::QueryDefinition")
    assert len(queries) == 3
    for each in queries.values():
        assert set(each["LogGroupNames"]) <= groups and each["Name"].startswith("tidepool/")


def test_the_query_of_decisions_finds_each_that_asked_with_its_reason(stack: Stack, logged: Any) -> None:
    world, lines = logged
    found = rows(query(stack(), "decisions that asked for something"), logs_of("DecideFunction", lines))
    asked = [record for record in map(json.loads, world.rig.records().values()) if record["changes"]]
    assert len(found) == len(asked) > 0
    for row in found:
        assert row["result.woken_by"] and row["result.asked"] > 0
        assert row["result.because.0"] in {change["because"] for record in asked for change in record["changes"]}


def test_the_query_of_refusals_finds_them_with_their_problems(stack: Stack, logged: Any) -> None:
    found = rows(query(stack(), "refusals and failures of decide"), logs_of("DecideFunction", logged[1]))
    by_message = {row["message"]: row for row in found}
    assert set(by_message) == {"fleet.yaml refused", "refused"}
    assert "nonsense" in by_message["fleet.yaml refused"]["problems.0"]
    assert "pools" in by_message["fleet.yaml refused"]["problems.1"]
    assert by_message["refused"]["what"]


def test_the_query_of_calls_sums_them_by_function(stack: Stack, logged: Any) -> None:
    _, lines = logged
    for function in ("DecideFunction", "LearnFunction", "ReportFunction"):
        (found,) = rows(query(stack(), "calls by run"), logs_of(function, lines))
        assert found["count(*)"] > 0 and found["sum(AwsCalls.0)"] > 0, function
    (decide,) = rows(query(stack(), "calls by run"), logs_of("DecideFunction", lines))
    assert decide["sum(MetricsRead.0)"] > 0


def widgets(stack: Resolver) -> dict[str, dict[str, Any]]:
    body = json.loads(stack.properties("Dashboard")["DashboardBody"])
    return {widget["properties"]["title"]: widget["properties"] for widget in body["widgets"]}


def test_the_dashboard_answers_what_it_did_why_what_it_saved_and_whether_it_is_well(stack: Stack) -> None:
    titles = " ".join(widgets(stack()))
    for question in ("What did it do?", "Why?", "What did it save?", "Is it well?"):
        assert question in titles


def test_the_dashboards_why_shows_the_reasons_of_the_newest_changes(stack: Stack, logged: Any) -> None:
    resolver = stack()
    (why,) = [shown for title, shown in widgets(resolver).items() if title.startswith("Why?")]
    source, _, rest = why["query"].partition("|")
    assert source.strip() == f"SOURCE '{resolver.ref('DecideLogs')}'"
    found = rows(rest, logs_of("DecideFunction", logged[1]))
    assert 0 < len(found) <= 20
    assert all(re.search(r"\d", row["result.because.0"]) for row in found)
    assert found == sorted(found, key=lambda row: row["@timestamp"], reverse=True)


def test_a_run_logs_a_few_short_lines_whatever_the_fleet_does(logged: Any) -> None:
    _, lines = logged
    assert max(len(line) for _, line in lines) <= LINE_BYTES
    by_run: dict[tuple[str, str], int] = {}
    runs = 0
    for function, line in lines:
        value = json.loads(line)
        runs += value.get("message") in {"done", "refused", "failed"}
        key = (function, str(value.get("timestamp", value.get("_aws", {}).get("Timestamp"))))
        by_run[key] = by_run.get(key, 0) + 1
    assert runs > 10
    assert len(lines) <= LINES_A_RUN * runs
