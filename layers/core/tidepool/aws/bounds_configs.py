"""Configs that changes of a pool's bounds left behind are gone; the one in force and the one before it stay.

Each change makes a config of its own (hosting_writes.set_bounds). What is deleted is ours by its name
(tidepool-ENDPOINT-CHANGE) and by its tags, and older than the config that the newest change came from: that one is the
way back, and what is in force now is younger.
"""

from __future__ import annotations

import re
from datetime import datetime

from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.errors import HostingError, Unreachable
from tidepool.fleet.identity import MANAGED_TAG

CREATED_BY_TAG = "tidepool:created-by"
CHANGE = "[0-9a-f]{16}"
"""A change's id (plan.change.change_id)."""
AT_ONCE = 10
"""Two calls each: a change of bounds takes seconds more at most, and the next one goes on. Ours."""


def sweep(clients: Clients, prefix: str, *, stack: str, kept: str, older_than: datetime) -> None:
    """Up to AT_ONCE configs named `prefix` and a change, made by the stack before `older_than`, are gone.

    `kept` stays whatever it is. A refusal or a silence ends it: the change itself was accepted, and the next one sweeps
    again.
    """
    try:
        for name, arn in _left(clients, prefix, kept=kept, older_than=older_than)[:AT_ONCE]:
            if _ours(clients, arn, stack):
                with calling("DeleteEndpointConfig", name):
                    clients.get("sagemaker").delete_endpoint_config(EndpointConfigName=name)
    except (HostingError, Unreachable):
        return


def _left(clients: Clients, prefix: str, *, kept: str, older_than: datetime) -> list[tuple[str, str]]:
    """(name, ARN), the oldest first."""
    named = re.compile(f"{re.escape(prefix)}{CHANGE}")
    with calling("ListEndpointConfigs", prefix):
        pages = clients.get("sagemaker").get_paginator("list_endpoint_configs").paginate(NameContains=prefix)
        found = [each for page in pages for each in page["EndpointConfigs"]]
    mine = [each for each in found if named.fullmatch(each["EndpointConfigName"]) and each["CreationTime"] < older_than]
    mine.sort(key=lambda each: each["CreationTime"])
    return [
        (each["EndpointConfigName"], each["EndpointConfigArn"]) for each in mine if each["EndpointConfigName"] != kept
    ]


def _ours(clients: Clients, arn: str, stack: str) -> bool:
    with calling("ListTags", arn):
        tags = {tag["Key"]: tag["Value"] for tag in clients.get("sagemaker").list_tags(ResourceArn=arn)["Tags"]}
    return tags.get(MANAGED_TAG) == "true" and tags.get(CREATED_BY_TAG) == stack
