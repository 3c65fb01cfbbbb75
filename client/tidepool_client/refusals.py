"""Which refusals are certain to have come before any model saw the request. Only those may be asked again."""

from __future__ import annotations

from botocore.exceptions import ClientError

_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_DENIED = {"AccessDeniedException", "AccessDenied"}
_VALIDATION = {"ValidationError", "ValidationException"}
_NEVER_RAN = (
    "has no capacity to process this request",
    "could not find",
    "not found",
    "does not exist",
)
"""Texts of SageMaker's 400s: a component without a copy, and an endpoint or component that is gone."""


def never_ran(error: ClientError) -> bool:
    """SageMaker refused the call itself: no capacity, no access, or no such target. A container's answer is none."""
    said = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, text = str(said.get("Code", "")), str(said.get("Message", "")).lower()
    if not _CLIENT_ERROR <= status < _SERVER_ERROR or "OriginalStatusCode" in error.response:
        return False
    if code in _DENIED:
        return True
    return code in _VALIDATION and any(words in text for words in _NEVER_RAN)
