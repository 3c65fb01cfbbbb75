"""What wakes the deployed stack, and what comes of it: each hop by the service that makes it in AWS."""

from __future__ import annotations

import json

from deploy.conftest import FLEET, STACK, Inbox, failures, function, nothing_refused
from tidepool_lab.deploy.stage import Stage


def test_a_tick_decides_and_the_copies_are_scaled_and_in_the_ledger(stage: Stage) -> None:
    stage.dial(busy=300)
    with nothing_refused(stage):
        stage.until(lambda seen: seen["components"]["busy"]["now"] >= 4, minutes=10)
    asked = [change for record in stage.records(STACK) for change in record["changes"]]
    assert {change["component"] for change in asked} == {"busy"}
    done = [item["body"]["change"]["id"] for item in stage.items(STACK, "operation")]
    assert {change["id"] for change in asked} <= set(done)
    assert "tidepool.tick" in {result["woken_by"] for result in stage.results(STACK)}
    assert [each["outcome"] for each in stage.results(STACK, "scale_copies")].count("done") >= 1


def test_a_burst_is_an_alarm_that_wakes_decide_and_the_copies_are_scaled_out(stage: Stage) -> None:
    stage.dial(calm=60)
    stage.minutes(2)
    before = stage.seen()["components"]["calm"]["wanted"]
    stage.dial(calm=300)
    seen = stage.until(lambda seen: seen["components"]["calm"]["wanted"] > before, minutes=3)
    assert seen["alarms"][f"{STACK}-burst-calm"] == "ALARM"
    woken = [each for each in stage.results(STACK) if each["woken_by"] == f"alarm {STACK}-burst-calm, look"]
    assert [each for each in woken if each.get("asked")]
    stage.dial(calm=40)


def test_a_call_that_finds_no_copy_wakes_the_component_from_zero(stage: Stage) -> None:
    assert stage.seen()["components"]["zero"]["wanted"] == 0
    stage.dial(zero=30)
    seen = stage.until(lambda seen: seen["components"]["zero"]["now"] == 1, minutes=8)
    assert seen["alarms"][f"{STACK}-no-capacity"] == "ALARM"
    assert any(f"{STACK}-no-capacity" in result["woken_by"] for result in stage.results(STACK))
    stage.dial(zero=0)


def test_a_users_own_alarm_with_tags_is_a_surge_of_that_model(stage: Stage) -> None:
    stage.client("cloudwatch").put_metric_alarm(
        AlarmName="checkout-is-busy",
        AlarmActions=[stage.outputs(STACK)["DecideFunctionArn"]],
        Tags=[{"Key": "tidepool:model", "Value": "calm"}, {"Key": "tidepool:intent", "Value": "surge"}],
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": "InferenceComponentName", "Value": "busy"}],
        Statistic="Sum",
        Period=60,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=1,
        EvaluationPeriods=1,
    )
    stage.minutes(2)
    assert "alarm checkout-is-busy, surge" in {result["woken_by"] for result in stage.results(STACK)}
    kept = json.dumps(stage.items(STACK, "signal"), default=str)
    assert "checkout-is-busy" in kept and '"surge"' in kept and '"calm"' in kept
    stage.client("cloudwatch").delete_alarms(AlarmNames=["checkout-is-busy"])


def test_an_endpoint_that_changes_its_state_wakes_decide(stage: Stage) -> None:
    def woken() -> int:
        return sum(result["woken_by"].startswith("aws.sagemaker") for result in stage.results(STACK))

    before = woken()
    stage.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName="alone-prod",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}],
    )
    stage.until(lambda _: woken() > before, minutes=4)
    # A person set that count, so the model is left alone until a person says otherwise.
    assert "count of alone-prod" in {item["body"]["by"] for item in stage.items(STACK, "signal")}
    told = stage.tidepool("hold", "alone", "--lift", "--why", "the count was a trial", "--stack", STACK)
    assert told.returncode == 0, told.stderr
    stage.minutes()


def test_a_fleet_file_with_problems_is_refused_and_the_last_good_one_stays_in_force(stage: Stage, inbox: Inbox) -> None:
    inbox.take()
    stage.upload(STACK, FLEET.replace("act: run", "act: fly"), commit="bad")
    assert {"woken_by": "fleet.yaml", "refused": 1} in stage.results(STACK)
    stage.minutes(2)
    assert f"{STACK}-fleet-file-refused" in inbox.alarms()
    assert stage.records(STACK)[-1]["config_commit"] == "rig"
    stage.upload(STACK, FLEET, commit="good")
    stage.minutes()
    assert stage.records(STACK)[-1]["config_commit"] == "good"
    stage.upload(STACK, FLEET, commit="rig")


def test_a_run_that_fails_is_not_repeated_and_is_a_dead_letter_an_alarm_and_a_message_to_people(
    stage: Stage, inbox: Inbox
) -> None:
    inbox.take()
    decide = function(stage, STACK, "DecideFunction")
    before = failures(stage, decide)
    stage.client("lambda").invoke(FunctionName=decide, InvocationType="Event", Payload=b'{"source": "nobody.knows"}')
    stage.ask("settle")
    stage.minutes(2)
    assert failures(stage, decide) == before + 1
    assert f"{STACK}-failed-runs" in inbox.alarms()
    sqs = stage.client("sqs")
    (url,) = (url for url in sqs.list_queues()["QueueUrls"] if "FailedRuns" in url)
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    kept = json.loads(message["Body"])
    assert kept["requestPayload"] == {"source": "nobody.knows"}
    assert kept["responsePayload"]["errorType"] == "BadEvent"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
