"""Every call that a deployed handler makes is one that its role allows."""

from __future__ import annotations

import copy

import pytest

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


@pytest.mark.parametrize(
    ("role", "sid", "action"),
    [
        ("DecideRole", "StoreDecisions", "s3:PutObject"),
        ("ScaleCopiesRole", "SetCopies", "sagemaker:UpdateInferenceComponentRuntimeConfig"),
        ("LearnRole", "KeepWhatWasLearned", "s3:PutObject"),
        ("ReportRole", "KeepReports", "s3:PutObject"),
    ],
)
def test_a_statement_taken_from_its_role_is_missed_by_that_role_alone(role: str, sid: str, action: str) -> None:
    """A sample of `make prove-permissions`, which takes each one out of a deployed stack."""
    source = copy.deepcopy(template.read(ROOT / "template.yaml"))
    documents = [policy["PolicyDocument"] for policy in source["Resources"][role]["Properties"]["Policies"]]
    (found,) = [(of, one) for of in documents for one in of["Statement"] if one["Sid"] == sid]
    found[0]["Statement"].remove(found[1])
    cloud = a_cloud({"up": [30] * 5 + [300] * 10}, past=50)
    with Rig(
        cloud, template=ROOT / "template.yaml", parameters={"Hands": "moves"}, source=source, fleet_yaml=FLEET
    ) as rig:
        rig.run_to(START_S + 660)
        rig.fire("ReportFunction")
        missed = {(call.function, call.action) for call in rig.denied()}
    assert missed == {(role.replace("Role", "Function"), action)}
