"""IAM's simulation of what roles and users may do, over identity policies that a test gives them.

Evaluated: Effect, Action, Resource and StringEquals over the context that is sent. Boundaries, control policies of an
organisation and other operators are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from tidepool_lab.embedded.intercept import AwsError, Params

ALLOWED, DENIED, UNSAID = "allowed", "explicitDeny", "implicitDeny"


class Principals:
    """iam, a responder. policies: by a principal's ARN, the statements of its policies."""

    def __init__(self) -> None:
        self.policies: dict[str, list[Params]] = {}

    def __call__(self, operation: str, params: Params) -> Params | None:
        if operation != "SimulatePrincipalPolicy":
            raise AwsError("UnknownOperationException", f"The twin's IAM has no {operation}.")
        arn = params["PolicySourceArn"]
        if arn not in self.policies:
            name = arn.rpartition("/")[2]
            raise AwsError("NoSuchEntity", f"The role with name {name} cannot be found.", 404)
        context = {
            entry["ContextKeyName"]: set(entry["ContextKeyValues"]) for entry in params.get("ContextEntries", ())
        }
        return {
            "EvaluationResults": [
                _result(action, params["ResourceArns"], self.policies[arn], context) for action in params["ActionNames"]
            ]
        }


def _result(action: str, resources: Iterable[str], statements: list[Params], context: Mapping[str, set[str]]) -> Params:
    """One result an action, as restrictive as its worst resource (API reference, EvaluationResult)."""
    each = [_of_resource(action, resource, statements, context) for resource in resources]
    decisions = {one["EvalResourceDecision"] for one in each}
    worst = next(word for word in (DENIED, UNSAID, ALLOWED) if word in decisions)
    return {"EvalActionName": action, "EvalDecision": worst, "ResourceSpecificResults": each}


def _of_resource(action: str, resource: str, statements: list[Params], context: Mapping[str, set[str]]) -> Params:
    about = [s for s in statements if _matches(s["Action"], action) and _matches(s["Resource"], resource)]
    tests = [(s, s.get("Condition", {}).get("StringEquals", {})) for s in about]
    effects = {s["Effect"] for s, equals in tests if all(v in context.get(k, ()) for k, v in equals.items())}
    decision = DENIED if "Deny" in effects else ALLOWED if "Allow" in effects else UNSAID
    missing = sorted({key for _, equals in tests for key in equals} - set(context))
    return {"EvalResourceName": resource, "EvalResourceDecision": decision, "MissingContextValues": missing}


def _matches(patterns: str | list[str], value: str) -> bool:
    return any(fnmatchcase(value, one) for one in ([patterns] if isinstance(patterns, str) else patterns))
