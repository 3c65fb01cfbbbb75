"""One wake of decide: take the lease, look at the world, decide purely, store the record, send changes."""

from __future__ import annotations

from collections.abc import Callable

from tidepool.decision import pipeline
from tidepool.decision.pipeline import Ahead
from tidepool.decision.record import Decision
from tidepool.errors import BadFleetFile
from tidepool.report.entries import sample
from tidepool.runtime.observe import observe
from tidepool.runtime.ports import Lease, Ports

LEASE_S = 90
"""Longer than the function's timeout (60 s in template.yaml), so that a live holder never loses it; shorter
than two ticks, so that a holder that died costs one tick and not more."""

SAMPLE_S = 600
"""One sample of the fleet each 10 minutes is kept for the daily report: 144 points draw a day. Ours."""


def decide(
    ports: Ports,
    now: int,
    *,
    ahead: Ahead | None = None,
    dial: float = 1.0,
    later: Callable[[], int] | None = None,
    timed: list[float] | None = None,
    perf: Callable[[], float] | None = None,
) -> Decision | None:
    """A decision is recorded and its changes are on the bus; None when another decides, or no file is in
    force.

    Who finds the lease taken leaves a note, and the holder looks once more before it goes: a hundred alarms
    at once cost two looks. `later` gives the time of that second look. `timed` collects the seconds (of
    `perf`) that each pure decision took. Any error of a read goes through: nothing is stored and nothing is
    sent.
    """
    lease = ports.ledger.lease(now, LEASE_S)
    if lease is None:
        return None
    asked_again = False
    try:
        decision = _look(ports, lease, now, ahead=ahead, dial=dial, timed=timed, perf=perf)
    finally:
        # The lease goes back whatever happened. After an error the next tick is at most a minute away.
        asked_again = ports.ledger.release(lease, now)
    if not asked_again:
        return decision
    again = later() if later else now
    second = ports.ledger.lease(again, LEASE_S)
    if second is None:
        return decision
    try:
        return _look(ports, second, again, ahead=ahead, dial=dial, timed=timed, perf=perf)
    finally:
        # Who asks during the second look is answered by the next tick; a third look here could go on for
        # ever.
        ports.ledger.release(second, again)


def _look(
    ports: Ports,
    lease: Lease,
    now: int,
    *,
    ahead: Ahead | None,
    dial: float,
    timed: list[float] | None,
    perf: Callable[[], float] | None,
) -> Decision | None:
    try:
        config, commit = ports.config.current()
    except BadFleetFile:
        return None
    fleet = observe(ports, config, now)
    memory = ports.ledger.memory()
    began = perf() if perf else 0.0
    decision = pipeline.decide(fleet, config, memory, now, commit=commit, ahead=ahead, dial=dial)
    if perf and timed is not None:
        timed.append(perf() - began)
    # The record first: a change that no record explains must not exist. If this dies before the send, the
    # next tick sees the same world and asks again.
    key = ports.ledger.save_decision(decision, lease)
    if now // SAMPLE_S != memory.at // SAMPLE_S:
        ports.ledger.save_sample(
            sample(
                fleet.endpoints,
                fleet.components,
                accelerators={name: found.accelerators for name, found in fleet.instance_types.items()},
                at=now,
                usd_per_hour=decision.spend.now_usd_per_hour,
                dedicated_usd_per_hour=decision.spend.dedicated_usd_per_hour,
            )
        )
    if decision.changes:
        ports.bus.send(decision.changes, decision_key=key, now=now)
    return decision
