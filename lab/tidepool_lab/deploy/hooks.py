"""Everything that the rig changes in ministack: what it lacks, put in at its own seams. Written for one version.

Each hook is a private name of ministack; tests/deploy/test_hooks.py has one test a hook, so that another version
fails there and not in the middle of a scenario.
"""

from __future__ import annotations

from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, sigv4

from tidepool_lab.deploy.account import Account
from tidepool_lab.deploy.hooked_buses import Buses
from tidepool_lab.deploy.hooked_events import Deliveries
from tidepool_lab.deploy.hooked_functions import Functions
from tidepool_lab.deploy.hooked_services import Services
from tidepool_lab.deploy.noted import Noted
from tidepool_lab.deploy.sandbox import Sandboxes

VERSION = "1.5.33"
"""Of ministack, which these hooks were written for."""


def install(account: Account, sandboxes: Sandboxes) -> tuple[Deliveries, Noted]:
    """ministack works with them from now on."""
    noted = Noted()
    _permissions(noted)
    Services(account).install()
    functions = Functions(account, sandboxes, noted)
    functions.install()
    buses = Buses(noted)
    buses.install()
    deliveries = Deliveries(account, functions, buses, noted)
    deliveries.install()
    return deliveries, noted


def _permissions(noted: Noted) -> None:
    # The rig's clock runs ahead of its callers'.
    sigv4.request_time_failure = lambda *_, **__: None
    # The loopback stands for TLS: the bucket's and the queues' policies refuse anything else.
    app.pin_request_origin = lambda source_ip, _: iam_evaluator.pin_request_origin(source_ip, True)
    enforce = iam_evaluator.enforce

    def noting(access_key: str, action: str, *args: Any, **kwargs: Any) -> Any:
        denied = enforce(access_key, action, *args, **kwargs)
        if isinstance(denied, iam_evaluator.EvalResult):
            noted.refused.append(f"{denied.principal_arn} {action}")
        return denied

    iam_evaluator.enforce = noting
    named = iam_actions.extract_resource_arn

    def with_sources(service: str, method: str, path: str, headers: Any, body: Any, query: Any, *rest: Any) -> Any:
        # A simulation is of a principal, and asked on it; ministack would ask on `*`.
        source = iam_actions._query_param(query, "PolicySourceArn") if service == "iam" else ""
        return source or named(service, method, path, headers, body, query, *rest)

    iam_actions.extract_resource_arn = with_sources
