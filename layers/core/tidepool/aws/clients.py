"""boto3 clients: made when first used, retried adaptively, and marked with the change they act for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

from tidepool import __version__

RETRIES = {"mode": "adaptive", "total_max_attempts": 4}
"""SageMaker's control plane rates are unpublished and 5-second polling was throttled (MEAS): botocore's
adaptive mode slows itself down at the first sign of it."""
CONNECT_S, READ_S = 2, 8
"""A call that hangs at every attempt has failed after 4 * (2 + 8) s, and botocore waits 0.35 s between them: 41 of a
function's 60 seconds. What is left is for the rest of the run, and to give the lease back; a function that is killed
keeps it for 90 s (runtime/decide.py). Throttled, it is answered at once and waits 1, 2 and 4 s."""

INVOKE_ONCE, INVOKE_READ_S = {"total_max_attempts": 1}, 65
"""A model has 60 seconds to answer InvokeEndpoint (API). A probe that botocore repeats unseen would not be one request,
and would outlast the function."""

PRICING_REGION = "us-east-1"
"""The price API is served from a few regions only (sagemaker-facts.md)."""


class Clients:
    """One client a service, each made at its first use: importing boto3's models costs tens of
    milliseconds each.
    """

    def __init__(
        self,
        region: str | None = None,
        *,
        retries: Mapping[str, object] = RETRIES,
        credentials: Mapping[str, str] | None = None,
    ) -> None:
        """`retries` is botocore's; who counts calls gives one attempt, so that none is made unseen. `credentials` are
        boto3's words for those of an assumed role; the process's own without them.
        """
        self._region, self._retries, self._credentials = region, retries, dict(credentials or {})
        self._made: dict[str, Any] = {}
        self._change = ""

    @property
    def region(self) -> str:
        """The region that everything but the price list is asked in."""
        return str(self.get("sagemaker").meta.region_name)

    def get(self, service: str) -> Any:
        """The client of a service, by boto3's name."""
        if service not in self._made:
            region = PRICING_REGION if service == "pricing" else self._region
            invokes = service == "sagemaker-runtime"
            client = boto3.client(
                service,
                region_name=region,
                config=Config(
                    retries=INVOKE_ONCE if invokes else dict(self._retries),
                    connect_timeout=CONNECT_S,
                    read_timeout=INVOKE_READ_S if invokes else READ_S,
                    user_agent_extra=f"tidepool/{__version__}",
                ),
                **self._credentials,
            )
            client.meta.events.register_first("before-send", self._mark)
            self._made[service] = client
        return self._made[service]

    @contextmanager
    def acting_for(self, change: str) -> Iterator[None]:
        """Every call inside carries the change's id in its user agent, so that CloudTrail names it."""
        self._change = change
        try:
            yield
        finally:
            self._change = ""

    def _mark(self, request: Any, **_: object) -> None:
        # Just before sending: botocore writes the user agent anew until then, and signatures leave it out.
        if self._change:
            agent = request.headers.get("User-Agent", b"")
            agent = agent.decode() if isinstance(agent, bytes) else agent
            request.headers["User-Agent"] = f"{agent} tidepool-change/{self._change}".strip()
