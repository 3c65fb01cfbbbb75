"""A call of SageMaker as CloudTrail tells EventBridge of it, where the account has a trail: who wrote which count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from tidepool.aws.event_models import Aws, Timed
from tidepool.fleet import Noted

NAMES = ("inferenceComponentName", "endpointName")
"""Which request parameter names what was written, as CloudTrail spells them."""


class Issuer(Aws):
    arn: str = ""


class Session(Aws):
    issuer: Issuer = Field(alias="sessionIssuer", default=Issuer())


class Identity(Aws):
    """userIdentity: the caller's ARN, the role behind a session, and the service that called for it."""

    arn: str = ""
    service: str = Field(alias="invokedBy", default="")
    session: Session = Field(alias="sessionContext", default=Session())


class CallContent(Aws):
    id: str = Field(alias="eventID", min_length=1)
    identity: Identity = Field(alias="userIdentity")
    agent: str = Field(alias="userAgent", default="")
    error: str = Field(alias="errorCode", default="")
    asked: Mapping[str, Any] | None = Field(alias="requestParameters", default=None)


class CallTold(Timed):
    """CloudTrail told of a call. It may come minutes late, twice, or never."""

    source: Literal["aws.sagemaker"]
    kind: Literal["AWS API Call via CloudTrail"] = Field(alias="detail-type")
    detail: CallContent

    @property
    def noted(self) -> Noted | None:
        """The write it tells of; None when the call was refused, or names nothing that has a count."""
        call = self.detail
        target = next((str(call.asked[name]) for name in NAMES if call.asked and call.asked.get(name)), "")
        if call.error or not target:
            return None
        principal = call.identity.session.issuer.arn or call.identity.arn or call.identity.service
        return Noted(call.id, target, self.at, principal, call.identity.service, call.agent)
