"""What wakes what: schedules, rules, alarms, queues, and that every name of one place is the same in the other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tidepool.aws import bus, environment, routes_gateway, table
from tidepool.aws.metrics import Metric
from tidepool.move.state import Phase
from tidepool.runtime.decide import LEASE_S
from tidepool_lab.deploy.permissions import EXAMPLE_ROLE, HANDS
from tidepool_lab.embedded.intrinsics import Resolver
from tidepool_lab.embedded.patterns import matches

Stack = Callable[..., Resolver]

FUNCTIONS = {
    "DecideFunction": "functions/decide/",
    "ScaleCopiesFunction": "functions/scale_copies/",
    "ScaleInstancesFunction": "functions/scale_instances/",
    "MoveModelsFunction": "functions/move_models/",
    "LearnFunction": "functions/learn/",
    "ReportFunction": "functions/report/",
}

TICKS = {
    "tidepool.tick": ("DecideFunction", "cron(* * * * ? *)"),
    "tidepool.moves-tick": ("MoveModelsFunction", "cron(* * * * ? *)"),
    "tidepool.learn-tick": ("LearnFunction", "cron(7 * * * ? *)"),
    "tidepool.report-tick": ("ReportFunction", "cron(30 6 * * ? *)"),
}
"""Source in the event → who is woken, and when."""

METRICS = {
    # sagemaker-facts.md, "Metrics"
    "AWS/SageMaker": {"Invocations", "NoCapacityInvocationFailures", "ConcurrentRequestsPerCopy", "ModelLatency"},
    "AWS/Lambda": {"Invocations", "Errors", "Throttles", "Duration"},
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible"},
}


def of_type(stack: Resolver, kind: str) -> dict[str, dict[str, Any]]:
    """Logical id → resolved properties, of every resource of that type that exists."""
    there = (name for name, r in stack.resources.items() if r["Type"] == kind and stack.exists(name))
    return {name: stack.properties(name) for name in there}


def arn(stack: Resolver, name: str) -> str:
    return str(stack.attribute(name, "Arn"))


@pytest.mark.parametrize("hands", HANDS)
@pytest.mark.parametrize("email", ["", "a@b.example"])
@pytest.mark.parametrize("roles", ["", EXAMPLE_ROLE])
def test_the_whole_template_resolves_under_every_condition(hands: str, email: str, roles: str, stack: Stack) -> None:
    # A Ref or GetAtt to a function that these hands leave out would raise: outputs, alarms and roles carry conditions.
    template = stack(hands, roles).template
    parameters = {"Hands": hands, "NotifyEmail": email, "ExecutionRoleArns": roles}
    resolver = Resolver(template, parameters, stack="other", region="eu-west-1")
    for name in resolver.resources:
        if resolver.exists(name):
            resolver.properties(name)
    for output in template["Outputs"].values():
        if "Condition" not in output or resolver.condition(output["Condition"]):
            assert resolver.value(output["Value"])


def test_a_second_stack_in_the_account_has_names_of_its_own(stack: Stack) -> None:
    template = stack().template
    one, two = (Resolver(template, {"Hands": "moves"}, stack=name, region="us-east-1") for name in ("one", "two"))
    assert [name for name in one.resources if one.exists(name) and one.physical(name) == two.physical(name)] == []


def test_there_are_at_most_eight_parameters_and_each_has_a_default_and_a_description(source: dict[str, Any]) -> None:
    assert len(source["Parameters"]) <= 8
    for parameter in source["Parameters"].values():
        assert "Default" in parameter
        assert parameter["Description"]
    assert source["Parameters"]["Hands"]["Default"] == "none"
    assert source["Parameters"]["Runtime"]["Default"] == "python3.13"
    assert source["Parameters"]["Architecture"]["Default"] == "arm64"


def test_the_six_functions_run_the_six_handlers(source: dict[str, Any], stack: Stack, root: Path) -> None:
    code = {
        n: r["Properties"]["CodeUri"]
        for n, r in source["Resources"].items()
        if r["Type"] == "AWS::Serverless::Function"
    }
    assert code == FUNCTIONS
    for name, function in of_type(stack(), "AWS::Lambda::Function").items():
        module, _, handler = function["Handler"].partition(".")
        assert f"def {handler}(" in (root / FUNCTIONS[name] / f"{module}.py").read_text()


def test_every_function_is_told_what_its_code_reads(stack: Stack) -> None:
    for name, function in of_type(stack(), "AWS::Lambda::Function").items():
        read = environment.read(function["Environment"]["Variables"])
        assert read.hands == "moves"
        assert read.ledger_table == stack().physical("LedgerTable")
        assert bool(read.decide_arn) == (name == "LearnFunction")
        assert read.alarm_prefix == "tidepool-burst-"


def test_a_function_that_runs_holds_its_lease(stack: Stack) -> None:
    assert stack().properties("DecideFunction")["Timeout"] < LEASE_S


def test_each_tick_wakes_its_function_and_is_never_repeated_late(stack: Stack) -> None:
    resolver = stack()
    woken = {}
    for schedule in of_type(resolver, "AWS::Scheduler::Schedule").values():
        target = schedule["Target"]
        event = json.loads(target["Input"])
        assert event["time"] == "<aws.scheduler.scheduled-time>"
        assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
        assert target["DeadLetterConfig"]["Arn"] == arn(resolver, "UndeliveredQueue")
        assert target["RoleArn"] == arn(resolver, "ScheduleRole")
        assert schedule["ScheduleExpressionTimezone"] == "UTC"
        assert "Name" not in schedule, "with a name of its own a second stack fails"
        woken[event["source"]] = (target["Arn"], schedule["ScheduleExpression"])
    assert woken == {source: (arn(resolver, name), when) for source, (name, when) in TICKS.items()}


def test_only_the_report_keeps_peoples_time_so_that_no_tick_is_missed_when_the_clocks_go_back(stack: Stack) -> None:
    here = {"Hands": "moves", "TimeZone": "America/Los_Angeles"}
    resolver = Resolver(stack().template, here, stack="tidepool", region="us-east-1")
    zones = {
        json.loads(schedule["Target"]["Input"])["source"]: schedule["ScheduleExpressionTimezone"]
        for schedule in of_type(resolver, "AWS::Scheduler::Schedule").values()
    }
    assert zones == dict.fromkeys(TICKS, "UTC") | {"tidepool.report-tick": "America/Los_Angeles"}


def test_an_open_move_goes_on_without_decide(stack: Stack) -> None:
    schedules = of_type(stack("moves"), "AWS::Scheduler::Schedule").values()
    assert [s for s in schedules if s["Target"]["Arn"] == arn(stack("moves"), "MoveModelsFunction")]
    assert not stack("instances").exists("MoveModelsFunctionTick")


def events(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((root / "events").glob("*.json")):
        if not path.name.endswith(".schema.json"):
            yield path.name, json.loads(path.read_text())


def test_every_rule_that_wakes_a_function_matches_an_event_of_the_events_folder(stack: Stack, root: Path) -> None:
    resolver = stack()
    examples = dict(events(root))
    assert examples
    for name, rule in of_type(resolver, "AWS::Events::Rule").items():
        pattern = rule["EventPattern"]
        if name == "AnnouncementRule":
            continue
        if "bucket" in pattern.get("detail", {}):
            # The example's bucket is somebody's; the stack's own name is made at deploy time.
            pattern = {**pattern, "detail": {key: value for key, value in pattern["detail"].items() if key != "bucket"}}
        assert any(matches(pattern, event) for event in examples.values()), f"{name}: {pattern}"


def test_every_example_is_as_its_schema_says(root: Path) -> None:
    for name, event in events(root):
        schema = json.loads((root / "events" / "schemas" / f"{Path(name).stem}.schema.json").read_text())
        jsonschema.validate(event, schema)


def test_people_hear_of_refused_files_and_of_moves_that_want_them_and_not_of_every_step(stack: Stack) -> None:
    pattern = stack().properties("AnnouncementRule")["EventPattern"]

    def told(kind: str, **detail: object) -> bool:
        detail = {"schema": 1, "kind": kind, **detail}
        return matches(pattern, {"source": bus.SOURCE, "detail-type": bus.ANNOUNCEMENT, "detail": detail})

    assert told("fleet-file-refused", problems=["x"])
    assert told("bounds-came-back", endpoint="e")
    assert not told(routes_gateway.KIND, model="m"), "that one is for gateways"
    for kind in ("move", "attach"):
        wanted = {Phase.WAITING, Phase.DONE, Phase.ROLLED_BACK, Phase.NEEDS_PERSON}
        assert {phase for phase in Phase if told(kind, phase=str(phase), because="it is cheaper there")} == wanted
        asked = {phase for phase in Phase if told(kind, phase=str(phase), because="asked for by kim: CHG-1")}
        assert asked == wanted | {Phase.SUPERSEDED}


def test_there_is_one_topic_to_subscribe_to_and_announcements_go_there(stack: Stack) -> None:
    resolver = stack()
    topics = of_type(resolver, "AWS::SNS::Topic")
    assert resolver.value(resolver.template["Outputs"]["TopicArn"]["Value"]) == resolver.ref(*topics)
    rule = resolver.properties("AnnouncementRule")
    assert rule["EventBusName"] == resolver.ref("Bus")
    assert [target["Arn"] for target in rule["Targets"]] == [resolver.ref("Topic")]


def test_every_event_of_the_events_folder_has_a_sender_in_the_template(stack: Stack, root: Path) -> None:
    resolver = stack()
    patterns = [rule["EventPattern"] for rule in of_type(resolver, "AWS::Events::Rule").values()]
    for name, event in events(root):
        source = event.get("source", "")
        by_rule = any(set(p["source"]) == {source} and event.get("detail-type") in p["detail-type"] for p in patterns)
        by_alarm = source == "aws.cloudwatch" and "alarmData" in event
        assert by_rule or by_alarm or source in TICKS, f"events/{name} comes from nowhere"


def test_every_asynchronous_failure_is_kept_and_only_moves_are_run_twice(stack: Stack) -> None:
    resolver = stack()
    configs = of_type(resolver, "AWS::Lambda::EventInvokeConfig")
    assert len(configs) == len(FUNCTIONS)
    for name, config in configs.items():
        assert config["MaximumRetryAttempts"] == (1 if name.startswith("MoveModels") else 0)
        assert config["DestinationConfig"]["OnFailure"]["Destination"] == arn(resolver, "FailedRunsQueue")


def test_every_rule_has_a_queue_that_events_may_write_to(stack: Stack) -> None:
    resolver = stack()
    queue = arn(resolver, "UndeliveredQueue")
    for rule in of_type(resolver, "AWS::Events::Rule").values():
        assert [target["DeadLetterConfig"]["Arn"] for target in rule["Targets"]] == [queue]
    policies = of_type(resolver, "AWS::SQS::QueuePolicy").values()
    allowed = [s for p in policies for s in p["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert [(s["Principal"], s["Action"], s["Resource"]) for s in allowed] == [
        ({"Service": "events.amazonaws.com"}, "sqs:SendMessage", queue)
    ]
    rules = allowed[0]["Condition"]["ArnLike"]["aws:SourceArn"]
    for rule_name in of_type(resolver, "AWS::Events::Rule"):
        assert arn(resolver, rule_name).startswith(rules.removesuffix("*"))


def test_queues_are_encrypted_so_that_services_may_write_to_them(stack: Stack) -> None:
    for queue in of_type(stack(), "AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
        assert "KmsMasterKeyId" not in queue


def test_rules_may_invoke_what_they_name(stack: Stack) -> None:
    resolver = stack()
    permitted = {(p["FunctionName"], p.get("SourceArn")) for p in of_type(resolver, "AWS::Lambda::Permission").values()}
    functions = {arn(resolver, name): resolver.physical(name) for name in FUNCTIONS}
    for name, rule in of_type(resolver, "AWS::Events::Rule").items():
        for target in rule["Targets"]:
            if target["Arn"] in functions:
                assert (functions[target["Arn"]], arn(resolver, name)) in permitted


def test_any_alarm_of_the_account_may_wake_decide_and_nothing_else(stack: Stack) -> None:
    resolver = stack()
    by_alarm = [
        p
        for p in of_type(resolver, "AWS::Lambda::Permission").values()
        if p["Principal"] == "lambda.alarms.cloudwatch.amazonaws.com"
    ]
    assert by_alarm == [
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": arn(resolver, "DecideFunction"),
            "Principal": "lambda.alarms.cloudwatch.amazonaws.com",
            "SourceAccount": resolver.pseudo["AWS::AccountId"],
        }
    ]


def metrics(alarm: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(namespace, metric) of everything that an alarm looks at."""
    if "MetricName" in alarm:
        yield alarm["Namespace"], alarm["MetricName"]
    for metric in alarm.get("Metrics", ()):
        if "MetricStat" in metric:
            yield metric["MetricStat"]["Metric"]["Namespace"], metric["MetricStat"]["Metric"]["MetricName"]
        elif metric["Expression"].startswith("SELECT"):
            asked = re.search(r'SELECT SUM\((\w+)\) FROM SCHEMA\("([^"]+)"', metric["Expression"])
            assert asked
            yield asked.group(2), asked.group(1)


