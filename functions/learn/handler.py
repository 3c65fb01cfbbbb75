"""Each hour: what the past says goes into the profiles, and the burst alarms are as fleet.yaml asks."""

from __future__ import annotations

from typing import Any

from tidepool import wiring
from tidepool.aws.events import tick_of
from tidepool.aws.metrics import Metric, of_learned
from tidepool.errors import BadFleetFile
from tidepool.runtime.learn import learn


@wiring.observed
def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """How many models have a profile now."""
    tick, now = tick_of(event, "tidepool.learn-tick"), wiring.clock()
    if tick.late(now):
        wiring.count(Metric.LATE_TICK)
        return {"woken_by": tick.source, "dropped": f"{now - tick.at} s late"}
    told = wiring.environment()
    try:
        # Without decide's address an alarm would wake nobody, so none is made.
        learned = learn(wiring.ports(), now, alarm_prefix=told.alarm_prefix if told.decide_arn else "")
    except BadFleetFile:
        return {"woken_by": tick.source, "learned": "nothing: no fleet.yaml is in force yet"}
    wiring.count_all(of_learned(learned))
    return {"woken_by": tick.source, "models": len(learned.models), "until": learned.until}
