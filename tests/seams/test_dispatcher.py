"""Functions are woken as the translated template says, and by nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import boto3
import pytest

from seams.world import HERE, ROOT, SMALL, START_S, a_cloud, a_small_rig, seen
from tidepool_lab.embedded import template
from tidepool_lab.embedded.catalog import UnknownMetric
from tidepool_lab.embedded.intrinsics import Unresolvable
from tidepool_lab.embedded.rig import Rig
from tidepool_lab.embedded.stack import stack_of
from tidepool_lab.twin.faults import Faults


def an_event(**detail: Any) -> dict[str, Any]:
    return {"source": "test", "detail": detail}


def test_a_schedule_ticks_each_minute_with_its_scheduled_time(rig: Rig) -> None:
    rig.run_to(START_S + 180)
    assert rig.runs["Look"] == 3
    assert rig.fire("Look") == {"name": "tidepool-Look-twin", "now": START_S + 180, "hands": "copies"}


def test_a_function_that_is_not_granted_does_not_exist() -> None:
    source = template.read(SMALL)
    none = stack_of(source, {}, name="t", region="us-east-1", root=HERE)
    some = stack_of(source, {"Hands": "copies"}, name="t", region="us-east-1", root=HERE)
    assert [f.logical for f in none.functions.values()] == ["Look"]
    assert [f.logical for f in some.functions.values()] == ["Look", "Hand"]
    assert len(some.schedules) == len(none.schedules) + 1
    with pytest.raises(Unresolvable, match="no parameter 'Hand'"):
        stack_of(source, {"Hand": "copies"}, name="t", region="us-east-1", root=HERE)


def test_an_event_on_our_bus_reaches_the_hand_two_seconds_later(rig: Rig) -> None:
    rig.run_to(START_S + 30)
    rig.invoke("Look", an_event(send="tidepool.scale_copies"))
    rig.invoke("Look", an_event(send="tidepool.other"))
    arrived: list[int] = []
    rig.run_to(START_S + 40, on_event=lambda h: arrived.append(h.at_s) if h.what == "Hand" else None)
    assert arrived == [START_S + 32]
    (event,) = seen(rig, "Hand")
    assert event["detail-type"] == "tidepool.scale_copies"


def test_an_upload_reaches_the_function_whose_pattern_names_its_key(rig: Rig) -> None:
    rig.upload("schema: 1", commit="abc")
    rig.stores.client("s3").put_object(Bucket=rig.stores.bucket(), Key="elsewhere/file", Body=b"")
    rig.run_to(START_S + 10)
    (event,) = seen(rig)
    assert event["detail"]["object"]["key"] == "config/fleet.yaml"
    assert event["detail"]["object"]["size"] == len("schema: 1")


def test_the_no_capacity_alarm_wakes_the_function_a_minute_after_the_minute(rig: Rig) -> None:
    woken: list[int] = []
    rig.run_to(
        START_S + 600,
        on_event=lambda h: (
            woken.append(h.at_s) if h.kind == "invoked" and h.event["source"] == "aws.cloudwatch" else None
        ),
    )
    # Requests of minute 2 were rejected; the alarm's own action and its contributor's, once.
    assert woken == [START_S + 240, START_S + 240]
    whole, one = (event["alarmData"] for event in seen(rig))
    assert whole["previousState"]["value"] == "OK"
    assert one["alarmContributor"]["attributes"] == {"InferenceComponentName": "a"}


def test_an_alarm_without_permission_to_invoke_is_undelivered() -> None:
    source = copy.deepcopy(template.read(SMALL))
    del source["Resources"]["AlarmsMayLook"]
    with a_small_rig(a_cloud({"a": [0, 5]}, copies={"a": 0}), source=source) as rig:
        rig.run_to(START_S + 300)
        undelivered = [h for h in rig.happened if h.kind == "undelivered"]
        assert "no AWS::Lambda::Permission" in undelivered[0].why
        assert seen(rig) == []


def test_a_metric_name_misspelt_in_the_template_stops_the_rig() -> None:
    source = copy.deepcopy(template.read(SMALL))
    query = source["Resources"]["NoCapacity"]["Properties"]["Metrics"][0]
    query["Expression"] = query["Expression"].replace("InvocationFailures", "InvocationFailure")
    with pytest.raises(UnknownMetric, match="no-capacity: AWS/SageMaker NoCapacityInvocationFailure: no such metric"):
        a_small_rig(a_cloud({"a": [1]}), source=source).__enter__()
    # The process is as it was: another rig can be made.
    with a_small_rig(a_cloud({"a": [1]})) as rig:
        rig.run_to(START_S + 60)


def test_a_metric_in_a_log_line_raises_the_alarm_on_it_and_people_are_told(rig: Rig) -> None:
    rig.run_to(START_S + 65)
    rig.invoke("Look", an_event(count=True))
    rig.run_to(START_S + 300)
    told = [(h.at_s, h.what) for h in rig.happened if h.kind == "notified"]
    assert told == [(START_S + 120, "tidepool-AskedAlarm-twin")]


def test_a_failed_run_is_tried_again_as_configured_and_then_is_a_dead_letter(rig: Rig) -> None:
    rig.run_to(START_S + 10)
    bus_event = {"source": "aws.s3", "detail-type": "Object Created", "detail": {}}
    name = {"bucket": {"name": rig.stores.bucket()}, "object": {"key": "config/x"}, "fail": True}
    rig.dispatcher.send("default", {**bus_event, "detail": name})
    rig.run_to(START_S + 200)
    failed = [h.at_s - START_S for h in rig.happened if h.kind == "failed"]
    assert failed == [12, 72]
    (letter,) = rig.stores.messages("Dead")
    assert json.loads(letter)["requestPayload"]["detail"]["fail"] is True
    assert json.loads(letter)["requestContext"]["approximateInvokeCount"] == 2


def test_an_endpoint_that_changes_its_state_is_told_of_in_eventbridges_spelling(rig: Rig) -> None:
    rig.cloud.update_endpoint("pool", "other", minimum=1, maximum=6)
    rig.run_to(START_S + 300)
    events = [e for e in seen(rig) if e["source"] == "aws.sagemaker"]
    assert [e["detail"]["EndpointStatus"] for e in events] == ["UPDATING", "IN_SERVICE"]


def test_a_schedule_in_a_time_zone_fires_at_its_local_time() -> None:
    # 02:30 in Berlin is 01:30 UTC: half an hour after the start.
    with a_small_rig(a_cloud({"a": [0]}), Hands="copies", TimeZone="Europe/Berlin") as rig:
        fired: list[int] = []
        rig.run_to(START_S + 3600, on_event=lambda h: fired.append(h.at_s) if h.what == "Hand" else None)
        assert fired == [START_S + 1800]


def test_events_are_lost_and_doubled_as_the_seed_says() -> None:
    cloud = a_cloud({"a": [0]}, faults=Faults(seed=3, events_doubled=1.0))
    with a_small_rig(cloud) as rig:
        rig.upload("x: 1")
        rig.run_to(START_S + 10)
        assert len(seen(rig)) == 2
    with a_small_rig(a_cloud({"a": [0]}, faults=Faults(seed=3, events_lost=1.0))) as rig:
        rig.upload("x: 1")
        rig.run_to(START_S + 10)
        assert seen(rig) == []


def test_a_bus_that_does_not_exist_refuses_the_entry_and_not_the_call(rig: Rig) -> None:
    client = boto3.client("events", region_name="us-east-1")
    entry = {"Source": "tidepool", "DetailType": "x", "Detail": "{}", "EventBusName": "nowhere"}
    reply = client.put_events(Entries=[entry, {**entry, "EventBusName": "tidepool"}])
    assert reply["FailedEntryCount"] == 1
    assert reply["Entries"][0]["ErrorCode"] == "ResourceNotFoundException"


HANDS = ("none", "copies", "instances", "moves")


@pytest.mark.parametrize("hands", HANDS)
def test_everything_in_the_real_template_leads_somewhere(hands: str) -> None:
    cloud = a_cloud({"a": [1]})
    with Rig(cloud, template=ROOT / "template.yaml", parameters={"Hands": hands}, learn_first="") as rig:
        stack = rig.stack
        assert len(stack.functions) == 3 + HANDS.index(hands)
        for rule in stack.rules:
            for target in rule.targets:
                if ":lambda:" in target.arn:
                    assert target.arn in stack.functions, rule.name
                    assert stack.permits(target.arn, "events.amazonaws.com", rule.arn), rule.name
                assert target.dead_letters.rpartition(":")[2] in rig.stores.queues, rule.name
        for schedule in stack.schedules:
            assert schedule.target in stack.functions, schedule.name
            assert schedule.dead_letters.rpartition(":")[2] in rig.stores.queues, schedule.name
            assert schedule.retries == 0, schedule.name
        for function in stack.functions.values():
            assert (function.code / "handler.py").exists()
            assert function.on_failure.rpartition(":")[2] in rig.stores.queues, function.logical
        wakes = [a for a in rig.alarms.alarms.values() if any(":lambda:" in x for x in a.asked["AlarmActions"])]
        for alarm in wakes:
            for arn in alarm.asked["AlarmActions"]:
                assert stack.permits(arn, "lambda.alarms.cloudwatch.amazonaws.com", alarm.arn)
        assert wakes


@pytest.mark.parametrize(
    ("alarm", "old", "new"),
    [
        ("NoCapacityAlarm", "NoCapacityInvocationFailures", "NoCapacityInvocationFailure"),
        ("NoCapacityAlarm", "AWS/SageMaker", "AWS/Sagemaker/"),
        ("NoCapacityAlarm", ", InferenceComponentName", ", EndpointName"),
        ("DecideIsSilentAlarm", "Decision", "Desicion"),
        ("FailedRunsAlarm", "ApproximateNumberOfMessagesVisible", "NumberOfMessagesVisible"),
        ("FleetFileRefusedAlarm", "FleetFileRefused", "FleetfileRefused"),
    ],
)
def test_a_wrong_metric_in_template_yaml_is_found(alarm: str, old: str, new: str) -> None:
    source = copy.deepcopy(template.read(ROOT / "template.yaml"))
    written = json.dumps(source["Resources"][alarm])
    assert old in written
    escaped = json.dumps(old)[1:-1], json.dumps(new)[1:-1]
    source["Resources"][alarm] = json.loads(written.replace(*escaped))
    with pytest.raises(UnknownMetric, match=r"tidepool-"):
        Rig(a_cloud({"a": [1]}), template=ROOT / "template.yaml", source=source).__enter__()
