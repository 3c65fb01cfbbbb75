"""The day that Tidepool's own cost is measured on: a seeded fleet through the deployed handlers, on the twin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tidepool.units import HOUR_S
from tidepool_lab.cost.bill import Bill, bill
from tidepool_lab.cost.meter import metered
from tidepool_lab.embedded.rig import Rig
from tidepool_lab.embedded.template import read
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.arrivals import TraceArrivals
from tidepool_lab.inputs.clock import DAY_MINUTES, EPOCH_S
from tidepool_lab.inputs.fleetyaml import fleet_yaml
from tidepool_lab.inputs.prepare import prepare
from tidepool_lab.inputs.shipped import shipped_week
from tidepool_lab.rivals.policy import START_MINUTES, create_pools, place_components
from tidepool_lab.twin.cloud import Cloud

TEMPLATE = Path(__file__).parents[3] / "template.yaml"
DAY = 2
"""Wednesday: two days lie before it for learn to read."""
STEP_S = 600
"""Progress is told this often."""


def own_cost(*, models: int, hours: int, seed: int, progress: Callable[[str, int, int], None]) -> Bill:
    """A month's bill of Tidepool with every hand, as these hours of that many models say."""
    fleet, trace, _ = shipped_week(models=models, minutes=(DAY + 1) * DAY_MINUTES)
    prepared = prepare(trace, fleet, seed=seed)
    first = DAY * DAY_MINUTES
    start_s = EPOCH_S + first * 60
    until_s = start_s + hours * HOUR_S
    arrivals = TraceArrivals(prepared.models, prepared.counts, seed=seed)
    cloud = Cloud(account_of(fleet), arrivals, seed=seed, start_s=start_s)
    create_pools(cloud, fleet)
    place_components(cloud, fleet, prepared.counts[first : first + START_MINUTES])
    text = _with_its_own_limits(fleet_yaml(fleet))
    source = read(TEMPLATE)
    dashboards = sum(of["Type"] == "AWS::CloudWatch::Dashboard" for of in source["Resources"].values())
    hands = {"Hands": "moves"}
    with Rig(cloud, template=TEMPLATE, parameters=hands, fleet_yaml=text, source=source) as rig, metered() as used:
        for at in range(start_s, until_s, STEP_S):
            progress("tidepool", at - start_s, until_s - start_s)
            rig.run_to(at + STEP_S)
        managed = cloud.figures(start_s, until_s).cost_usd
        return bill(used, rig, dashboards=dashboards, models=models, hours=hours, fleet_usd=managed)


def _with_its_own_limits(text: str) -> str:
    """Without the bench's `safety`, which lets everything go at once: Tidepool runs with the limits that it has."""
    lines = text.splitlines(keepends=True)
    start = lines.index("safety:\n")
    end = next(i for i in range(start + 1, len(lines)) if not lines[i].startswith(" "))
    return "".join(lines[:start] + lines[end:])
