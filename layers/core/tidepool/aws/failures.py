"""AWS's words → tidepool.errors. The one table; nobody else reads `error.response` or matches on a message.

SageMaker models only ResourceLimitExceeded; nearly everything else is a ValidationException told apart by
its text (sagemaker-facts.md, "Inference components" and "Endpoints and managed instance scaling").
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

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


@dataclass(frozen=True, slots=True)
class Row:
    """A code, and a part of the text in lower case ('' = any text); the first row that fits decides."""

    code: str
    text: str
    error: type[HostingError]


ANY = "*"

TABLE: tuple[Row, ...] = (
    # By text, whatever the code: SageMaker says ValidationException for all of these. MEAS if not said else.
    # "Cannot update inference component … while it is in state UPDATE_RC_IN_PROGRESS"
    Row(ANY, "while it is in state", Busy),
    Row(ANY, "cannot update in-progress", Busy),  # "Cannot update in-progress endpoint …"
    # What InvokeEndpoint says at zero copies; its text also speaks of a scaling that "may be in-progress".
    Row(ANY, "no capacity to process", NoCapacity),
    Row(ANY, "not enough hardware resources", NoCapacity),  # a copy that no instance has room for
    Row(ANY, "insufficient capacity", NoCapacity),  # BLOG
    Row(ANY, "unable to provision", NoCapacity),  # BLOG
    Row(ANY, "already exist", AlreadyExists),  # "Cannot create already existing …", "… already exists"
    Row(ANY, "could not find", NotFound),  # "Could not find endpoint …", "… inference component …"
    Row(ANY, "does not exist", NotFound),
    # By code.
    Row("ResourceLimitExceeded", "", QuotaExceeded),  # API, the only modelled one
    Row("ServiceQuotaExceededException", "", QuotaExceeded),
    Row("ResourceInUse", "", Busy),
    Row("ConcurrentUpdateException", "", Busy),  # Application Auto Scaling: another update is pending (API)
    Row("ObjectNotFoundException", "", NotFound),  # Application Auto Scaling: no such target (API)
    Row("ConflictException", "", Busy),  # inference routers: while another change runs (API)
    Row("ResourceNotFound", "", NotFound),
    Row("ResourceNotFoundException", "", NotFound),
    Row("NoSuchKey", "", NotFound),
    Row("NoSuchVersion", "", NotFound),
    Row("NoSuchBucket", "", NotFound),
    Row("NoSuchEntity", "", NotFound),  # IAM: no such role or user in this account (API)
    Row("404", "", NotFound),  # HeadObject has no body, so that S3's code is the status
    Row("AccessDenied", "", Denied),
    Row("AccessDeniedException", "", Denied),
    Row("UnauthorizedOperation", "", Denied),
    Row("403", "", Denied),
    Row("Throttling", "", Throttled),
    Row("ThrottlingException", "", Throttled),
    Row("ThrottledException", "", Throttled),
    Row("TooManyRequestsException", "", Throttled),
    Row("RequestLimitExceeded", "", Throttled),
    Row("LimitExceededException", "", Throttled),
    Row("ProvisionedThroughputExceededException", "", Throttled),
    Row("SlowDown", "", Throttled),
)

LOST_RACES = frozenset({"ConditionalCheckFailedException", "PreconditionFailed", "ConditionalRequestConflict"})
"""Conditional writes of DynamoDB and S3 that somebody else won."""

NOT_MODIFIED = frozenset({"304", "NotModified"})
"""S3's answer to IfNoneMatch when nothing changed."""

SERVER_FAULT = 500
"""HTTP status from which the fault is AWS's own: nothing is known about what happened."""


def translated(error: ClientError | BotoCoreError, operation: str, target: str) -> TidepoolError:
    """The error of our own that says the same. An unknown refusal is Refused, an unknown silence
    Unreachable.
    """
    if not isinstance(error, ClientError):
        return Unreachable(f"{operation} on {target!r}: {error}")
    code, message, status = _words(error)
    if code in LOST_RACES:
        return Conflict(f"{operation} on {target!r}: somebody wrote first ({code}). Read it again")
    low = message.lower()
    for row in TABLE:
        if row.code in (ANY, code) and row.text in low:
            return row.error(operation, target, code, message)
    if status >= SERVER_FAULT:
        return Unreachable(f"{operation} on {target!r}: {code} (HTTP {status}): {message}")
    return Refused(operation, target, code, message)


@contextmanager
def calling(operation: str, target: str) -> Iterator[None]:
    """Whatever boto3 raises inside is raised as an error of ours."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise translated(error, operation, target) from error


def unchanged(error: ClientError) -> bool:
    """S3 says that the object is the one already known."""
    return _words(error)[0] in NOT_MODIFIED


def answered_by_model(error: ClientError) -> int | None:
    """The status with which a model's own container refused an invocation; None when it never got that
    far.
    """
    status = error.response.get("OriginalStatusCode")
    return int(status) if status is not None else None


def status_of(error: ClientError) -> int:
    """The HTTP status of a refused call."""
    return _words(error)[2]


def _words(error: ClientError) -> tuple[str, str, int]:
    said = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return str(said.get("Code", "")), str(said.get("Message", "")), int(status)
