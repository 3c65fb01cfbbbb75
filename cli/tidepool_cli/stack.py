"""A deployed stack, as the commands of moves see it: they read what it reads, and write nothing but events on its bus.

Every command first does what the hand would do, on a ledger that keeps nothing (`rehearsal`). So it refuses in the
hand's own words, and only what the hand would accept is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import time
from typing import Any

from tidepool.aws.alarms import FreezeAlarms
from tidepool.aws.autoscaling import ApplicationAutoScaling
from tidepool.aws.bus import EventBus
from tidepool.aws.clients import Clients
from tidepool.aws.cloudwatch import CloudWatch
from tidepool.aws.config_store import FleetFile
from tidepool.aws.environment import Hands
from tidepool.aws.failures import calling
from tidepool.aws.ledger import Ledger
from tidepool.aws.objects import Bucket
from tidepool.aws.pricing import PriceList
from tidepool.aws.principals import Principals
from tidepool.aws.routes import Routes
from tidepool.aws.sagemaker import SageMaker
from tidepool.aws.table import Table
from tidepool.errors import BadInput, NotFound, Problem
from tidepool.fleet import Component, Endpoint
from tidepool.move.attach import Attach
from tidepool.move.state import Move
from tidepool.runtime.ports import Operation, Ports
from tidepool_cli.live import SERVICES, reading_clients
from tidepool_cli.output import bad_option

STACK_SERVICES = (*SERVICES, "application-autoscaling", "cloudformation", "dynamodb", "events", "iam", "s3", "sts")
OUTPUTS = ("BusName", "LedgerTableName", "RoutesTableName", "BucketName")
"""What a stack of this version says of itself."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """One stack. `hands` is what it was deployed with; `bus` is where people ask; `outputs` is what it says of itself.

    rehearsal: ports that read it as it is, and with which the hand's own code keeps, sends and tells nothing.
    alone: the same, as if no move were open or had ended: what is refused there is refused whatever else goes on.
    """

    name: str
    hands: Hands
    clients: Clients
    rehearsal: Ports
    alone: Ports
    sagemaker: SageMaker
    bus: EventBus
    outputs: Mapping[str, str]

    def send(self, kind: str, part: str, words: Mapping[str, object]) -> None:
        """The event is on the stack's bus. BadInput when no hand of the stack would hear it."""
        if self.hands is not Hands.MOVES:
            hint = "deploy with `--parameter-overrides Hands=moves`: what is not granted does not exist in the stack"
            problem = Problem("Hands", str(self.hands), str(Hands.MOVES), hint)
            raise BadInput(f"stack {self.name}", (problem,))
        self.bus.ask(kind, {part: dict(words)}, clock())


def clock() -> int:
    """Now, in whole seconds since 1970 UTC."""
    return int(time())


def deployed(name: str, region: str | None) -> Deployed:
    """The stack of that name. BadInput when there is none, or it is of an older version; Unreachable without AWS."""
    clients = reading_clients(region, services=STACK_SERVICES, besides="PutEvents")
    outputs, parameters = _described(clients, name)
    missing = [output for output in OUTPUTS if output not in outputs]
    if missing:
        hint = f"deploy this version first: the stack has no output {', '.join(missing)}"
        raise bad_option("--stack", name, allowed="a stack of this version of Tidepool", hint=hint)
    hands = Hands(parameters.get("Hands", Hands.NONE))
    bus = EventBus(clients, outputs["BusName"])
    bucket = Bucket(clients, outputs["BucketName"])
    config = FleetFile(bucket, bus, clock=clock, most=hands.rung)
    sagemaker = _Once(clients, stack=name, identity=config.known_identity, clock=clock)
    table = Table(clients, outputs["LedgerTableName"])
    rehearsal = Ports(
        hosting=sagemaker,
        metrics=CloudWatch(clients),
        prices=PriceList(clients, clock=clock),
        routes=Routes(clients, table=outputs["RoutesTableName"], bus=bus),
        ledger=_Unwritten(table, bucket),
        bus=_Quiet(),
        config=config,
        alarms=FreezeAlarms(clients),
        autoscaling=ApplicationAutoScaling(clients, clock=clock),
        principals=Principals(clients),
    )
    alone = replace(rehearsal, ledger=_Alone(table, bucket))
    return Deployed(name, hands, clients, rehearsal, alone, sagemaker, bus, outputs)


def asking(deployed: Deployed, who: str | None, why: str | None) -> tuple[str, str]:
    """(who, why) of whoever asks. Without --who it is what AWS knows of the credentials. BadInput without a reason."""
    if not (why or "").strip():
        raise bad_option("--why", why, allowed="the reason, in words", hint="the ledger and every announcement keep it")
    if who is None:
        with calling("GetCallerIdentity", "sts"):
            who = str(deployed.clients.get("sts").get_caller_identity()["Arn"])
    return who, str(why)


def _described(clients: Clients, name: str) -> tuple[dict[str, str], dict[str, str]]:
    """(outputs, parameters) of the stack."""
    try:
        with calling("DescribeStacks", name):
            (stack,) = clients.get("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except NotFound as error:
        hint = "--stack or TIDEPOOL_STACK names it, --region says where; docs/operate.md deploys one"
        raise bad_option("--stack", name, allowed="a deployed stack of Tidepool", hint=f"{hint} ({error})") from None
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", ())}
    return outputs, {p["ParameterKey"]: p["ParameterValue"] for p in stack.get("Parameters", ())}


class _Unwritten(Ledger):
    """A stack's ledger that is read as it is, and keeps nothing."""

    def save_move(self, move: Move, *, expected_version: int) -> None:
        return None

    def save_attach(self, attach: Attach, *, expected_version: int) -> None:
        return None

    def record(self, operation: Operation) -> None:
        return None


class _Alone(_Unwritten):
    """A ledger without moves."""

    def moves(self) -> tuple[Move, ...]:
        return ()

    def ended_moves(self, since: int) -> tuple[Move, ...]:
        return ()


class _Once(SageMaker):
    """The whole fleet is read once in the life of a command: a hundred rehearsals cost no more than one."""

    _all_endpoints: Mapping[str, Endpoint] | None = None
    _all_components: Mapping[str, Component] | None = None

    def endpoints(self) -> Mapping[str, Endpoint]:
        if self._all_endpoints is None:
            self._all_endpoints = super().endpoints()
        return self._all_endpoints

    def components(self) -> Mapping[str, Component]:
        if self._all_components is None:
            self._all_components = super().components()
        return self._all_components


class _Quiet:
    """A bus on which nothing is said."""

    def send(self, changes: Any, *, decision_key: str, now: int) -> None:
        return None

    def announce(self, kind: str, detail: Mapping[str, object], now: int) -> None:
        return None
