"""`doctor` where others write too, where machines are reserved, and where a stack decides."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from builders.adopted import START_S, an_account, autoscaled, aws, reserved
from builders.doctoring import RUN, WATCH, about, run
from tidepool.units import DAY_S

FLOOR, ADOPT = (f"{RUN}writers: {{autoscaling: {mode}}}\n" for mode in ("floor", "adopt"))


@pytest.fixture(autouse=True)
def place(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_a_used_up_quota_another_scaler_and_other_writers_are_found() -> None:
    with an_account(quota=1) as world:
        autoscaled()
        aws("sagemaker").update_inference_component_runtime_config(
            InferenceComponentName="evals", DesiredRuntimeConfig={"CopyCount": 2}
        )
        world.rig.trail.put("UpdateEndpoint", "shared", who="gha-deploy", agent="HashiCorp Terraform/1.9")
        world.rig.trail.put("UpdateEndpoint", "shared", who="decide", agent="Boto3 tidepool/0.1.0")
        quotas = about("quotas")
        assert quotas[0][0] == "wrong" and quotas[0][1] == "ml.p4d.24xlarge: all 1 are in use, so nothing can grow"
        left, floored, adopted = (about("autoscaling", fleet=fleet)[0] for fleet in (RUN, FLOOR, ADOPT))
        assert {state for state, _, _ in (left, floored, adopted)} == {"note"}
        assert "chat between 1 and 6, so Tidepool leaves its count alone" in left[1]
        assert "sets its minimum" in floored[1] and "suspends it" in adopted[1]
        state, said, fix = about("autoscaling", fleet=RUN.replace("class: standard", "min_copies: 8"))[0]
        assert state == "wrong" and "below min_copies 8 of chat" in said
        aws("application-autoscaling").register_scalable_target(**_command(fix))
        assert about("autoscaling", fleet=RUN)[0][1] == "nothing to do"
        writers = [said for _, said, _ in about("other writers")]
        assert [said.split(" wrote")[0] for said in writers] == ["gha-deploy", "kim"]
        assert "by Terraform: shared" in writers[0] and "evals" in writers[1]
        known = WATCH + "writers: {deploys: {principals: [role/gha-deploy]}}\n"
        assert len(about("other writers", fleet=known)) == 1


def _command(fix: str) -> dict[str, Any]:
    """The arguments of the fix's own command, as boto3 takes them."""
    words = fix.split("register-scalable-target ")[1].split()
    given = dict(zip(words[::2], words[1::2], strict=True))
    pauses = dict(pair.split("=") for pair in given.pop("--suspended-state").split(","))
    named = {"".join(part.title() for part in option[2:].split("-")): value for option, value in given.items()}
    return {**named, "SuspendedState": {name: value == "true" for name, value in pauses.items()}}


@pytest.mark.parametrize(
    ("days", "written", "states"),
    [
        (5, "", ["note"]),
        (60, "reserved: {then: main, instances: 1, until: UNTIL}", ["note"]),
        (60, "reserved: {instances: 2, until: UNTIL}", ["wrong", "note"]),
        (60, "reserved: {instances: 1, until: 2026-12-01}", ["wrong", "note"]),
    ],
    ids=["unwritten", "written", "other machines", "another day"],
)
def test_a_reservation_is_read_and_what_fleet_yaml_writes_against_it_is_wrong(
    days: int, written: str, states: list[str]
) -> None:
    with an_account() as world:
        reserved(world, ends_s=START_S + days * DAY_S)
        until = f"{datetime.fromtimestamp(START_S + days * DAY_S, UTC):%Y-%m-%d}"
        line = f"h100: {{endpoint: reserved, {written.replace('UNTIL', until)}}}"
        found = about("reservations", fleet=WATCH.replace("pools: {", f"pools: {{{line}, "))
        assert [state for state, _, _ in found] == states
        to = "main" if "then" in written else "where they cost least"
        ends = f"reserved: h100s ends {until}, and then it stops serving"
        assert found[-1][1] == f"{ends}; its models go to {to} before"


def test_what_cannot_leave_a_reservation_that_ends_soon_is_wrong() -> None:
    with an_account() as world:
        reserved(world, ends_s=START_S + 5 * DAY_S)
        world.rig.run_to(world.now + 300)
        tags = {"model": "chat", "tidepool:managed": "true"}
        world.cloud.create_component("stuck", "reserved", model="chat", copies=1, tags=tags, settled=True)
        fleet = WATCH.replace("pools: {", "pools: {h100: {endpoint: reserved}, ").replace(", route: {via: table}", "")
        ((state, said, fix),) = about("reservations", fleet=fleet)
        assert state == "wrong" and said.endswith("cannot leave it: chat (its callers follow no route)")
        assert "extend the plan" in fix


def test_the_stacks_own_file_and_its_last_tick_are_looked_at() -> None:
    with an_account(hands="copies", fleet=WATCH) as world:
        assert run(fleet="", stack="tidepool").exit_code == 0
        assert about("last tick", fleet="", stack="tidepool")[0][0] == "well"
        world.cloud.run_to(world.now + 1200)
        world.rig._move(world.now)
        ((state, said, _),) = about("last tick", fleet="", stack="tidepool")
        assert state == "wrong" and said.startswith("stack tidepool decided")
