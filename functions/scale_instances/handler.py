"""Sets a dedicated endpoint's instances or its autoscaling, or a pool's bounds: looks again, acts once, records."""

from __future__ import annotations

from typing import Any

from tidepool import wiring
from tidepool.aws.events import change_asked
from tidepool.plan.change import ScaleInstances, SetAutoscaling, SetBounds
from tidepool.runtime.carry_out import carry_out


@wiring.observed
def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """What became of the change: done, already, superseded, busy or failed."""
    change = change_asked(event, ScaleInstances, SetBounds, SetAutoscaling)
    return wiring.once(lambda: carry_out(wiring.ports(), change, wiring.clock()).outcome, change, context)
