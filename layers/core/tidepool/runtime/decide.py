"""One wake of decide: take the lease, look at the world, decide purely, store the record, send changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tidepool.config.types import Config
from tidepool.decision import pipeline
from tidepool.decision.pipeline import Ahead
from tidepool.decision.record import Decision
from tidepool.errors import BadFleetFile
from tidepool.fleet import Fleet
from tidepool.memory import Memory
from tidepool.move.overdue import standing_still
from tidepool.report.entries import sample
from tidepool.runtime.left_out import remembered, tell_left_out, with_left_out
from tidepool.runtime.observe import observe
from tidepool.runtime.ports import Lease, Ports
from tidepool.runtime.reading import asks_all
from tidepool.runtime.writers import heed_writers, newly_scaled

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
    asked_at: int | None = None,
    thorough: bool = True,
    later: Callable[[], int] | None = None,
    timed: list[float] | None = None,
    perf: Callable[[], float] | None = None,
) -> Decision | None:
    """A decision is recorded and its changes are on the bus; None when nobody needs one.

    Nobody does when another holds the lease, when no file is in force, or when a decision has been made at or after
    `asked_at` (the event's time; `now` without it): that one has seen what the event speaks of. Who finds the lease
    taken leaves a note, and the holder looks once more before it goes, at the time that `later` then gives. So a
    hundred alarms at once cost one decision, two at most. A look that is not `thorough` need not ask of every model
    (runtime/reading.py), and has not seen what an alarm speaks of.

    `timed` collects the seconds (of `perf`) that each pure decision took. Any error of a read goes through: nothing is
    stored and nothing is sent.
    """

    def purely(fleet: Fleet, config: Config, memory: Memory, at: int, commit: str) -> Decision:
        began = perf() if perf else 0.0
        decision = pipeline.decide(fleet, config, memory, at, commit=commit, ahead=ahead, dial=dial)
        if perf and timed is not None:
            timed.append(perf() - began)
        return decision

    decision, asked_again = _under_lease(
        ports, purely, now, asked_at=now if asked_at is None else asked_at, thorough=thorough
    )
    if asked_again and later:
        again = later()
        # Who asks during the second look is answered by the next tick; a third look here could go on for ever.
        second, _ = _under_lease(ports, purely, again, asked_at=again, thorough=True)
        decision = second or decision
    return decision


Purely = Callable[[Fleet, Config, Memory, int, str], Decision]


def _under_lease(
    ports: Ports, purely: Purely, now: int, *, asked_at: int, thorough: bool
) -> tuple[Decision | None, bool]:
    """(the decision, whether somebody asked to look again meanwhile)."""
    lease = ports.ledger.lease(now, LEASE_S)
    if lease is None:
        return None, False
    try:
        decision = _look(ports, lease, purely, now, asked_at=asked_at, thorough=thorough)
    except BaseException:
        # The lease goes back whatever happened: the next tick is at most a minute away.
        ports.ledger.release(lease, now)
        raise
    return decision, ports.ledger.release(lease, now)


def _look(ports: Ports, lease: Lease, purely: Purely, now: int, *, asked_at: int, thorough: bool) -> Decision | None:
    try:
        config, commit = ports.config.current()
    except BadFleetFile:
        return None
    memory = ports.ledger.memory()
    if (memory.asked_all if thorough else memory.at) >= asked_at:
        return None
    thorough = thorough or asks_all(memory, now)
    fleet = observe(ports, config, now, memory, thorough=thorough)
    fleet = with_left_out(ports, fleet, config, now)
    still = {**fleet.standing_still, **standing_still(ports.ledger.attaches(), now)}
    fleet = heed_writers(ports, replace(fleet, standing_still=still), config, memory, now)
    decision = purely(fleet, config, memory, now, commit)
    if decision.changes and newly_scaled(ports, fleet):
        decision = purely(heed_writers(ports, fleet, config, memory, now), config, memory, now, commit)
    after = remembered(decision.memory, fleet, memory)
    decision = replace(decision, memory=replace(after, asked_all=now) if thorough else after)
    # The record first: a change that no record explains must not exist. If this dies before the send, the next tick
    # sees the same world and asks again.
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
    tell_left_out(ports, fleet, memory, now)
    if decision.changes:
        ports.bus.send(decision.changes, decision_key=key, now=now)
    return decision
