"""Hooks into ministack's services: who answers for what the twin has, and alarms of a template."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, router
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from tidepool_lab.deploy import authority, edge
from tidepool_lab.deploy.account import REGION, Account
from tidepool_lab.embedded.intercept import AwsError
from tidepool_lab.embedded.routes import TABLE_VARIABLE

SERVICES = {
    "sagemaker": ("sagemaker", "SageMaker."),
    "monitoring": ("cloudwatch", "GraniteServiceVersion20100801."),
    "pricing": ("pricing", "AWSPriceListService."),
    "application-autoscaling": ("application-autoscaling", "AnyScaleFrontendService."),
    "servicequotas": ("service-quotas", "ServiceQuotasV20190624."),
}
"""ministack's name, which is the signing name → boto3's name, and the targets that are its."""


class Services:
    """The account as services of ministack."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def install(self) -> None:
        """They answer from now on."""
        for name, (service, target) in SERVICES.items():
            router.SERVICE_PATTERNS[name] = {"target_prefixes": [target], "host_patterns": []}
            app.SERVICE_HANDLERS[name] = self._serving(service)
            # Without a namespace ministack checks the signature alone; `_serving` asks for each permission.
            iam_actions.SERVICE_TO_IAM_NAMESPACE.pop(name, None)
        self._dynamodb = app.SERVICE_HANDLERS["dynamodb"]
        app.SERVICE_HANDLERS["dynamodb"] = self._tables
        self._s3 = app.SERVICE_HANDLERS["s3"]
        app.SERVICE_HANDLERS["s3"] = self._objects
        self._ssm = app.SERVICE_HANDLERS["ssm"]
        app.SERVICE_HANDLERS["ssm"] = self._calendars
        iam_actions.SERVICE_TO_IAM_NAMESPACE.pop("ssm", None)  # It would ask for a calendar's state on `*`.
        alarm = {"create": self._make_alarm, "update": self._change_alarm, "delete": self._delete_alarm}
        provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"] = alarm
        provisioners._RESOURCE_HANDLERS.setdefault(
            "AWS::Logs::QueryDefinition",
            {"create": _query_definition, "update": lambda physical, *_: (physical, {}), "delete": lambda *_: None},
        )

    def _serving(self, service: str) -> Any:
        async def handle(
            method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
        ) -> edge.Reply:
            asked = edge.read(service, path, headers, body)
            key = router.extract_access_key_id(headers, query)
            for each in authority.needed(asked, region=REGION, tags=self.account.tags):
                denied = iam_evaluator.enforce(
                    key, each.action, service, REGION, resource_arn=each.resource, service_context=dict(each.context)
                )
                if isinstance(denied, iam_evaluator.AuthError):
                    return edge.refusal(asked, denied.code, denied.message, 403)
                if denied is not None:
                    text = iam_actions.identity_denial_message(
                        each.action, denied.principal_arn, each.resource, denied.decision == "Deny"
                    )
                    code = "AccessDenied" if service == "cloudwatch" else "AccessDeniedException"
                    return edge.refusal(asked, code, text, 400)
            try:
                return edge.reply(asked, self.account.answer(asked))
            except AwsError as error:
                return edge.refusal(asked, error.code, error.message, error.status)

        return handle

    async def _calendars(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Any:
        ours = headers.get("x-amz-target", "").endswith(".GetCalendarState")
        handler = self._serving("ssm") if ours else self._ssm
        return await handler(method, path, headers, body, query)

    async def _tables(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Any:
        """The twin's callers follow what is written to a routes table, as tidepool_client does."""
        reply = await self._dynamodb(method, path, headers, body, query)
        if headers.get("x-amz-target", "").endswith(".PutItem") and reply[0] == 200:
            asked = json.loads(body)
            if asked["TableName"] in _routes_tables() and "targets" in asked["Item"]:
                self.account.route(asked["Item"])
        return reply

    async def _objects(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Any:
        """Who may not list a bucket is not told that an object is missing (S3 API reference, GetObject)."""
        reply = await self._s3(method, path, headers, body, query)
        bucket, _, key = path.strip("/").partition("/")
        if method not in {"GET", "HEAD"} or not key or reply[0] != 404:
            return reply
        access = router.extract_access_key_id(headers, query)
        arn = f"arn:aws:s3:::{bucket}"
        if iam_evaluator.enforce(access, "s3:ListBucket", "s3", REGION, resource_arn=arn) is None:
            return reply
        refusal = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        return 403, {"Content-Type": "application/xml"}, refusal if method == "GET" else b""

    # Alarms of a template.
    def _make_alarm(self, logical: str, properties: Mapping[str, Any], stack: str) -> tuple[str, dict[str, str]]:
        name = properties.get("AlarmName") or f"{stack}-{logical}"
        with self.account.lock:
            self.account.alarms.put({**_numbers(properties), "AlarmName": name}, self.account.now_s())
            return name, {"Arn": self.account.alarms.alarms[name].arn}

    def _change_alarm(
        self, physical: str, before: Mapping[str, Any], after: Mapping[str, Any], stack: str
    ) -> tuple[str, dict[str, str]]:
        return self._make_alarm("", {**after, "AlarmName": physical}, stack)

    def _delete_alarm(self, physical: str, properties: Mapping[str, Any]) -> None:
        with self.account.lock:
            self.account.alarms.alarms.pop(physical, None)


WHOLE = ("Period", "EvaluationPeriods", "DatapointsToAlarm")


def _numbers(value: Any) -> Any:
    """CloudFormation takes numbers as texts too; CloudWatch has numbers, and no CloudFormation tags."""
    if isinstance(value, Mapping):
        return {key: int(each) if key in WHOLE else _numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _query_definition(logical: str, properties: Mapping[str, Any], stack: str) -> tuple[str, dict[str, str]]:
    return f"{stack}-{logical}", {}


def _routes_tables() -> set[str]:
    """What the deployed functions are told of."""
    configs = [function.get("config", {}) for function in list(lambda_svc._functions._data.values())]
    return {lambda_svc._runtime_env_vars(config).get(TABLE_VARIABLE, "") for config in configs}
