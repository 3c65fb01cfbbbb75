"""What a record says of reservations that are read: where fleet.yaml says otherwise, and what nobody can act on."""

from __future__ import annotations

from collections.abc import Iterator

from tidepool.config.types import Config, Reserved
from tidepool.decision.record import Step
from tidepool.decision.reserved import LEAVE_S, reserved_by
from tidepool.fleet import Endpoint, EndpointKind, Fleet
from tidepool.plan.render import moment
from tidepool.units import DAY_S

UNREAD = "a reservation that cannot be read"
CONTRADICTED = "what fleet.yaml writes"
"""Limits of these steps."""


def reservation_steps(fleet: Fleet, config: Config, now: int) -> tuple[Step, ...]:
    """In every record while it lasts. `config` as it is written."""
    written = {pool.endpoint: pool.reserved for pool in config.pools.values()}
    bound = (endpoint for endpoint in fleet.endpoints.values() if endpoint.reservation)
    return tuple(step for endpoint in bound for step in _of(endpoint, written.get(endpoint.name), now))


def _of(endpoint: Endpoint, written: Reserved | None, now: int) -> Iterator[Step]:
    read, arn = reserved_by(endpoint), endpoint.reservation
    if read is None:
        if written is None:
            hint = "write `reserved: {instances, until}` at its pool" if endpoint.kind is EndpointKind.POOL else ""
            because = f"nobody could read when {arn} ends: it counts for nothing{f' ({hint})' if hint else ''}"
            yield Step("reserved", endpoint.name, "unknown", "nothing", because, UNREAD)
    elif written is not None and contradicts(written, read):
        because = f"fleet.yaml's word counts, and {arn} says otherwise: correct `reserved` at its pool, or delete it"
        yield Step("reserved", endpoint.name, _words(read), _words(written), because, CONTRADICTED)
    if read is not None and endpoint.kind is EndpointKind.DEDICATED and now >= read.until - LEAVE_S:
        because = f"{arn} ends, and then it stops serving: update it to a config without CapacityReservationConfig"
        yield Step("reserved", endpoint.name, _words(read), "nothing", because)


def contradicts(written: Reserved, read: Reserved) -> bool:
    """Other machines, or another day. A date that is written without a time is that day's beginning."""
    return written.instances != read.instances or not 0 <= read.until - written.until < DAY_S


def _words(reserved: Reserved) -> str:
    return f"{reserved.instances} until {moment(reserved.until)}"
