"""What leaving has yet to do, and what Tidepool made that stays: read from the stack, its ledger and the account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tidepool.aws.autoscaling import COPIES, FLAGS, INSTANCES
from tidepool.aws.environment import Hands
from tidepool.aws.failures import calling
from tidepool.aws.hosting_writes import CREATED_BY_TAG, NAME_PREFIX
from tidepool.config.types import Via
from tidepool.errors import BadFleetFile
from tidepool.fleet import ScalingTarget, Taken, leaving
from tidepool.move.attach import Attach
from tidepool.move.state import Move
from tidepool_cli.stack import Deployed

KEPT = {
    "BucketName": "bucket",
    "LedgerTableName": "table",
    "RoutesTableName": "table",
}
"""Outputs that name what the stack leaves behind when it is deleted (DeletionPolicy in template.yaml)."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A scaling target that is not as its owner left it: as it is now, and as it has to become.

    by_hand: the command that does it where the stack has no hand to do it, '' where it has.
    """

    model: str
    now: ScalingTarget
    minimum: int
    suspended: str
    by_hand: str


@dataclass(frozen=True, slots=True)
class Stays:
    """Something that Tidepool made and that nobody takes away by itself, and why. drop: how its owner does."""

    kind: str
    name: str
    why: str
    drop: str = ""


@dataclass(frozen=True, slots=True)
class Leaving:
    """asked: people asked to leave, and everything is hands off. Nothing owed, moving or alarming: all is done."""

    asked: bool
    owed: tuple[Owed, ...]
    moves: tuple[Move | Attach, ...]
    alarms: tuple[str, ...]
    stays: tuple[Stays, ...]

    @property
    def done(self) -> bool:
        return self.asked and not (self.owed or self.moves or self.alarms)


def read(account: Deployed, now: int, *, keep_ledger: bool) -> Leaving:
    """What leaving comes to now. Errors of reads go through."""
    ledger = account.rehearsal.ledger
    attaches = tuple(one for one in ledger.attaches() if not one.phase.ended)
    return Leaving(
        asked=leaving(ledger.signals(now), now),
        owed=tuple(_owed(account)),
        moves=(*ledger.moves(), *attaches),
        alarms=tuple(_burst_alarms(account)),
        stays=(*_homes(account), *_configs(account), *_routers(account), *_stores(account, keep_ledger)),
    )


def _owed(account: Deployed) -> Iterator[Owed]:
    targets = account.rehearsal.autoscaling.targets()
    for taken in account.rehearsal.ledger.taken():
        now = targets.get(taken.found.target)
        if now is None or now.resource != taken.found.resource:
            continue  # Its component or endpoint is gone, and its autoscaling with it.
        minimum, suspended = taken.owners(now)
        if (minimum, suspended) != (now.minimum, now.suspended):
            by_hand = "" if _has_hand(account, taken) else _command(now, minimum, suspended)
            yield Owed(taken.model, now, minimum, suspended, by_hand)


def _has_hand(account: Deployed, taken: Taken) -> bool:
    able = (Hands.COPIES, Hands.INSTANCES, Hands.MOVES) if taken.found.of_copies else (Hands.INSTANCES, Hands.MOVES)
    return account.hands in able


def _command(now: ScalingTarget, minimum: int, suspended: str) -> str:
    flags = ",".join(f"{flag}={str(word in suspended.split()).lower()}" for word, flag in FLAGS.items())
    return (
        "aws application-autoscaling register-scalable-target --service-namespace sagemaker "
        f"--resource-id {now.resource} --scalable-dimension {COPIES if now.of_copies else INSTANCES} "
        f"--min-capacity {minimum} --suspended-state {flags}"
    )


def _burst_alarms(account: Deployed) -> list[str]:
    with calling("DescribeAlarms", account.name):
        pages = account.clients.get("cloudwatch").get_paginator("describe_alarms")
        listed = pages.paginate(AlarmNamePrefix=f"{account.name}-burst-")
        return sorted(str(alarm["AlarmName"]) for page in listed for alarm in page.get("MetricAlarms", ()))


def _homes(account: Deployed) -> Iterator[Stays]:
    hosting = account.rehearsal.hosting
    for name, component in sorted(hosting.components().items()):
        if component.tags.get(CREATED_BY_TAG) == account.name:
            why = f"a home of {component.model or 'nobody'} on {component.endpoint}, {component.copies_wanted} copies"
            yield Stays("component", name, f"{why}: its callers may be on it")
    for name, endpoint in sorted(hosting.endpoints().items()):
        if endpoint.tags.get(CREATED_BY_TAG) == account.name:
            why = f"a home of {endpoint.model or 'nobody'}, {endpoint.instances_wanted} instances"
            yield Stays("endpoint", name, f"{why}: its callers may be on it")


def _configs(account: Deployed) -> Iterator[Stays]:
    """Endpoint configs that were made under our prefix; of other stacks too: only their tags would tell."""
    used = {endpoint.config_name: name for name, endpoint in account.rehearsal.hosting.endpoints().items()}
    with calling("ListEndpointConfigs", NAME_PREFIX):
        pages = account.clients.get("sagemaker").get_paginator("list_endpoint_configs")
        listed = [c for page in pages.paginate(NameContains=NAME_PREFIX) for c in page["EndpointConfigs"]]
    for name in sorted(str(config["EndpointConfigName"]) for config in listed):
        if not name.startswith(NAME_PREFIX):
            continue
        if name in used:
            yield Stays("endpoint config", name, f"in force on {used[name]}")
        else:
            drop = f"aws sagemaker delete-endpoint-config --endpoint-config-name {name}"
            yield Stays("endpoint config", name, "no endpoint uses it; kept for the way back", drop)


def _routers(account: Deployed) -> Iterator[Stays]:
    try:
        config, _ = account.rehearsal.config.current()
    except BadFleetFile:
        return
    models = (*config.names.values(), *(model for _, model in config.globs))
    routers = {one.route.router for one in models if one.route.via is Via.ROUTER}
    for name in sorted(routers):
        if name.startswith(NAME_PREFIX):
            yield Stays("inference router", name, "callers follow it")


def _stores(account: Deployed, keep_ledger: bool) -> Iterator[Stays]:
    for output, kind in KEPT.items():
        name = account.outputs[output]
        routes = output == "RoutesTableName"
        why = "callers follow the routes in it" if routes else "the record of what was done"
        drop = (
            f"aws dynamodb delete-table --table-name {name}" if kind == "table" else "empty every version, then delete"
        )
        yield Stays(kind, name, f"{why}; deleting the stack keeps it", "" if keep_ledger else drop)
