"""Every call that a deployed handler makes is one that its role allows."""

from __future__ import annotations

import copy

from seams.both import FLEET, a_rig
from seams.world import ROOT, START_S, a_cloud
from tidepool_lab.embedded import template
from tidepool_lab.embedded.permissions import Asked
from tidepool_lab.embedded.rig import Rig


def a_lively_hour(rig: Rig) -> None:
    rig.run_to(START_S + 300)
    rig.upload(FLEET.replace("20m", "25m"), commit="next")
    rig.run_to(START_S + 1800)
    rig.fire("ReportFunction")
    rig.fire("LearnFunction")


def test_no_function_asks_for_more_than_its_role_allows() -> None:
    cloud = a_cloud({"up": [30] * 5 + [300] * 40, "zero": [0, 0, 3]}, copies={"up": 1, "zero": 0}, past=50)
    with a_rig(cloud) as rig:
        a_lively_hour(rig)
        assert [h for h in rig.happened if h.kind in {"failed", "undelivered"}] == []
        assert rig.denied() == []
        assert {call.function for call in rig.asked} == {
            "DecideFunction",
            "ScaleCopiesFunction",
            "MoveModelsFunction",
            "LearnFunction",
            "ReportFunction",
        }


def test_a_permission_taken_from_the_template_is_missed() -> None:
    source = copy.deepcopy(template.read(ROOT / "template.yaml"))
    statements = source["Resources"]["ReadFleetPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    metrics = next(s for s in statements if "cloudwatch:GetMetricData" in s["Action"])
    metrics["Action"].remove("cloudwatch:GetMetricData")
    cloud = a_cloud({"a": [5] * 10})
    with Rig(cloud, template=ROOT / "template.yaml", source=source, fleet_yaml=FLEET) as rig:
        rig.run_to(START_S + 120)
        functions = {call.function for call in rig.denied()}
        assert {call.action for call in rig.denied()} == {"cloudwatch:GetMetricData"}
        assert functions == {"DecideFunction", "LearnFunction"}
        assert Asked("DecideFunction", "cloudwatch:GetMetricData", "") in rig.denied()
