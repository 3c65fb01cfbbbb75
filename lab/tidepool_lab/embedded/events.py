"""Events as their sources write them: EventBridge envelopes, alarm payloads, S3 notices, scheduler inputs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from tidepool_lab.embedded.alarms import Transition, contributor_id
from tidepool_lab.embedded.intercept import ACCOUNT
from tidepool_lab.embedded.stack import RuleTarget, Schedule
from tidepool_lab.embedded.timestamps import iso

Event = dict[str, Any]


def envelope(
    source: str,
    detail_type: str,
    detail: Mapping[str, Any],
    *,
    at_s: int,
    region: str,
    resources: tuple[str, ...] = (),
    number: int = 0,
) -> Event:
    """An EventBridge event. Its id follows from its content and number, so that runs repeat."""
    digest = hashlib.sha256(f"{source}|{detail_type}|{at_s}|{number}".encode()).hexdigest()
    return {
        "version": "0",
        "id": "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32])),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": iso(at_s),
        "region": region,
        "resources": list(resources),
        "detail": dict(detail),
    }


def scheduled(schedule: Schedule, due_s: int, *, region: str) -> Any:
    """What a schedule sends: its input with the scheduler's own words filled in, or the default event."""
    if schedule.input is None:
        source = "aws.events" if schedule.by_rule else "aws.scheduler"
        return envelope(source, "Scheduled Event", {}, at_s=due_s, region=region, resources=(schedule.arn,))
    text = schedule.input
    if not schedule.by_rule:
        text = text.replace("<aws.scheduler.scheduled-time>", iso(due_s))
        text = text.replace("<aws.scheduler.schedule-arn>", schedule.arn)
        text = text.replace("<aws.scheduler.execution-id>", f"{due_s}").replace("<aws.scheduler.attempt-number>", "1")
    return json.loads(text)


def for_target(target: RuleTarget, event: Event) -> Any:
    """What of an event a rule's target gets: its input, a part, a transformed one, or the whole event."""
    if target.input is not None:
        return json.loads(target.input)
    if target.input_path:
        return _at(event, target.input_path)
    if target.transformer:
        paths: Mapping[str, str] = target.transformer.get("InputPathsMap", {})
        text: str = target.transformer["InputTemplate"]
        for name, path in paths.items():
            value = _at(event, path)
            quoted = json.dumps(value)
            bare = value if isinstance(value, str) else quoted
            # Between quotes of its own it is a JSON string; inside a longer text, or unquoted, it is bare.
            text = text.replace(f'"<{name}>"', quoted).replace(f"<{name}>", bare)
        return json.loads(text)
    return event


def _at(event: Event, path: str) -> Any:
    found: Any = event
    for part in path.removeprefix("$").strip(".").split("."):
        if part:
            found = found.get(part) if isinstance(found, Mapping) else None
    return found


def alarm_action(change: Transition, *, region: str) -> Event:
    """What CloudWatch sends to a Lambda action (facts: Events). A contributor's has who it is beside the alarm."""
    data: Event = {
        "alarmName": change.alarm.name,
        "state": {
            "value": str(change.state),
            "reason": change.reason,
            "reasonData": change.reason_data,
            "timestamp": iso(change.at_s, offset=True),
        },
        "previousState": {
            "value": str(change.before),
            "timestamp": iso(change.before_s, offset=True),
        },
        "configuration": configuration(change.alarm.asked),
    }
    if change.contributor:
        attributes = change.attributes
        data["alarmContributor"] = {"id": contributor_id(attributes), "attributes": attributes}
        # A contributor's payload has the alarm's configuration, and no state before (AWS: contents differ).
        del data["previousState"]
    return {
        "source": "aws.cloudwatch",
        "alarmArn": change.alarm.arn,
        "accountId": ACCOUNT,
        "time": iso(change.at_s, offset=True),
        "region": region,
        "alarmData": data,
    }


def alarm_state_change(change: Transition, *, region: str, number: int) -> Event:
    """The EventBridge event of the same transition."""
    kind = "CloudWatch Alarm Contributor State Change" if change.contributor else "CloudWatch Alarm State Change"
    data = alarm_action(change, region=region)["alarmData"]
    return envelope(
        "aws.cloudwatch", kind, data, at_s=change.at_s, region=region, resources=(change.alarm.arn,), number=number
    )


def configuration(asked: Mapping[str, Any]) -> Event:
    """An alarm's configuration as its events spell it: lower camel case, dimensions as a map."""
    if "AlarmRule" in asked:
        return {"alarmRule": asked["AlarmRule"]}
    if "MetricName" in asked:
        metric = {
            "namespace": asked["Namespace"],
            "name": asked["MetricName"],
            "dimensions": {each["Name"]: each["Value"] for each in asked.get("Dimensions", ())},
        }
        stat = {"metric": metric, "period": asked["Period"], "stat": asked.get("Statistic", "")}
        queries = [{"id": "m1", "metricStat": stat, "returnData": True}]
    else:
        queries = [_query(query) for query in asked["Metrics"]]
    return {"description": asked.get("AlarmDescription", ""), "metrics": queries}


def _query(query: Mapping[str, Any]) -> Event:
    found: Event = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if "Expression" in query:
        found |= {"expression": query["Expression"], "label": query.get("Label", "")}
        return found | ({"period": query["Period"]} if "Period" in query else {})
    stat = query["MetricStat"]
    metric = stat["Metric"]
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())}
    named = {"namespace": metric["Namespace"], "name": metric["MetricName"], "dimensions": dimensions}
    return found | {"metricStat": {"metric": named, "period": stat["Period"], "stat": stat["Stat"]}}


def object_created(bucket: str, key: str, reply: Mapping[str, Any], *, size: int, at_s: int, region: str) -> Event:
    """S3's notice through EventBridge."""
    made = {"key": key, "size": size, "etag": str(reply.get("ETag", "")).strip('"'), "sequencer": f"{at_s:018X}"}
    if "VersionId" in reply:
        made["version-id"] = reply["VersionId"]
    detail = {
        "version": "0",
        "bucket": {"name": bucket},
        "object": made,
        "request-id": "TWIN",
        "requester": ACCOUNT,
        "source-ip-address": "127.0.0.1",
        "reason": "PutObject",
    }
    return envelope("aws.s3", "Object Created", detail, at_s=at_s, region=region, resources=(f"arn:aws:s3:::{bucket}",))


def endpoint_state(endpoint: str, status: str, *, config: str, at_s: int, region: str, number: int) -> Event:
    """SageMaker's endpoint event; the status is spelt IN_SERVICE there and InService in Describe."""
    arn = f"arn:aws:sagemaker:{region}:{ACCOUNT}:endpoint/{endpoint}"
    spelt = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", status).upper()
    detail = {
        "EndpointName": endpoint,
        "EndpointArn": arn,
        "EndpointConfigName": config,
        "EndpointStatus": spelt,
        "LastModifiedTime": at_s * 1000,
        "Tags": {},
    }
    kind = "SageMaker Endpoint State Change"
    return envelope("aws.sagemaker", kind, detail, at_s=at_s, region=region, resources=(arn,), number=number)
