"""The one table from AWS's words to ours: every refusal that the twin knows comes back as the error it was."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from tidepool.aws.failures import calling, translated
from tidepool.errors import (
    AlreadyExists,
    Busy,
    Conflict,
    Denied,
    HostingError,
    NoCapacity,
    NotFound,
    QuotaExceeded,
    Refused,
    Throttled,
    TidepoolError,
    Unreachable,
)
from tidepool.fleet import Status
from tidepool_lab.twin import refusals


def said(code: str, message: str, status: int = 400) -> ClientError:
    reply = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(reply, "Op")  # type: ignore[arg-type]


TWIN = [
    refusals.component_missing("Op", "a"),
    refusals.endpoint_missing("Op", "a"),
    refusals.taken("Op", "a", "endpoint"),
    refusals.component_busy("UpdateInferenceComponentRuntimeConfig", "a", Status.UPDATING),
    refusals.component_busy("DeleteInferenceComponent", "a", Status.CREATING),
    refusals.endpoint_busy("Op", "a"),
    refusals.over_quota("Op", "a", type_name="ml.big", quota=1, held=1, more=1),
    refusals.throttled("Op", "a"),
    refusals.refused("Op", "a", refusals.COPIES_AT_CREATE),
    refusals.refused("Op", "a", refusals.MIN_ZERO),
    refusals.refused("Op", "a", refusals.SME_SCALING),
]


@pytest.mark.parametrize("refusal", TWIN, ids=lambda refusal: refusal.message[:40])
def test_each_refusal_of_the_twin_survives_the_way_through_boto3(refusal: HostingError) -> None:
    back = translated(said(refusal.code, refusal.message), refusal.operation, refusal.target)
    assert type(back) is type(refusal)
    assert str(back) == str(refusal)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (said("ValidationException", 'Could not find endpoint "x".'), NotFound),
        (said("ValidationException", "Cannot create already existing endpoint configuration x"), AlreadyExists),
        (said("ValidationError", refusals.NO_CAPACITY), NoCapacity),
        (
            said("ValidationException", "There is not enough hardware resources on the instances for this endpoint"),
            NoCapacity,
        ),
        (said("ResourceLimitExceeded", "The account-level service limit …"), QuotaExceeded),
        (said("ConflictException", "another change runs"), Busy),
        (said("AccessDeniedException", "User is not authorized to perform"), Denied),
        (said("ThrottlingException", "Rate exceeded"), Throttled),
        (said("ProvisionedThroughputExceededException", "slow"), Throttled),
        (said("NoSuchKey", "The specified key is gone", 404), NotFound),
        (said("404", "Not Found", 404), NotFound),
        (said("ConditionalCheckFailedException", "The conditional request failed"), Conflict),
        (said("PreconditionFailed", "At least one …", 412), Conflict),
        (said("InternalFailure", "oops", 500), Unreachable),
        (said("ServiceUnavailable", "later", 503), Unreachable),
        (said("ValidationException", "a text nobody has seen"), Refused),
        (EndpointConnectionError(endpoint_url="https://x"), Unreachable),
        (ReadTimeoutError(endpoint_url="https://x"), Unreachable),
        (NoCredentialsError(), Unreachable),
    ],
    ids=lambda value: str(value)[:50],
)
def test_awss_words_become_one_error_of_ours(error: Exception, ours: type[TidepoolError]) -> None:
    assert type(translated(error, "Op", "x")) is ours  # type: ignore[arg-type]


def test_what_boto3_raises_inside_is_raised_as_ours_and_names_call_and_target() -> None:
    with pytest.raises(Busy, match=r"UpdateEndpoint on 'pool': ValidationException"), calling("UpdateEndpoint", "pool"):
        raise said("ValidationException", "Cannot update in-progress endpoint pool")


def test_an_error_that_is_not_awss_is_left_as_it_is() -> None:
    with pytest.raises(KeyError), calling("Op", "x"):
        raise KeyError("ours")
