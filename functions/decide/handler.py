"""Looks at the whole fleet and records one decision: every minute, and whenever anything says look now."""

from __future__ import annotations

from typing import Any

from tidepool import wiring
from tidepool.aws.events import AlarmAction, Tick, parse
from tidepool.aws.heed import heed
from tidepool.aws.metrics import Metric, of_decision
from tidepool.errors import BadFleetFile
from tidepool.runtime.decide import decide

SHOWN_REASONS = 10
"""As many reasons go into the log's one line a run; the record has all of them."""


@wiring.observed
def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """One decision, or the word why none was needed. An event that nobody knows is raised: a dead letter."""
    wake, now = parse(event), wiring.clock()
    if isinstance(wake, Tick) and wake.late(now):
        wiring.count(Metric.LATE_TICK)
        return {"woken_by": wake.source, "dropped": f"{now - wake.at} s late"}
    ports = wiring.ports(judges=True)
    try:
        woken_by = heed(wake, ports, wiring.freeze_alarms(), now=now)
    except BadFleetFile as error:
        # Told already, with every problem; the last good file stays in force and the next tick decides by it.
        return {"woken_by": "fleet.yaml", "refused": len(error.problems)}
    decision = decide(ports, now, asked_at=wake.at, thorough=isinstance(wake, AlarmAction), later=wiring.clock)
    if decision is None:
        return {"woken_by": woken_by, "decided": "no need: another holds the lease or has seen it, or no file"}
    config = wiring.fleet_file(judges=True).known
    budget = config.money.budget_usd_per_hour if config else None
    wiring.count_all(of_decision(decision, budget_usd_per_hour=budget))
    return {
        "woken_by": woken_by,
        "at": decision.now,
        "asked": len(decision.changes),
        "held": len(decision.held),
        "because": [change.because for change in decision.changes[:SHOWN_REASONS]],
    }