def on_the_dashboard(stack: Resolver) -> set[tuple[str, str]]:
    """(namespace, metric) of every line of the dashboard."""
    body = json.loads(stack.properties("Dashboard")["DashboardBody"])
    lines = [line for widget in body["widgets"] for line in widget["properties"].get("metrics", ())]
    assert {line[2] for line in lines if line[0] == "Tidepool"} == {"service"}
    return {(line[0], line[1]) for line in lines if isinstance(line[0], str)}


def test_alarms_and_dashboard_show_metrics_that_somebody_writes_and_all_of_ours(stack: Stack, root: Path) -> None:
    looked_at: set[tuple[str, str]] = set()
    for name, alarm in of_type(stack(), "AWS::CloudWatch::Alarm").items():
        assert list(metrics(alarm)), name
        looked_at |= set(metrics(alarm))
    looked_at |= on_the_dashboard(stack())
    for namespace, metric in looked_at:
        if namespace != "Tidepool":
            assert metric in METRICS[namespace], metric
    assert {metric for namespace, metric in looked_at if namespace == "Tidepool"} == set(Metric)


def test_every_metric_of_ours_is_written_somewhere(root: Path) -> None:
    code = [*(root / "functions").rglob("*.py"), root / "layers" / "core" / "tidepool" / "wiring.py"]
    code.append(root / "layers" / "core" / "tidepool" / "aws" / "metrics.py")
    written = set(re.findall(r"Metric\.([A-Z_]+)", "".join(path.read_text() for path in code)))
    assert written == set(Metric.__members__)


