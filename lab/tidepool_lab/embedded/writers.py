"""Who else writes: Application Auto Scaling's targets, policies and schedules, and CloudTrail's event history.

Both are kept and described, and act on nothing: the rivals in lab/tidepool_lab/rivals are the scaling itself.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable

from tidepool_lab.embedded.intercept import ACCOUNT, AwsError, Params, page
from tidepool_lab.embedded.timestamps import moment

PAGE = 50
"""MaxResults of both services (API reference)."""
KEPT = 10_000
"""Events that are kept: a simulated week of writes."""
READS = ("Describe", "List", "Get", "Invoke")
NAMES = ("InferenceComponentName", "EndpointName", "EndpointConfigName", "ModelName")
"""Which parameter names the resource of a SageMaker call, the narrowest first."""


class Scalers:
    """application-autoscaling, a responder."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._targets: dict[tuple[str, str], Params] = {}
        self._policies: dict[tuple[str, str, str], Params] = {}
        self._actions: dict[tuple[str, str, str], Params] = {}
        self.answers: dict[str, Callable[[Params], Params]] = {
            "RegisterScalableTarget": self._register,
            "DeregisterScalableTarget": self._deregister,
            "PutScalingPolicy": self._put_policy,
            "PutScheduledAction": self._put_action,
            "DescribeScalableTargets": lambda params: _listed("ScalableTargets", self._targets.values(), params),
            "DescribeScalingPolicies": lambda params: _listed("ScalingPolicies", self._policies.values(), params),
            "DescribeScheduledActions": lambda params: _listed("ScheduledActions", self._actions.values(), params),
        }

    def __call__(self, operation: str, params: Params) -> Params | None:
        if operation not in self.answers:
            raise AwsError("UnknownOperationException", f"The twin's Application Auto Scaling has no {operation}.")
        return self.answers[operation](params)

    def _register(self, params: Params) -> Params:
        """A target that is registered again keeps what is not said (API reference)."""
        key = (params["ResourceId"], params["ScalableDimension"])
        no_pause = dict.fromkeys(
            ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False
        )
        known = self._targets.get(key, {"CreationTime": moment(self._now()), "SuspendedState": no_pause})
        role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/role"
        self._targets[key] = {"RoleARN": role, **known, **{k: v for k, v in params.items() if k != "Tags"}}
        return {}

    def _deregister(self, params: Params) -> Params:
        key = (params["ResourceId"], params["ScalableDimension"])
        if self._targets.pop(key, None) is None:
            raise AwsError("ObjectNotFoundException", f"No scalable target registered for {key[0]}, {key[1]}.")
        return {}

    def _put_policy(self, params: Params) -> Params:
        key = (params["ResourceId"], params["ScalableDimension"])
        if key not in self._targets:
            raise AwsError("ObjectNotFoundException", f"No scalable target registered for {key[0]}, {key[1]}.")
        arn = f"arn:aws:autoscaling:::scalingPolicy:{params['PolicyName']}"
        self._policies[(*key, params["PolicyName"])] = {
            "PolicyType": "StepScaling",
            **params,
            "PolicyARN": arn,
            "CreationTime": moment(self._now()),
        }
        return {"PolicyARN": arn}

    def _put_action(self, params: Params) -> Params:
        name = params["ScheduledActionName"]
        self._actions[params["ResourceId"], params["ScalableDimension"], name] = {
            **params,
            "ScheduledActionARN": f"arn:aws:autoscaling:::scheduledAction:{name}",
            "CreationTime": moment(self._now()),
        }
        return {}


class Trail:
    """cloudtrail, a responder: the event history of SageMaker writes that were accepted. A watcher of sagemaker."""

    def __init__(self, now: Callable[[], int], *, who: Callable[[], str]) -> None:
        """`who`: the function that runs now, '' = a person."""
        self._now, self._who = now, who
        self._events: deque[Params] = deque(maxlen=KEPT)

    def __call__(self, operation: str, params: Params) -> Params | None:
        if operation != "LookupEvents":
            raise AwsError("UnknownOperationException", f"The twin's CloudTrail has no {operation}.")
        wanted = {each["AttributeKey"]: each["AttributeValue"] for each in params.get("LookupAttributes", ())}
        found = [
            event
            for event in reversed(self._events)
            if all(event.get(key) == value for key, value in wanted.items())
            and ("StartTime" not in params or event["EventTime"] >= params["StartTime"])
        ]
        items, token = page(found, params.get("NextToken"), params.get("MaxResults", PAGE))
        return {"Events": items} | ({"NextToken": token} if token else {})

    def watch(self, operation: str, params: Params, reply: Params) -> None:
        """A call of SageMaker was accepted."""
        if operation.startswith(READS):
            return
        function = self._who()
        self.put(
            operation,
            next((params[name] for name in NAMES if name in params), ""),
            who=function or "kim",
            agent="tidepool/0 Boto3" if function else "Boto3",
        )

    def put(self, operation: str, resource: str, *, who: str, agent: str) -> None:
        """Somebody wrote now."""
        told = {"eventName": operation, "userAgent": agent, "userIdentity": {"arn": f"arn:aws:sts::{ACCOUNT}:{who}"}}
        self._events.append(
            {
                "EventId": f"{len(self._events):032x}",
                "EventName": operation,
                "ReadOnly": "false",
                "EventTime": moment(self._now()),
                "EventSource": "sagemaker.amazonaws.com",
                "Username": who,
                "Resources": [{"ResourceType": "AWS::SageMaker", "ResourceName": resource}],
                "CloudTrailEvent": json.dumps(told),
            }
        )


def _listed(key: str, all_of_them: Iterable[Params], params: Params) -> Params:
    found = [
        each
        for each in all_of_them
        if each["ServiceNamespace"] == params["ServiceNamespace"]
        and params.get("ResourceId", each["ResourceId"]) == each["ResourceId"]
        and each["ResourceId"] in params.get("ResourceIds", (each["ResourceId"],))
    ]
    items, token = page(found, params.get("NextToken"), params.get("MaxResults", PAGE))
    return {key: items} | ({"NextToken": token} if token else {})
