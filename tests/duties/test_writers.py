"""One writer per knob, purely: who set a count; what is restored, kept, left alone, floored, adopted, handed back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders import NOW, a_component, a_config, a_fleet, a_model, a_pool, evidence
from tidepool.config.types import Config, Rung, Writers
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision
from tidepool.fleet import EndpointKind, Fleet, Noted, ScalingTarget, Signal, SignalKind, Taken, Write, Writer
from tidepool.fleet.writers import PAUSED
from tidepool.guard.writers import ANY, ASKED_S, NEW_S, after_tick, foreign_writes
from tidepool.memory import Knob, Memory, Minute, ModelMemory
from tidepool.plan.change import ScaleCopies, SetAutoscaling

RESOURCE = "inference-component/a"
DEPLOYS = Writers(deploy_principals=("role/gha-deploy",))
CI = "arn:aws:iam::111122223333:role/gha-deploy"
AUTOSCALER = (
    "arn:aws:iam::111122223333:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)


FOUR = Knob(4, "model-a")


def written(copies: int = 2, knob: Knob = FOUR, **changes: Any) -> tuple[Write, ...]:
    """What is taken for a foreign write when the last tick saw `knob` and now `copies` are wanted."""
    config = changes.pop("config", a_config(writers=DEPLOYS))
    at = changes.pop("now", NOW)
    had = {"a": changes.pop("had", 4)}
    fleet = a_fleet(components=[a_component(copies=copies)], **changes)
    return foreign_writes(fleet, config, {"a": knob}, at, had=had)


def noted(principal: str, at: int = NOW - 20, **changes: Any) -> tuple[Noted, ...]:
    return (Noted("1", "a", at, principal, **changes),)


def scaler(minimum: int = 1, maximum: int = 10, suspended: str = "") -> ScalingTarget:
    return ScalingTarget(RESOURCE, "a", minimum, maximum, suspended)


@pytest.mark.parametrize(
    ("changes", "writer"),
    [
        ({}, Writer.PERSON),
        ({"knob": Knob(4, "model-a-v1")}, Writer.DEPLOY),
        ({"scalers": {"a": scaler()}}, Writer.AUTOSCALING),
        ({"scalers": {"a": scaler(suspended=PAUSED)}}, Writer.PERSON),
        ({"scalers": {"a": scaler(maximum=1)}}, Writer.PERSON),
        ({"had": 2}, Writer.SAGEMAKER),
        ({"had": 3}, Writer.PERSON),
        ({"had": 2, "noted": noted("arn:aws:iam::1:user/kim")}, Writer.PERSON),
        ({"noted": noted(CI)}, Writer.DEPLOY),
        ({"noted": noted("arn:aws:iam::1:role/x", service="cloudformation.amazonaws.com")}, Writer.DEPLOY),
        ({"noted": noted(AUTOSCALER), "knob": Knob(4, "v1")}, Writer.AUTOSCALING),
        ({"noted": noted("arn:aws:iam::1:user/kim"), "knob": Knob(4, "v1")}, Writer.PERSON),
        ({"noted": noted("arn:aws:iam::1:role/not-gha-deploy")}, Writer.PERSON),
        ({"noted": noted(CI, at=NOW - 600)}, Writer.PERSON),
    ],
)
def test_the_writer_is_who_cloudtrail_names_else_what_the_change_itself_says(
    changes: dict[str, Any], writer: Writer
) -> None:
    (write,) = written(**changes)
    assert (write.writer, write.before, write.after, write.at) == (writer, 4, 2, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"copies": 4},
        {"knob": Knob(4, "model-a", asked=((NOW - ASKED_S, 2),))},
        {"noted": noted("role", agent="Boto3 tidepool-change/0123456789abcdef")},
        {"moving": {"a": ("tidepool-a",)}},
        {"config": a_config(a_model(act=Rung.WATCH))},
        {"config": a_config(a_model("b"))},
    ],
)
def test_what_is_ours_or_nobodys_to_judge_is_no_foreign_write(changes: dict[str, Any]) -> None:
    assert written(**changes) == ()


def test_a_change_of_ours_that_arrives_late_is_ours_and_after_five_minutes_no_more() -> None:
    first = decide(busy(), a_config(), Memory.empty(), NOW)
    (change,) = first.changes
    assert isinstance(change, ScaleCopies) and first.memory.knobs["a"].asked == ((NOW, ANY), (NOW, change.copies_to))
    later = a_fleet(components=[a_component(copies=change.copies_to)])
    assert foreign_writes(later, a_config(), first.memory.knobs, NOW + 60) == ()
    held = a_fleet(signals=(Signal(SignalKind.HOLD, "a", NOW, NOW + 3600, "kim", "audit"),))
    idle = decide(held, a_config(), first.memory, NOW + ASKED_S + 60)
    assert idle.memory.knobs["a"].asked == ()


def test_a_first_guess_is_corrected_when_cloudtrail_tells_and_only_once() -> None:
    (guess,) = written()
    knob = Knob(2, "model-a", write=guess)
    (better,) = written(knob=knob, noted=noted(CI), now=NOW + 300)
    assert (better.writer, better.who, better.corrects, better.at) == (Writer.DEPLOY, CI, Writer.PERSON, NOW)
    assert written(knob=replace(knob, write=better), noted=noted(CI), now=NOW + 360) == ()
    assert written(knob=knob, noted=noted(CI, at=NOW + 100), now=NOW + 300) == (), "that was another call"


def test_a_count_that_a_move_set_in_its_last_breath_is_nobodys() -> None:
    """Read as 4 before the move shrank its source, and the move as ended after it."""
    fleet = a_fleet(components=[a_component(copies=4)])
    first = after_tick(fleet, {}, (), DEPLOYS, NOW)
    shrunk = a_fleet(components=[a_component(copies=0)])
    assert foreign_writes(shrunk, a_config(), first, NOW + 60) == ()
    second = after_tick(shrunk, first, (), DEPLOYS, NOW + 60)
    (write,) = foreign_writes(fleet, a_config(), second, NOW + 60 + NEW_S)
    assert (write.before, write.after) == (0, 4), "and from then on as ever"


def test_an_endpoint_that_came_back_on_another_config_with_fewer_instances_was_a_deploy() -> None:
    own = a_pool(name="own", kind=EndpointKind.DEDICATED, model="a", config_name="v2", instances_wanted=1)
    fleet = a_fleet(endpoints=[a_pool(), own])
    knobs = {"own": Knob(4, "v1"), "a": Knob(2, "model-a")}
    (write,) = foreign_writes(fleet, a_config(), knobs, NOW)
    assert (write.target, write.writer, write.before, write.after) == ("own", Writer.DEPLOY, 4, 1)


def busy(**changes: Any) -> Fleet:
    """60 in flight: more than two copies serve."""
    component = a_component(copies=changes.pop("copies", 2))
    return a_fleet({"a": evidence(60.0, component.copies_now)}, components=[component], **changes)


def wrote(writer: Writer, before: int, after: int) -> tuple[Write, ...]:
    return (Write("a", "a", writer, "role/gha-deploy", NOW, before, after),)


def copies_to(decision: Decision) -> int | None:
    return next((one.copies_to for one in decision.changes if isinstance(one, ScaleCopies)), None)


def tight(config: Config) -> Config:
    """No money, and one copy a tick."""
    limits = replace(config.safety.limits, copies_per_tick=1)
    return replace(
        config, money=replace(config.money, budget_usd_per_hour=1.0), safety=replace(config.safety, limits=limits)
    )


def test_what_a_deploy_lowered_is_restored_in_one_tick_as_far_as_needed_whatever_limits_bind() -> None:
    usual = copies_to(decide(busy(), a_config(), Memory.empty(), NOW))
    assert usual is not None and usual > 3
    bound = decide(busy(), tight(a_config()), Memory.empty(), NOW)
    restored = decide(busy(writes=wrote(Writer.DEPLOY, 10, 2)), tight(a_config()), Memory.empty(), NOW)
    assert copies_to(bound) in (None, 3) and copies_to(restored) == usual
    assert "from 10 to 2; restored" in restored.changes[0].because
    assert any(step.stage == "writers" and (step.from_, step.to) == (10, 2) for step in restored.steps)
    capped = decide(busy(writes=wrote(Writer.DEPLOY, 3, 2)), tight(a_config()), Memory.empty(), NOW)
    assert copies_to(capped) == 3, "beyond what was there it is a raise like any other"


def test_without_evidence_a_deploys_lowering_is_restored_to_what_was_there() -> None:
    blind = a_fleet({}, writes=wrote(Writer.DEPLOY, 7, 2))
    assert copies_to(decide(blind, a_config(), Memory.empty(), NOW)) == 7
    keep = a_config(writers=Writers(deploy_lowered="keep"))
    assert copies_to(decide(blind, keep, Memory.empty(), NOW)) is None
    assert copies_to(decide(replace(blind, writes=wrote(Writer.PERSON, 7, 2)), a_config(), Memory.empty(), NOW)) is None


def test_a_restoration_that_had_to_wait_is_remembered_for_the_quiet_time_and_no_longer() -> None:
    config = a_config(writers=Writers(deploy_quiet_s=600))
    seen = decide(a_fleet({}, writes=wrote(Writer.DEPLOY, 7, 2)), config, Memory.empty(), NOW)
    assert copies_to(decide(a_fleet({}), config, seen.memory, NOW + 600)) == 7
    assert copies_to(decide(a_fleet({}), config, seen.memory, NOW + 660)) is None


def test_what_a_deploy_raised_is_kept_for_the_quiet_time() -> None:
    config = a_config(writers=Writers(deploy_quiet_s=600))
    calm = a_fleet({"a": evidence(1.0, 8)}, components=[a_component(copies=8)])
    recent = tuple(Minute(NOW - 60 * i, 1.0, 1.0, 0.1) for i in range(30, 0, -1))
    memory = Memory(at=NOW - 60, models={"a": ModelMemory(sizes={"a": 8}, recent=recent, called_at=NOW)})
    lowered = copies_to(decide(calm, config, memory, NOW))
    assert lowered is not None and lowered < 8
    raised = replace(calm, writes=wrote(Writer.DEPLOY, 3, 8))
    assert copies_to(decide(raised, config, memory, NOW)) is None
    given = replace(config, writers=replace(config.writers, deploy_raised="restore"))
    assert copies_to(decide(raised, given, memory, NOW)) == lowered


def scaled(mode: str, fleet: Fleet, *, act: Rung = Rung.RUN) -> Decision:
    return decide(fleet, a_config(a_model(act=act), writers=Writers(autoscaling=mode)), Memory.empty(), NOW)


def autoscaling(decision: Decision) -> list[SetAutoscaling]:
    assert copies_to(decision) is None, "two writers of one count"
    return [one for one in decision.changes if isinstance(one, SetAutoscaling)]


def test_yield_leaves_the_count_and_the_target_alone_and_says_so() -> None:
    decision = scaled("yield", busy(scalers={"a": scaler(1, 10)}))
    assert autoscaling(decision) == []
    (held,) = decision.held
    assert held.reason == "hold" and "sets it (1 to 10), writers.autoscaling is yield" in held.because


def test_a_suspended_target_is_no_writer() -> None:
    assert copies_to(scaled("yield", busy(scalers={"a": scaler(suspended=PAUSED)}))) is not None
    half = scaled("yield", busy(scalers={"a": scaler(suspended="in scheduled")}))
    assert copies_to(half) is None, "it may still scale out"


def test_floor_raises_the_minimum_to_what_is_wanted_within_its_owners_bounds() -> None:
    wanted = copies_to(decide(busy(), a_config(), Memory.empty(), NOW))
    (change,) = autoscaling(scaled("floor", busy(scalers={"a": scaler(1, 10)})))
    assert (change.min_from, change.min_to, change.suspended_to) == (1, wanted, "")
    (capped,) = autoscaling(scaled("floor", busy(scalers={"a": scaler(1, 3)})))
    assert capped.min_to == 3
    assert autoscaling(scaled("floor", a_fleet({}, scalers={"a": scaler()}))) == [], "no evidence, no change"
    assert autoscaling(scaled("floor", busy(scalers={"a": scaler()}), act=Rung.WATCH)) == []


def test_floor_lowers_the_minimum_again_but_never_below_its_owners_and_not_under_a_freeze_or_on_raise() -> None:
    taken = Taken("a", scaler(2), scaler(2), scaler(9), done=True)
    calm = a_fleet(scalers={"a": scaler(9)}, taken={RESOURCE: taken}, components=[a_component(copies=9)])
    calm = replace(calm, evidence={"a": evidence(1.0, 9)})
    recent = tuple(Minute(NOW - 60 * i, 1.0, 1.0, 0.1) for i in range(30, 0, -1))
    memory = Memory(at=NOW - 60, models={"a": ModelMemory(sizes={"a": 9}, recent=recent, called_at=NOW)})
    config = a_config(writers=Writers(autoscaling="floor"))
    (change,) = autoscaling(decide(calm, config, memory, NOW))
    assert change.min_to == 2 and not change.gives_back
    frozen = replace(calm, signals=(Signal(SignalKind.FREEZE, "*", NOW, NOW + 60, "kim", "sev"),))
    assert autoscaling(decide(frozen, config, memory, NOW)) == []
    raising = a_config(a_model(act=Rung.RAISE), writers=Writers(autoscaling="floor"))
    assert autoscaling(decide(calm, raising, memory, NOW)) == []


def test_a_minimum_that_its_owner_changed_is_its_owners_new_minimum() -> None:
    taken = Taken("a", scaler(2), scaler(2), scaler(9), done=True)
    assert taken.owners(scaler(9)) == (2, "") and taken.owners(scaler(5)) == (5, "")
    stopped = replace(taken, done=False)
    assert stopped.owners(scaler(2)) == (2, ""), "our change never arrived"


def test_adopt_suspends_it_and_then_scales_and_does_not_fight_who_resumes_it() -> None:
    (change,) = autoscaling(scaled("adopt", busy(scalers={"a": scaler(1, 10)})))
    assert (change.suspended_from, change.suspended_to, change.min_to) == ("", PAUSED, 1)
    ours = Taken("a", scaler(), scaler(), scaler(suspended=PAUSED), done=True)
    adopted = busy(scalers={"a": scaler(suspended=PAUSED)}, taken={RESOURCE: ours})
    assert copies_to(scaled("adopt", adopted)) is not None
    assert autoscaling(scaled("adopt", replace(adopted, scalers={"a": scaler()}))) == []
    assert autoscaling(scaled("adopt", busy(scalers={"a": scaler()}), act=Rung.RAISE)) == []


@pytest.mark.parametrize(
    ("mode", "act", "kind"),
    [
        ("yield", Rung.RUN, None),
        ("adopt", Rung.RAISE, None),
        ("floor", Rung.WATCH, None),
        ("adopt", Rung.RUN, SignalKind.LEAVE),
    ],
)
def test_it_is_handed_back_as_found_when_the_file_the_rung_or_people_say_so(
    mode: str, act: Rung, kind: SignalKind | None
) -> None:
    ours = Taken("a", scaler(2, suspended="scheduled"), scaler(2), scaler(5, suspended=PAUSED), done=True)
    hold = Signal(SignalKind.HOLD, "*", NOW, NOW + 60, "kim", "leave")
    signals = (hold, replace(hold, kind=kind)) if kind else ()
    fleet = busy(scalers={"a": scaler(5, suspended=PAUSED)}, taken={RESOURCE: ours}, signals=signals)
    (change,) = (one for one in scaled(mode, fleet, act=act).changes if isinstance(one, SetAutoscaling))
    assert (change.min_to, change.suspended_to, change.gives_back) == (2, "scheduled", True)


def test_a_hold_keeps_hands_off_its_autoscaling_too() -> None:
    hold = Signal(SignalKind.HOLD, "a", NOW, NOW + 60, "kim", "audit")
    assert autoscaling(scaled("adopt", busy(scalers={"a": scaler()}, signals=(hold,)))) == []
