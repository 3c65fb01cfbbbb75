"""SageMaker's refusals, in its own codes and words (sagemaker-facts.md). The only file of the twin with AWS texts."""

from __future__ import annotations

from tidepool.errors import AlreadyExists, Busy, HostingError, NotFound, QuotaExceeded, Refused, Throttled
from tidepool.fleet import Status

VALIDATION = "ValidationException"

_STATES = {
    Status.CREATING: "CREATE_IN_PROGRESS",
    Status.UPDATING: "UPDATE_RC_IN_PROGRESS",
    Status.DELETING: "DELETE_IN_PROGRESS",
    Status.FAILED: "CREATE_FAILED",
}


def component_missing(operation: str, name: str) -> HostingError:
    return NotFound(operation, name, VALIDATION, f'Could not find inference component "{name}".')


def endpoint_missing(operation: str, name: str) -> HostingError:
    return NotFound(operation, name, VALIDATION, f'Could not find endpoint "{name}".')


def taken(operation: str, name: str, what: str) -> HostingError:
    return AlreadyExists(operation, name, VALIDATION, f"Cannot create already existing {what} with name {name}.")


def component_busy(operation: str, name: str, status: Status) -> HostingError:
    """MEAS: one change at a time per component; deletes are refused while it is created or updated."""
    verb = "delete" if operation.startswith("Delete") else "update"
    return Busy(operation, name, VALIDATION, state_text(verb, name, status))


def state_text(verb: str, name: str, status: Status) -> str:
    return f'Cannot {verb} inference component "{name}" while it is in state {_STATES[status]}.'


def endpoint_busy(operation: str, name: str) -> HostingError:
    return Busy(operation, name, VALIDATION, f'Cannot update in-progress endpoint "{name}".')


def over_quota(operation: str, name: str, *, type_name: str, quota: int, held: int, more: int) -> HostingError:
    text = (
        f"The account-level service limit '{type_name} for endpoint usage' is {quota} Instances, with current "
        f"utilization of {held} Instances and a request delta of {more} Instances."
    )
    return QuotaExceeded(operation, name, "ResourceLimitExceeded", text)


def throttled(operation: str, name: str) -> HostingError:
    return Throttled(operation, name, "ThrottlingException", "Rate exceeded")


def refused(operation: str, name: str, text: str) -> HostingError:
    return Refused(operation, name, VALIDATION, text)


COPIES_AT_CREATE = (
    "CopyCount must be an integer larger than 0 when creating an inference component; it can be set to 0 later."
)
MIN_ZERO = "Min instance count needs to be greater than 0 in this region."
SME_SCALING = "ManagedInstanceScaling is not supported for a production variant with a ModelName."
NO_CAPACITY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress "
    "(if configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)
"""InvokeEndpoint at zero copies, HTTP 400 ValidationError. BLOG, MEAS."""
