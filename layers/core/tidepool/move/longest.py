"""How long one request of a model may run, from what its source showed. A drain waits longer than that.

ModelLatency holds the whole answer of InvokeEndpoint. Whether of a stream it ends with the first or the last byte AWS's
pages do not say. But a stream is in flight until its last byte, so that none took longer than the longest time in which
something always was. Of both the larger is right whichever way ModelLatency counts.
"""

from __future__ import annotations

import numpy as np

from tidepool.fleet import Evidence
from tidepool.fleet.demand import Values
from tidepool.units import DAY_S, MINUTE_S, rounded

LOOK_BACK_S = 15 * DAY_S
"""CloudWatch keeps 60-second datapoints for 15 days (AWS documentation, GetMetricData)."""
HOURS_LEAST = 24
"""Hours with answers from which anything is learned: a day, with its longest requests. Ours."""
ROOM = 1.5
"""The next request may take longer than any before, by this much. Ours."""
STREAM_S = 480
"""InvokeEndpointWithResponseStream answers within 8 minutes (AWS API reference)."""


def longest_s(extremes: Evidence, *, stream: bool) -> float:
    """Seconds; 0.0 = too little was seen to say. `extremes` as runtime.ports.Metrics gives them."""
    answers = extremes.latency_ms.values[np.isfinite(extremes.latency_ms.values)]
    if len(answers) < HOURS_LEAST:
        return 0.0
    answered = float(answers.max()) / 1000 * ROOM
    if not stream:
        return rounded(answered)
    # A run of n busy minutes may have begun and ended anywhere in the two minutes around it.
    busy = (_longest_run(extremes.concurrency.values) + 2) * MINUTE_S
    return rounded(max(answered, min(busy, STREAM_S)))


def _longest_run(in_flight: Values) -> int:
    """The most minutes on end with anything in flight; one about which nothing is known may have been such a minute."""
    longest = run = 0
    for quiet in (in_flight == 0).tolist():
        run = 0 if quiet else run + 1
        longest = max(longest, run)
    return longest
