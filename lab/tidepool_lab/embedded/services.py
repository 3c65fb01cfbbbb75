"""The small services around: prices, quotas, calendars, PutEvents, the stack itself. moto answers for the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any

from tidepool_lab.embedded.events import Event, envelope
from tidepool_lab.embedded.intercept import ACCOUNT, AwsError, Params, page
from tidepool_lab.embedded.timestamps import moment
from tidepool_lab.twin.spec import TypeSpec

QUOTAS_A_PAGE = 100
MAX_DETAIL = 256 * 1024
"""Bytes of one PutEvents entry (EventBridge quota)."""


def pricing(types: Mapping[str, TypeSpec], region: str) -> Callable[[str, Params], Params | None]:
    """GetProducts over the account's instance types, in the price list's own form."""

    def answer(operation: str, params: Params) -> Params | None:
        if operation != "GetProducts":
            return None
        if params["ServiceCode"] != "AmazonSageMaker":
            return {"FormatVersion": "aws_v1", "PriceList": []}
        wanted = {each["Field"]: each["Value"] for each in params.get("Filters", ())}
        products = (_product(kind, region) for kind in types.values())
        found = [p for p in products if all(p["product"]["attributes"].get(k) == v for k, v in wanted.items())]
        return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(product) for product in found]}

    return answer


def _product(kind: TypeSpec, region: str) -> dict[str, Any]:
    attributes = {
        "regionCode": region,
        "instanceName": kind.name,
        "component": "Hosting",
        "gpu": str(kind.accelerators),
        "usagetype": f"USE1-Host:{kind.name}",
    }
    price = {"unit": "Hrs", "pricePerUnit": {"USD": f"{kind.usd_per_hour:.10f}"}}
    return {
        "product": {"productFamily": "ML Instance", "attributes": attributes, "sku": kind.name},
        "serviceCode": "AmazonSageMaker",
        "terms": {"OnDemand": {f"{kind.name}.T": {"priceDimensions": {f"{kind.name}.T.D": price}}}},
    }


def quotas(types: Mapping[str, TypeSpec], region: str) -> Callable[[str, Params], Params | None]:
    """ListServiceQuotas: '<type> for endpoint usage' of every type."""

    def answer(operation: str, params: Params) -> Params | None:
        if operation != "ListServiceQuotas":
            return None
        listed = [
            {
                "ServiceCode": "sagemaker",
                "ServiceName": "Amazon SageMaker",
                "QuotaArn": f"arn:aws:servicequotas:{region}:{ACCOUNT}:sagemaker/{kind.name}",
                "QuotaCode": f"L-{kind.name}",
                "QuotaName": f"{kind.name} for endpoint usage",
                "Value": float(kind.quota),
                "Unit": "None",
                "Adjustable": True,
                "GlobalQuota": False,
            }
            for kind in types.values()
            if params["ServiceCode"] == "sagemaker"
        ]
        items, token = page(listed, params.get("NextToken"), params.get("MaxResults", QUOTAS_A_PAGE))
        return {"Quotas": items} | ({"NextToken": token} if token else {})

    return answer


def calendars(states: MutableMapping[str, str]) -> Callable[[str, Params], Params | None]:
    """ssm:GetCalendarState: OPEN unless one of them is CLOSED; an unknown calendar is an error."""

    def answer(operation: str, params: Params) -> Params | None:
        if operation != "GetCalendarState":
            return None
        names: Iterable[str] = params["CalendarNames"]
        unknown = [name for name in names if name not in states]
        if unknown:
            raise AwsError("InvalidDocument", f"Document with name {unknown[0]} does not exist.")
        closed = any(states[name] == "CLOSED" for name in names)
        return {"State": "CLOSED" if closed else "OPEN"}

    return answer


def put_events(
    buses: Iterable[str], send: Callable[[str, Event], None], *, now: Callable[[], int], region: str
) -> Callable[[str, Params], Params | None]:
    """events:PutEvents: entries for a bus that exists are sent; the others are refused one by one, as AWS does."""
    known = {"default", *buses}
    sent = 0

    def answer(operation: str, params: Params) -> Params | None:
        nonlocal sent
        if operation != "PutEvents":
            return None
        verdicts: list[dict[str, str]] = []
        for entry in params["Entries"]:
            bus = str(entry.get("EventBusName", "default")).rsplit("/", 1)[-1]
            problem = _problem(entry, bus, known)
            if problem:
                verdicts.append(problem)
                continue
            sent += 1
            detail = json.loads(entry["Detail"])
            event = envelope(entry["Source"], entry["DetailType"], detail, at_s=now(), region=region, number=sent)
            event["resources"] = list(entry.get("Resources", ()))
            send(bus, event)
            verdicts.append({"EventId": event["id"]})
        return {"FailedEntryCount": sum("ErrorCode" in v for v in verdicts), "Entries": verdicts}

    return answer


def stacks(
    name: str, parameters: Mapping[str, str], outputs: Mapping[str, Any], *, since_s: int
) -> Callable[[str, Params], Params | None]:
    """cloudformation:DescribeStacks of the one stack there is, in the form of its API."""

    def answer(operation: str, params: Params) -> Params | None:
        if operation != "DescribeStacks":
            return None
        if params.get("StackName", name) != name:
            raise AwsError("ValidationError", f"Stack with id {params['StackName']} does not exist")
        stack = {
            "StackName": name,
            "CreationTime": moment(since_s),
            "StackStatus": "UPDATE_COMPLETE",
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(parameters.items())],
            "Outputs": [{"OutputKey": k, "OutputValue": str(v)} for k, v in sorted(outputs.items())],
        }
        return {"Stacks": [stack]}

    return answer


def _problem(entry: Mapping[str, Any], bus: str, known: set[str]) -> dict[str, str] | None:
    if bus not in known:
        return {"ErrorCode": "ResourceNotFoundException", "ErrorMessage": f"Event bus {bus} does not exist."}
    missing = [key for key in ("Source", "DetailType", "Detail") if not entry.get(key)]
    if missing:
        return {"ErrorCode": "InvalidArgument", "ErrorMessage": f"Parameter {missing[0]} is not valid."}
    if len(entry["Detail"].encode()) > MAX_DETAIL:
        return {"ErrorCode": "InvalidArgument", "ErrorMessage": "Total size of the entries is over the limit."}
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return None
