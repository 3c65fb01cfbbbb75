"""May a caller invoke a home that is not there yet? IAM's own simulation, over the policies that the caller has now.

SimulatePrincipalPolicy takes resources that do not exist, and evaluates identity policies, permissions boundaries and
the organisation's control policies, of principals of this account alone (API reference). Endpoint policies and
conditions on a request's own context are not in it: a condition that cannot be known here is a refusal that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.errors import Unreachable
from tidepool.fleet import Target

INVOKE, STREAM = "sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"
ALLOWED = "allowed"
TAGS = ("aws:ResourceTag/", "sagemaker:ResourceTag/")
"""Both ways in which a policy asks for a tag of an endpoint or component (service authorization reference)."""


class Principals:
    """runtime.ports.Principals over IAM."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def refused(
        self, principal: str, target: Target, *, beside: str, tags: Mapping[str, str], stream: bool = False
    ) -> str:
        """What the principal may not do at the target, with IAM's words; '' when it may all.

        beside: an endpoint that is there, in the same account and Region. tags: those that the target will have.
        HostingError or Unreachable when IAM does not simulate it.
        """
        actions = [INVOKE, STREAM] if stream else [INVOKE]
        places = self._arns(target, beside)
        here, there = places[0].split(":")[4], principal.split(":")[4]
        if here != there:
            # What IAM would answer is UNKNOWN: a role here may have the same name.
            raise Unreachable(f"IAM of account {here} simulates its own principals alone, and this one is of {there}")
        with calling("SimulatePrincipalPolicy", principal):
            reply = self._clients.get("iam").simulate_principal_policy(
                PolicySourceArn=principal, ActionNames=actions, ResourceArns=places, ContextEntries=_context(tags)
            )
        results = reply["EvaluationResults"]
        return ", and ".join(words for action in actions if (words := _refusal(action, places, results)))

    def _arns(self, target: Target, beside: str) -> list[str]:
        """A component is invoked through its endpoint, and both are authorised (sagemaker-facts, Permissions)."""
        with calling("DescribeEndpoint", beside):
            there = self._clients.get("sagemaker").describe_endpoint(EndpointName=beside)["EndpointArn"]
        account = str(there).partition(":endpoint/")[0]
        component = [f"{account}:inference-component/{target.component}"] if target.component else []
        return [f"{account}:endpoint/{target.endpoint}", *component]


def _refusal(action: str, places: list[str], results: list[dict[str, Any]]) -> str:
    """Why the action is not allowed everywhere, '' when it is. An action without a result is not allowed."""
    mine = [result for result in results if result["EvalActionName"] == action]
    if mine and all(result["EvalDecision"] == ALLOWED for result in mine):
        return ""
    each = [one for result in mine for one in result.get("ResourceSpecificResults", ())]
    bad = {one["EvalResourceName"]: one["EvalResourceDecision"] for one in each}
    decided = {name: decision for name, decision in bad.items() if decision != ALLOWED}
    words = ", ".join(f"{name}: {decision}" for name, decision in decided.items()) or ", ".join(places)
    missing = {key for one in (*mine, *each) for key in one.get("MissingContextValues", ())}
    unknown = f" (its policies ask for {', '.join(sorted(missing))}, which only a request has)" if missing else ""
    return f"{action} on {words}{unknown}"


def _context(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"ContextKeyName": f"{way}{key}", "ContextKeyType": "string", "ContextKeyValues": [value]}
        for key, value in sorted(tags.items())
        for way in TAGS
    ]
