"""Which refusals are certain to have come before any model saw the request. Only those may be asked again.

- 400 ValidationError "… has no capacity to process this request": no copy is there to run it (docs/sagemaker-facts.md,
  Invocation and routing).
- 400 ValidationError "Endpoint … of account … not found.", or the like of a component: nobody is there to run it
  (aws/amazon-sagemaker-examples#293, #559). A container's own 404 comes as ModelError instead (InvokeEndpoint API).
- 403 AccessDeniedException: IAM is asked before anything runs. A new home may lack the caller's right.

Never asked again, because a model may have run, or may still: 424 ModelError (the container answered), every 5xx,
timeouts, connections that broke, streams that began. Nor is throttling, which no other home would cure.
"""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_DENIED = {"AccessDeniedException", "AccessDenied"}
_VALIDATION = {"ValidationError", "ValidationException"}
_NO_COPY = re.compile(r"has no capacity to process this request")
_GONE = re.compile(
    r"\b(endpoint|inference component)\b.*\b(not found|does not exist)\b"
    r"|\bcould not find\b.*\b(endpoint|inference component)\b"
)


def never_ran(error: ClientError) -> bool:
    """SageMaker refused the call itself: no capacity, no access, or no such target. A container's answer is none."""
    said = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, text = str(said.get("Code", "")), str(said.get("Message", "")).lower()
    if not _CLIENT_ERROR <= status < _SERVER_ERROR or "OriginalStatusCode" in error.response:
        return False
    if code in _DENIED:
        return True
    return code in _VALIDATION and bool(_NO_COPY.search(text) or _GONE.search(text))
