"""One test for each thing that the rig changes in ministack: another version of it fails here first."""

from __future__ import annotations

import io
import json
import subprocess
import time
import zipfile
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from deploy.conftest import STACK, failures, queue
from tidepool_lab.deploy.stage import REGION, RIG, ROOT, Stage

PROBE = """
import json, os, sys, time

def lambda_handler(event, context):
    if event.get("fail"):
        raise ValueError("as asked")
    return {"path": sys.path, "environment": dict(os.environ), "time": time.time(), "function": context.function_name}
"""


@pytest.fixture(scope="module")
def role(stage: Stage) -> str:
    """A role that Lambda may take, without any permission."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    return str(stage.client("iam").create_role(RoleName="probe", AssumeRolePolicyDocument=document)["Role"]["Arn"])


@pytest.fixture(scope="module")
def probe(stage: Stage, role: str) -> str:
    """The ARN of a function that tells what it sees."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("handler.py", PROBE)
    made = stage.client("lambda").create_function(
        FunctionName="probe",
        Runtime="python3.13",
        Role=role,
        Handler="handler.lambda_handler",
        Code={"ZipFile": packed.getvalue()},
    )
    return str(made["FunctionArn"])


def called(stage: Stage, function: str, event: Any) -> Any:
    reply = stage.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    return json.loads(reply["Payload"].read())


def as_user(stage: Stage, name: str, *statements: dict[str, Any], secret: str = "") -> Callable[[str], Any]:
    """Clients of a user who has these permissions alone. `secret` other than '' stands for the right one."""
    iam = stage.client("iam")
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=stage.endpoint,
            region_name=REGION,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=secret or key["SecretAccessKey"],
        )

    return client


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"])


