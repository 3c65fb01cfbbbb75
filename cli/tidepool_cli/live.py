"""`--live`: one decision from a real account, read only. Nothing is stored, sent or written anywhere.

The decision has no memory of earlier ones: what must be seen for a while first (idleness, a typical day) is held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import time
from typing import Any

from tidepool.aws.alarms import FreezeAlarms
from tidepool.aws.autoscaling import ApplicationAutoScaling
from tidepool.aws.clients import RETRIES, Clients
from tidepool.aws.cloudwatch import CloudWatch
from tidepool.aws.pricing import PriceList
from tidepool.aws.sagemaker import SageMaker
from tidepool.aws.training_plans import TrainingPlans
from tidepool.config.load import load
from tidepool.config.types import Config, RouteConfig
from tidepool.decision import pipeline
from tidepool.decision.codec import record_bytes
from tidepool.errors import TidepoolError, Unreachable
from tidepool.fleet import Route
from tidepool.memory import Memory
from tidepool.runtime.observe import observe
from tidepool.runtime.ports import Ports
from tidepool.runtime.writers import with_scalers
from tidepool_cli.validate import read_file
from tidepool_lab.twin.fast import FastConfig
from tidepool_lab.twin.fast_ledger import FastLedger

READS = ("Describe", "List", "Get", "Head", "Query", "Lookup", "Simulate")
"""Operations that are called here, by how their names begin: none of them changes anything."""
SERVICES = ("sagemaker", "application-autoscaling", "cloudwatch", "pricing", "service-quotas", "ssm")
"""What a decision is made from, by boto3's names."""


class WouldWrite(TidepoolError):
    """A call that is not a read was about to leave this machine: a bug, stopped before it left."""


def live_record(fleet: Path, region: str | None) -> bytes:
    """The record of what Tidepool would decide now for the account of the default credentials.

    Of `region`; without one, of the file's, or else of the AWS configuration's.
    """
    now = int(time())
    config = load(read_file(fleet), now=now, region=region or "")
    clients = reading_clients(region or config.region or None)
    try:
        ports = account_ports(clients, config)
        found = with_scalers(ports, observe(ports, config, now))
    except TidepoolError:
        raise
    except Exception as error:  # botocore's own: no credentials, no region, no network
        raise Unreachable(f"AWS could not be read: {error}") from error
    return record_bytes(pipeline.decide(found, config, Memory.empty(), now))


def reading_clients(
    region: str | None,
    *,
    services: Sequence[str] = SERVICES,
    besides: str = "",
    retries: Mapping[str, object] = RETRIES,
) -> Clients:
    """Clients of these services that refuse to send anything but reads, and `besides`. Unreachable without a region."""
    clients = Clients(region, retries=retries)

    def check(model: Any, **_: object) -> None:
        if not model.name.startswith(READS) and model.name != besides:
            raise WouldWrite(f"{model.service_model.service_name}:{model.name} is not a read; nothing was sent")

    try:
        for service in services:
            clients.get(service).meta.events.register("before-call.*.*", check)
    except Exception as error:  # botocore's own: no region, or no profile of that name
        raise Unreachable(f"AWS could not be asked: {error} Name a --region, and look at AWS_PROFILE.") from error
    return clients


def account_ports(clients: Clients, config: Config) -> Ports:
    """An account without a stack: nothing is remembered, no routes, and nothing that is said is heard."""

    def clock() -> int:
        return int(time())

    return Ports(
        hosting=SageMaker(clients, stack="", identity=lambda: config.identity, clock=clock),
        metrics=CloudWatch(clients),
        prices=PriceList(clients, clock=clock),
        routes=_Unread(),
        ledger=FastLedger(),
        bus=_Silent(),
        config=FastConfig(config),
        alarms=FreezeAlarms(clients),
        autoscaling=ApplicationAutoScaling(clients, clock=clock),
        reservations=TrainingPlans(clients, clock=clock),
    )


class _Unread:
    """Routes, which only a deployed stack keeps."""

    def read(self, model: str, via: RouteConfig) -> Route | None:
        return None

    def write(self, route: Route, via: RouteConfig, *, expected_version: int) -> None:
        raise WouldWrite("a route")

    def followed(self, route: Route, via: RouteConfig, now: int) -> bool:
        return False


class _Silent:
    """A bus on which nothing is ever sent."""

    def send(self, changes: Any, *, decision_key: str, now: int) -> None:
        raise WouldWrite(f"{len(changes)} changes")

    def announce(self, kind: str, detail: Mapping[str, object], now: int) -> None:
        raise WouldWrite(kind)