def test_the_dashboard_asks_how_every_alarm_that_tells_people_is(stack: Stack) -> None:
    resolver = stack()
    body = json.loads(resolver.properties("Dashboard")["DashboardBody"])
    (shown,) = [widget["properties"]["alarms"] for widget in body["widgets"] if widget["type"] == "alarm"]
    alarms = of_type(resolver, "AWS::CloudWatch::Alarm")
    telling = {arn(resolver, name) for name, alarm in alarms.items() if resolver.ref("Topic") in alarm["AlarmActions"]}
    assert set(shown) == telling


def test_a_call_to_a_component_without_copies_wakes_decide_within_a_minute_for_every_component(stack: Stack) -> None:
    resolver = stack()
    alarm = resolver.properties("NoCapacityAlarm")
    (query,) = alarm["Metrics"]
    assert query["Period"] * alarm["EvaluationPeriods"] == 60
    assert query["Expression"].endswith("GROUP BY InferenceComponentName")
    assert alarm["AlarmActions"] == [arn(resolver, "DecideFunction")]
    assert alarm["TreatMissingData"] == "notBreaching", "a period without a rejected call has no datapoint"


def test_every_queue_and_every_function_has_an_alarm_that_tells_people(stack: Stack) -> None:
    resolver = stack()
    topic = resolver.ref("Topic")
    telling = [a for a in of_type(resolver, "AWS::CloudWatch::Alarm").values() if topic in a["AlarmActions"]]
    watched = {value["Value"] for alarm in telling for value in alarm.get("Dimensions", ())}
    assert {resolver.physical("FailedRunsQueue"), resolver.physical("UndeliveredQueue")} <= watched
    errors = resolver.properties("FunctionErrorsAlarm")["Metrics"]
    of = {m["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for m in errors if "MetricStat" in m}
    assert of == {resolver.physical(name) for name in FUNCTIONS}


def test_alarms_and_announcements_may_reach_the_topic(stack: Stack) -> None:
    (policy,) = of_type(stack(), "AWS::SNS::TopicPolicy").values()
    principals = {s["Principal"]["Service"]: s.get("Condition") for s in policy["PolicyDocument"]["Statement"]}
    assert set(principals) == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    assert principals["events.amazonaws.com"] is None, "EventBridge supports no conditions in a topic's policy"


def test_what_is_stored_is_encrypted_recoverable_and_kept_when_the_stack_goes(stack: Stack) -> None:
    resolver = stack()
    for properties in of_type(resolver, "AWS::DynamoDB::Table").values():
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert properties["TimeToLiveSpecification"] == {"AttributeName": table.EXPIRES, "Enabled": True}
        assert properties["SSESpecification"] == {"SSEEnabled": True}
    bucket = resolver.properties("Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    for name in ("LedgerTable", "RoutesTable", "Bucket"):
        assert resolver.resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resolver.resources[name]["UpdateReplacePolicy"] == "Retain"


def test_the_ledger_and_the_routes_have_the_keys_that_the_code_writes(stack: Stack) -> None:
    keys = {
        name: [key["AttributeName"] for key in properties["KeySchema"]]
        for name, properties in of_type(stack(), "AWS::DynamoDB::Table").items()
    }
    assert keys == {"LedgerTable": ["pk", "sk"], "RoutesTable": ["model"]}


def test_every_function_logs_into_a_group_that_forgets(stack: Stack) -> None:
    resolver = stack()
    groups = {g["LogGroupName"]: g for g in of_type(resolver, "AWS::Logs::LogGroup").values()}
    for function in of_type(resolver, "AWS::Lambda::Function").values():
        assert groups[function["LoggingConfig"]["LogGroup"]]["RetentionInDays"] == "30"


def test_outputs_are_things_to_click_or_paste(stack: Stack) -> None:
    resolver = stack()
    values = {name: resolver.value(output["Value"]) for name, output in resolver.template["Outputs"].items()}
    assert values["UploadFleetFile"].startswith(
        f"aws s3 cp fleet.yaml s3://{resolver.physical('Bucket')}/config/fleet.yaml"
    )
    for name in ("Decisions", "Reports", "Logs", "DashboardPage"):
        assert values[name].startswith("https://")
    for output in resolver.template["Outputs"].values():
        assert output["Description"]
