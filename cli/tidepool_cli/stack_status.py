"""A deployed stack's status as values: read from its ledger, its fleet.yaml, its alarms, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tidepool.aws.failures import calling
from tidepool.config.notation import duration_s
from tidepool.config.types import Config
from tidepool.decision.stored import Record, read_record
from tidepool.errors import BadFleetFile
from tidepool.fleet import Write
from tidepool.move.attach import Attach
from tidepool.move.state import Move
from tidepool.runtime.observe import frozen_by
from tidepool.runtime.ports import Operation
from tidepool.units import DAY_S, MINUTE_S, duration
from tidepool_cli.output import bad_option
from tidepool_cli.stack import Deployed

SILENT_S = 5 * MINUTE_S
"""As the stack's own alarm decide-is-silent has it."""
WAKES = ("-burst-", "-no-capacity")
"""Alarms of the stack that only wake decide: they say nothing of its health."""


@dataclass(frozen=True, slots=True)
class Sees:
    """The newest decision in figures. held: how many changes each of the guard's rules held back, the most first."""

    models: int
    homes: int
    usd_per_hour: float
    commit: str
    held: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """One hold, freeze or surge in force. until: seconds since 1970; 0 = as long as its alarm or calendar says."""

    kind: str
    scope: str
    until: int
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Status:
    """All of it at `now`. decided_at 0 = never. unwell: every reason why the stack is not well.

    writes: counts that others set, as far as decide still remembers them (`writers.deploys.quiet`).
    """

    stack: str
    hands: str
    now: int
    last_s: int
    decided_at: int
    sees: Sees | None
    standing: tuple[Standing, ...]
    moves: tuple[Move | Attach, ...]
    operations: tuple[Operation, ...]
    writes: tuple[Write, ...]
    unwell: tuple[str, ...]


def seconds_of(last: str) -> int:
    """The time in whole seconds. BadInput when it is none, or more than the ledger keeps."""
    seconds = duration_s(last)
    if seconds is None or not MINUTE_S <= seconds <= 30 * DAY_S:
        raise bad_option("--last", last, allowed="1m to 30d, such as 60m")
    return int(seconds)


def read(account: Deployed, now: int, last_s: int) -> Status:
    """The status of the stack as it is stored now. Errors of reads go through."""
    ledger = account.rehearsal.ledger
    stored = ledger.decision()
    record = None if stored is None else read_record(stored)
    operations = ledger.operations(now - last_s)
    attaches = tuple(one for one in ledger.attaches() if not one.phase.ended)
    return Status(
        stack=account.name,
        hands=str(account.hands),
        now=now,
        last_s=last_s,
        decided_at=record.now if record else 0,
        sees=_sees(record) if record else None,
        standing=tuple(_standing(account, now)),
        moves=(*ledger.moves(), *attaches),
        operations=operations,
        writes=tuple(
            knob.write
            for _, knob in sorted(ledger.memory().knobs.items())
            if knob.write is not None and knob.write.at >= now - last_s
        ),
        unwell=tuple(_unwell(account, record, operations, now)),
    )


def _sees(record: Record) -> Sees:
    held = Counter(one.reason for one in record.held)
    return Sees(
        models=len(record.homes),
        homes=sum(len(homes) for homes in record.homes.values()),
        usd_per_hour=record.spend.now_usd_per_hour,
        commit=record.config_commit,
        held=tuple(held.most_common()),
    )


def _standing(account: Deployed, now: int) -> Iterator[Standing]:
    for signal in account.rehearsal.ledger.signals(now):
        yield Standing(str(signal.kind), signal.scope, signal.until, signal.who, signal.why)
    try:
        config, _ = account.rehearsal.config.current()
    except BadFleetFile:
        return
    yield from _of_file(config, now)
    for name in frozen_by(account.rehearsal, config, now):
        yield Standing("freeze", "*", 0, "fleet.yaml", f"safety.freeze: {name}")


def _of_file(config: Config, now: int) -> Iterator[Standing]:
    """Holds that fleet.yaml says, under the key that says them."""
    models = (*config.names.items(), *config.globs)
    holds = [(name, model.hold) for name, model in models]
    holds += [(f"pool {name}", pool.hold) for name, pool in config.pools.items()]
    for name, hold in holds:
        if hold is not None and now < hold.until:
            yield Standing("hold", name, hold.until, "fleet.yaml", hold.why)


def _unwell(account: Deployed, record: Record | None, operations: tuple[Operation, ...], now: int) -> Iterator[str]:
    if record is None:
        yield "no decision is recorded; upload a fleet.yaml (output UploadFleetFile), and see decide's log"
    elif now - record.now > SILENT_S:
        yield f"decide is silent for {duration(now - record.now)}; nothing scales, see decide's log"
    for name in _ringing(account):
        yield f"alarm {name} is in ALARM; docs/operate.md says what to do"
    failed = Counter(one.why for one in operations if one.outcome in {"failed", "unanswered"})
    for why, count in failed.most_common():
        yield f"{count} changes failed: {why}" if count > 1 else f"a change failed: {why}"


def _ringing(account: Deployed) -> list[str]:
    """The stack's own alarms that are in ALARM, without those that only wake decide."""
    with calling("DescribeAlarms", account.name):
        pages = account.clients.get("cloudwatch").get_paginator("describe_alarms")
        found = [
            str(alarm["AlarmName"])
            for page in pages.paginate(AlarmNamePrefix=f"{account.name}-", StateValue="ALARM")
            for alarm in page.get("MetricAlarms", ())
        ]
    return sorted(name for name in found if not any(word in name for word in WAKES))
