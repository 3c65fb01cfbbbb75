"""May a caller invoke a home that is not there yet: the adapter over IAM's simulation, by policies as people write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tidepool.aws.clients import Clients
from tidepool.aws.principals import INVOKE, STREAM
from tidepool.aws.principals import Principals as Adapter
from tidepool.errors import Denied, NotFound, Unreachable
from tidepool.fleet import Target
from tidepool_lab.embedded.intercept import ACCOUNT, AwsError, answering
from tidepool_lab.embedded.principals import Principals
from tidepool_lab.embedded.timestamps import moment

REGION = "us-east-1"
CALLER = f"arn:aws:iam::{ACCOUNT}:role/app"
ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
NEW = Target("pool", "tidepool-m-01234567", 100)
TAGS = {"tidepool:managed": "true", "model": "m"}


def allow(*actions: str, on: str = f"{ARN}:*", **condition: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, "Condition": {"StringEquals": condition}}


def endpoint(operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    assert operation == "DescribeEndpoint"
    at = {"CreationTime": moment(0), "LastModifiedTime": moment(0)}
    name = params["EndpointName"]
    return {"EndpointName": name, "EndpointArn": f"{ARN}:endpoint/{name}", "EndpointStatus": "InService", **at}


@pytest.fixture
def iam() -> Iterator[Principals]:
    made = Principals()
    with answering({"iam": made, "sagemaker": endpoint}):
        yield made


def refused(target: Target = NEW, *, stream: bool = False) -> str:
    return Adapter(Clients(REGION)).refused(CALLER, target, beside="pool-a", tags=TAGS, stream=stream)


def test_a_caller_who_may_by_the_tag_that_the_target_will_have_is_not_refused(iam: Principals) -> None:
    for key in ("aws:ResourceTag/tidepool:managed", "sagemaker:ResourceTag/tidepool:managed"):
        iam.policies[CALLER] = [allow(INVOKE, **{key: "true"})]
        assert refused() == ""
        assert refused(Target("tidepool-m", "", 100)) == ""


def test_the_component_and_its_endpoint_must_both_be_allowed(iam: Principals) -> None:
    iam.policies[CALLER] = [allow(INVOKE, on=f"{ARN}:endpoint/*")]
    assert refused() == f"{INVOKE} on {ARN}:inference-component/{NEW.component}: implicitDeny"
    assert refused(Target("tidepool-m", "", 100)) == ""


def test_a_caller_who_may_the_old_home_by_name_is_refused_at_the_new_one(iam: Principals) -> None:
    iam.policies[CALLER] = [allow(INVOKE, on=f"{ARN}:endpoint/own")]
    assert refused(Target("tidepool-m", "", 100)) == f"{INVOKE} on {ARN}:endpoint/tidepool-m: implicitDeny"


def test_a_model_that_streams_needs_both_actions(iam: Principals) -> None:
    iam.policies[CALLER] = [allow(INVOKE)]
    assert refused() == ""
    assert refused(stream=True).startswith(f"{STREAM} on {ARN}:endpoint/pool: implicitDeny, ")
    iam.policies[CALLER] = [allow(INVOKE, STREAM)]
    assert refused(stream=True) == ""


def test_an_explicit_deny_and_a_condition_that_only_a_request_has_are_refusals_that_say_so(iam: Principals) -> None:
    iam.policies[CALLER] = [allow(INVOKE), {**allow(INVOKE), "Effect": "Deny"}]
    assert "explicitDeny" in refused()
    iam.policies[CALLER] = [allow(INVOKE, **{"aws:SourceVpce": "vpce-1"})]
    assert refused().endswith("implicitDeny (its policies ask for aws:SourceVpce, which only a request has)")


def test_a_principal_that_cannot_be_simulated_is_an_error_and_never_a_yes(iam: Principals) -> None:
    with pytest.raises(NotFound, match=r"SimulatePrincipalPolicy on .*role/app.*cannot be found"):
        refused()

    def denied(operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        raise AwsError("AccessDenied", "not authorized to perform: iam:SimulatePrincipalPolicy", 403)

    with answering({"iam": denied, "sagemaker": endpoint}), pytest.raises(Denied):
        refused()


def test_a_principal_of_another_account_is_never_taken_for_allowed_whatever_iam_answers(iam: Principals) -> None:
    other = "arn:aws:iam::999988887777:role/app"
    iam.policies[other] = iam.policies[CALLER] = [allow(INVOKE)]
    with pytest.raises(Unreachable, match=f"IAM of account {ACCOUNT} simulates its own.*of 999988887777"):
        Adapter(Clients(REGION)).refused(other, NEW, beside="pool-a", tags=TAGS)


def test_an_action_without_a_result_is_refused(iam: Principals) -> None:
    with answering({"iam": lambda operation, params: {"EvaluationResults": []}, "sagemaker": endpoint}):
        assert refused() == f"{INVOKE} on {ARN}:endpoint/pool, {ARN}:inference-component/{NEW.component}"
