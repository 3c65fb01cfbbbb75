"""Looks at the whole fleet and records one decision: every minute, and whenever anything says look now."""

from __future__ import annotations

from typing import Any

from tidepool import wiring
from tidepool.aws.events import Tick, parse
from tidepool.aws.heed import heed
from tidepool.errors import BadFleetFile
from tidepool.runtime.decide import decide


@wiring.observed
def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """One decision, or the word why none was needed. An event that nobody knows is raised: a dead letter."""
    wake, now = parse(event), wiring.clock()
    if isinstance(wake, Tick) and wake.late(now):
        wiring.count("LateTick")
        return {"woken_by": wake.source, "dropped": f"{now - wake.at} s late"}
    ports = wiring.ports(judges=True)
    try:
        woken_by = heed(wake, ports, wiring.freeze_alarms(), now=now)
    except BadFleetFile as error:
        # Told already, with every problem; the last good file stays in force and the next tick decides by it.
        return {"woken_by": "fleet.yaml", "refused": len(error.problems)}
    decision = decide(ports, now, asked_at=wake.at, later=wiring.clock)
    if decision is None:
        return {"woken_by": woken_by, "decided": "no need: another holds the lease or has seen it, or no file"}
    wiring.count("Decision")
    wiring.count("ChangeAsked", len(decision.changes))
    wiring.count("ChangeHeld", len(decision.held))
    return {"woken_by": woken_by, "at": decision.now, "asked": len(decision.changes), "held": len(decision.held)}
