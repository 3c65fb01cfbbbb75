"""Sets one component's copies, or its autoscaling: looks again, acts once, records."""

from __future__ import annotations

from typing import Any

from tidepool import wiring
from tidepool.aws.events import change_asked
from tidepool.plan.change import ScaleCopies, SetAutoscaling
from tidepool.runtime.carry_out import carry_out


@wiring.observed
def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """What became of the change: done, already, superseded, busy or failed."""
    change = change_asked(event, ScaleCopies, SetAutoscaling)
    return wiring.once(lambda: carry_out(wiring.ports(), change, wiring.clock()).outcome, change, context)
