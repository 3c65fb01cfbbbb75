"""Each day: what was decided and done, what it cost and saved, as one page in the bucket."""

from __future__ import annotations

from typing import Any

from tidepool import wiring
from tidepool.aws.events import tick_of
from tidepool.aws.metrics import Metric
from tidepool.errors import BadFleetFile
from tidepool.runtime.report import report


@wiring.observed
def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """How large the page is; it lies under reports/ by its day."""
    tick, now = tick_of(event, "tidepool.report-tick"), wiring.clock()
    if tick.late(now):
        wiring.count(Metric.LATE_TICK)
        return {"woken_by": tick.source, "dropped": f"{now - tick.at} s late"}
    try:
        page = report(wiring.ports(), now, source=f"SageMaker in {wiring.clients().region}")
    except BadFleetFile:
        return {"woken_by": tick.source, "reported": "nothing: no fleet.yaml is in force yet"}
    return {"woken_by": tick.source, "bytes": len(page)}