def test_the_hooks_are_written_for_the_version_that_is_installed() -> None:
    code = "import importlib.metadata as m; from tidepool_lab.deploy.hooks import VERSION;"
    code += "print(VERSION, m.version('ministack'))"
    told = subprocess.run(
        [RIG / "bin" / "python", "-c", code],
        env={"PYTHONPATH": f"{ROOT / 'lab'}:{ROOT / 'layers' / 'core'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    written_for, installed = told.stdout.split()
    assert written_for == installed


def test_sagemaker_answers_boto3_and_refuses_as_sagemaker_does(stage: Stage) -> None:
    client = stage.client("sagemaker")
    assert client.describe_endpoint(EndpointName="pool")["EndpointStatus"] == "InService"
    assert client.describe_inference_component(InferenceComponentName="busy")["CreationTime"].tzinfo is not None
    assert refused(lambda: client.describe_endpoint(EndpointName="nowhere")) == "ValidationException"
    reply = stage.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="pool", InferenceComponentName="busy", Body=b"{}"
    )
    assert json.loads(reply["Body"].read())


def test_prices_quotas_and_autoscaling_answer(stage: Stage) -> None:
    (price,) = stage.client("pricing").get_products(ServiceCode="AmazonSageMaker")["PriceList"]
    assert json.loads(price)["product"]["attributes"]["instanceName"] == "ml.p4d.24xlarge"
    (quota,) = stage.client("service-quotas").list_service_quotas(ServiceCode="sagemaker")["Quotas"]
    assert quota["Value"] == 6
    scaling = stage.client("application-autoscaling")
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


def test_a_metric_that_is_put_comes_back_newest_first(stage: Stage) -> None:
    client, now = stage.client("cloudwatch"), stage.seen()["now"] // 60 * 60
    for minutes, value in ((3, 1.0), (2, 2.0)):
        datum = {"MetricName": "There", "Value": value, "Timestamp": now - minutes * 60}
        client.put_metric_data(Namespace="Probe", MetricData=[datum])
    metric = {"Namespace": "Probe", "MetricName": "There"}
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    (result,) = client.get_metric_data(MetricDataQueries=[query], StartTime=now - 600, EndTime=now)["MetricDataResults"]
    assert result["Values"] == [2.0, 1.0]


def test_alarms_of_the_template_with_metric_maths_and_insights_exist(stage: Stage) -> None:
    found = {each["AlarmName"]: each for each in stage.client("cloudwatch").describe_alarms()["MetricAlarms"]}
    errors, capacity = found[f"{STACK}-function-errors"], found[f"{STACK}-no-capacity"]
    assert len(errors["Metrics"]) == 7 and errors["Threshold"] == 0
    assert capacity["Metrics"][0]["Expression"].startswith("SELECT SUM(NoCapacityInvocationFailures)")
    assert refused(lambda: stage.client("cloudwatch").delete_alarms(AlarmNames=["none"])) == "ResourceNotFound"


def test_a_wrong_secret_is_refused_by_every_service_of_the_rig(stage: Stage) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    right, wrong = as_user(stage, "right", everything), as_user(stage, "wrong", everything, secret="wrong")
    for service, operation in (
        ("sagemaker", "list_endpoints"),
        ("cloudwatch", "describe_alarms"),
        ("s3", "list_buckets"),
    ):
        getattr(right(service), operation)()
        assert refused(getattr(wrong(service), operation)) in {"SignatureDoesNotMatch", "InvalidSignatureException"}


def test_every_action_is_asked_on_every_resource_with_its_tags(stage: Stage) -> None:
    anywhere = f"arn:aws:sagemaker:{REGION}:123456789012:"
    managed = {"StringEquals": {"aws:ResourceTag/tidepool:managed": "true"}}
    made = {"StringEquals": {"aws:RequestTag/mine": "yes"}}
    create = "sagemaker:CreateInferenceComponent"
    client = as_user(
        stage,
        "careful",
        {"Effect": "Allow", "Action": "sagemaker:DescribeEndpoint", "Resource": anywhere + "endpoint/pool"},
        {"Effect": "Allow", "Action": create, "Resource": anywhere + "inference-component/*", "Condition": made},
        {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": "*", "Condition": managed},
    )
    sagemaker = client("sagemaker")
    assert sagemaker.describe_endpoint(EndpointName="pool")
    assert refused(lambda: sagemaker.describe_endpoint(EndpointName="alone-prod")) == "AccessDeniedException"
    assert refused(sagemaker.list_endpoints) == "AccessDeniedException"
    plan = anywhere + "training-plan/theirs"
    with pytest.raises(ClientError, match=f"AccessDenied.*{plan}"):
        sagemaker.describe_training_plan(TrainingPlanName=plan)
    # What names nothing that the rig knows is asked for on everything.
    with pytest.raises(ClientError, match="AccessDenied"):
        sagemaker.describe_action(ActionName="theirs")
    assert refused(client("cloudwatch").describe_alarms) == "AccessDenied"
    assert client("sagemaker-runtime").invoke_endpoint(EndpointName="pool", InferenceComponentName="busy", Body=b"{}")
    asked = {
        "InferenceComponentName": "mine",
        "EndpointName": "pool",
        "VariantName": "AllTraffic",
        "Specification": {"ModelName": "busy"},
        "Tags": [{"Key": "mine", "Value": "yes"}],
    }
    with pytest.raises(ClientError, match="endpoint/pool"):
        sagemaker.create_inference_component(**asked)


def test_who_may_not_list_a_bucket_is_not_told_what_is_missing(stage: Stage) -> None:
    name, key = stage.outputs(STACK)["BucketName"], {"Key": "config/nothing"}
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    lists = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{name}"}
    blind, seeing = as_user(stage, "blind", read)("s3"), as_user(stage, "seeing", read, lists)("s3")
    assert refused(lambda: blind.get_object(Bucket=name, **key)) == "AccessDenied"
    assert refused(lambda: blind.head_object(Bucket=name, **key)) == "403"
    assert refused(lambda: seeing.get_object(Bucket=name, **key)) == "NoSuchKey"
    assert refused(lambda: seeing.head_object(Bucket=name, **key)) == "404"


def test_calendars_and_simulated_principals_are_asked_for_by_name(stage: Stage, role: str) -> None:
    calendar = f"arn:aws:ssm:{REGION}:123456789012:document/one"
    stage.ask("calendar", **{calendar: "OPEN"})
    state = {"Effect": "Allow", "Action": "ssm:GetCalendarState", "Resource": calendar}
    simulate = {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": role}
    client = as_user(stage, "asking", state, simulate)
    assert client("ssm").get_calendar_state(CalendarNames=[calendar])["State"] == "OPEN"
    another = refused(lambda: client("ssm").get_calendar_state(CalendarNames=[calendar + "-more"]))
    assert another == "AccessDeniedException"
    asked = {"ActionNames": ["sagemaker:InvokeEndpoint"], "ResourceArns": ["*"]}
    (result,) = client("iam").simulate_principal_policy(PolicySourceArn=role, **asked)["EvaluationResults"]
    assert result["EvalDecision"] == "implicitDeny"
    theirs = role.replace("role/probe", "role/another")
    assert refused(lambda: client("iam").simulate_principal_policy(PolicySourceArn=theirs, **asked)) == "AccessDenied"


def test_a_handler_runs_in_a_clean_process_on_the_rigs_clock(stage: Stage, probe: str) -> None:
    told = called(stage, probe, {})
    assert told["function"] == "probe"
    assert not [path for path in told["path"] if "site-packages" in path or str(ROOT) in path.replace(str(RIG), "")]
    allowed = ("AWS_", "LAMBDA_", "PYTHONPATH", "FAKETIME", "LD_PRELOAD", "LANG", "LC_", "TZ", "_HANDLER")
    assert [name for name in told["environment"] if not name.startswith(allowed)] == []
    assert abs(told["time"] - stage.seen()["now"]) < 30
    stage.minutes(3)
    ahead = stage.seen()["now"] - time.time()
    assert abs(called(stage, probe, {})["time"] - time.time() - ahead) < 30


def test_a_rule_without_permission_to_invoke_delivers_to_its_dead_letters(stage: Stage, probe: str) -> None:
    events = stage.client("events")
    lost, dead = queue(stage, "probe-dead", "events.amazonaws.com")
    arn = events.put_rule(Name="probe", EventPattern=json.dumps({"source": ["probe"]}))["RuleArn"]
    events.put_targets(Rule="probe", Targets=[{"Id": "1", "Arn": probe, "DeadLetterConfig": {"Arn": dead}}])
    entry = {"Source": "probe", "DetailType": "probe", "Detail": "{}"}
    before = len(stage.seen()["undelivered"])
    events.put_events(Entries=[entry])
    stage.ask("settle")
    assert len(stage.seen()["undelivered"]) == before + 1
    (event,) = lost.bodies()
    assert event["source"] == "probe"
    stage.client("lambda").add_permission(
        FunctionName="probe",
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=arn,
    )
    events.put_events(Entries=[entry])
    stage.ask("settle")
    assert len(stage.seen()["undelivered"]) == before + 1


def test_a_failed_run_is_repeated_as_often_as_asked_and_handed_over_only_if_the_role_may(
    stage: Stage, probe: str
) -> None:
    sqs = stage.client("sqs")
    url = sqs.create_queue(QueueName="probe-failed")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    stage.client("lambda").put_function_event_invoke_config(
        FunctionName="probe", MaximumRetryAttempts=2, DestinationConfig={"OnFailure": {"Destination": queue}}
    )

    def fail() -> list[Any]:
        stage.client("lambda").invoke(FunctionName=probe, InvocationType="Event", Payload=b'{"fail": true}')
        stage.ask("settle")
        return list(sqs.receive_message(QueueUrl=url).get("Messages", []))

    before = failures(stage, "probe")
    assert fail() == []
    stage.minutes()  # A minute's figures are there when it is over.
    assert failures(stage, "probe") == before + 3
    send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}
    document = json.dumps({"Version": "2012-10-17", "Statement": [send]})
    stage.client("iam").put_role_policy(RoleName="probe", PolicyName="send", PolicyDocument=document)
    (message,) = fail()
    assert json.loads(message["Body"])["responsePayload"]["errorType"] == "ValueError"


ALLOW, DENY = "Allow", "Deny"
THERE = f"arn:aws:events:{REGION}:123456789012:rule/*"
ELSEWHERE = f"arn:aws:events:{REGION}:123456789012:rule/another"


@pytest.mark.parametrize(
    ("statements", "arrives"),
    [
        ([], False),
        ([(ALLOW, "sns.amazonaws.com", {})], False),
        ([(ALLOW, "events.amazonaws.com", {})], True),
        ([(ALLOW, "events.amazonaws.com", {"ArnLike": {"aws:SourceArn": THERE}})], True),
        ([(ALLOW, "events.amazonaws.com", {"ArnLike": {"aws:SourceArn": ELSEWHERE}})], False),
        ([(ALLOW, "events.amazonaws.com", {"StringEquals": {"aws:SourceAccount": "123456789012"}})], False),
        ([(ALLOW, "events.amazonaws.com", {}), (DENY, "events.amazonaws.com", {})], False),
    ],
)
def test_a_rule_reaches_a_queue_only_if_the_queues_policy_lets_it(
    stage: Stage, statements: list[tuple[str, str, dict[str, Any]]], arrives: bool
) -> None:
    inbox, arn = queue(stage, "probe-target", "nobody")
    stated = [
        {"Effect": effect, "Principal": {"Service": who}, "Action": "sqs:*", "Resource": arn, "Condition": condition}
        for effect, who, condition in statements
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": stated}) if stated else ""
    stage.client("sqs").set_queue_attributes(QueueUrl=inbox.url, Attributes={"Policy": document})
    events = stage.client("events")
    events.put_rule(Name="to-queue", EventPattern=json.dumps({"source": ["to-queue"]}))
    events.put_targets(Rule="to-queue", Targets=[{"Id": "1", "Arn": arn}])
    before = len(stage.seen()["undelivered"])
    events.put_events(Entries=[{"Source": "to-queue", "DetailType": "probe", "Detail": "{}"}])
    assert bool(inbox.bodies()) == arrives
    assert (len(stage.seen()["undelivered"]) > before) == (not arrives)


@pytest.mark.parametrize(
    ("service", "condition", "arrives"),
    [
        ("cloudwatch.amazonaws.com", {}, {"alarm"}),
        ("cloudwatch.amazonaws.com", {"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:*:*:alarm:probe"}}, {"alarm"}),
        ("cloudwatch.amazonaws.com", {"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:*:*:alarm:other"}}, set()),
        ("events.amazonaws.com", {}, {"event"}),
        ("events.amazonaws.com", {"ArnLike": {"aws:SourceArn": THERE}}, set()),
    ],
)
def test_an_alarm_and_a_rule_reach_a_topic_only_if_the_topics_policy_lets_them(
    stage: Stage, service: str, condition: dict[str, Any], arrives: set[str]
) -> None:
    sns, events, alarms = stage.client("sns"), stage.client("events"), stage.client("cloudwatch")
    topic = sns.create_topic(Name="probe")["TopicArn"]
    inbox, arn = queue(stage, "probe-topic", "sns.amazonaws.com")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    allow = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sns:Publish", "Resource": topic}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**allow, "Condition": condition}]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)
    events.put_rule(Name="to-topic", EventPattern=json.dumps({"source": ["to-topic"]}))
    events.put_targets(Rule="to-topic", Targets=[{"Id": "1", "Arn": topic}])
    events.put_events(Entries=[{"Source": "to-topic", "DetailType": "probe", "Detail": "{}"}])
    alarms.put_metric_alarm(
        AlarmName="probe",
        AlarmActions=[topic],
        Namespace="Probe",
        MetricName="Silence",
        Statistic="Sum",
        Period=60,
        ComparisonOperator="LessThanThreshold",
        Threshold=1,
        EvaluationPeriods=1,
        TreatMissingData="breaching",
    )
    stage.minutes(2)
    alarms.delete_alarms(AlarmNames=["probe"])
    assert {"alarm" if "alarmData" in each else "event" for each in inbox.take()} == arrives


@pytest.mark.parametrize(("condition", "arrives"), [({"Bool": {"aws:SecureTransport": "false"}}, True), ({}, False)])
def test_a_queue_that_denies_takes_nothing_even_from_a_role_that_may_send(
    stage: Stage, probe: str, condition: dict[str, Any], arrives: bool
) -> None:
    inbox, arn = queue(stage, "probe-denied", "nobody")
    send = {"Action": "sqs:SendMessage", "Resource": arn}
    deny = {"Effect": "Deny", "Principal": "*", **send, "Condition": condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    stage.client("sqs").set_queue_attributes(QueueUrl=inbox.url, Attributes={"Policy": policy})
    may = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **send}]})
    stage.client("iam").put_role_policy(RoleName="probe", PolicyName="send-denied", PolicyDocument=may)
    stage.client("lambda").put_function_event_invoke_config(
        FunctionName="probe", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    stage.client("lambda").invoke(FunctionName=probe, InvocationType="Event", Payload=b'{"fail": true}')
    stage.ask("settle")
    assert bool(inbox.bodies()) == arrives


def test_a_bus_of_another_account_takes_events_only_as_its_policy_says(stage: Stage) -> None:
    account = "444400000000"
    buses = stage.client("events", account=account)
    bus = buses.create_event_bus(Name="theirs")["EventBusArn"]
    inbox, arn = queue(stage, "theirs", "events.amazonaws.com", account=account)
    buses.put_rule(Name="all", EventBusName="theirs", EventPattern='{"source": ["probe"]}')
    buses.put_targets(Rule="all", EventBusName="theirs", Targets=[{"Id": "1", "Arn": arn}])
    entry = {"Source": "probe", "DetailType": "probe", "Detail": "{}", "EventBusName": bus}
    assert refused(lambda: stage.client("events").put_events(Entries=[entry])) == "AccessDeniedException"
    assert inbox.bodies() == []
    may = {"Action": "events:PutEvents", "Principal": "*", "StatementId": "all", "EventBusName": "theirs"}
    buses.put_permission(**may)
    stage.client("events").put_events(Entries=[entry])
    (event,) = inbox.bodies()
    assert (event["account"], event["source"]) == ("123456789012", "probe")
