"""Events are hints: doubled, lost or late ones end in the same copies once the input is steady."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from seams.both import a_rig
from seams.world import P4D, START_S, a_cloud
from tidepool_lab.embedded.dispatcher import Happened
from tidepool_lab.embedded.rig import Rig
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.faults import Faults, seeded_faults

MINUTES = 40
STEADY_S = START_S + MINUTES * 60


def a_step(faults: Faults | None = None) -> Cloud:
    """Three models: one whose demand triples in minute 5, one that shrinks so, one that stays; then steady.

    CONSOLIDATION packs the pool, so that nobody is rolled: a roll is one copy more for some minutes, at its own time.
    The rates end between whole copies of what the twin serves: 8 slots, each held 2 / (1 - exp(-2 / 4)) = 5.08 s for
    the 4 s declared, are 94 requests a minute. At 100, one copy and two would both be tried, at every run's own time.
    """
    traffic = {"up": [60] * 5 + [240] * 55, "down": [200] * 5 + [60] * 55, "flat": [140] * 60}
    return a_cloud(traffic, copies={"up": 1, "down": 5, "flat": 2}, past=100, faults=faults, scale_in="CONSOLIDATION")


def wanted(cloud: Cloud) -> Mapping[str, int]:
    return {name: component.copies_wanted for name, component in cloud.components().items()}


@pytest.fixture(scope="module")
def undisturbed() -> Mapping[str, int]:
    """The copies after the step, when every event came once and in time."""
    cloud = a_step()
    with a_rig(cloud) as rig:
        rig.run_to(STEADY_S)
    assert wanted(cloud)["up"] > 1
    assert wanted(cloud)["down"] < 5
    return wanted(cloud)


def test_every_event_of_the_bus_twice_ends_in_the_same_copies(undisturbed: Mapping[str, int]) -> None:
    cloud = a_step(Faults(seed=1, events_doubled=1.0))
    with a_rig(cloud) as rig:
        rig.run_to(STEADY_S)
        acted = rig.runs["ScaleCopiesFunction"]
        accepted = rig.calls["sagemaker.UpdateInferenceComponentRuntimeConfig"]
        assert [h for h in rig.happened if h.kind == "failed"] == []
    # Each change came to the hand twice and was made once.
    assert acted == 2 * accepted
    assert wanted(cloud) == undisturbed


def test_the_same_change_delivered_again_later_is_not_made_again() -> None:
    cloud = a_step()
    with a_rig(cloud) as rig:
        asked: list[Any] = []
        rig.run_to(STEADY_S, on_event=lambda h: asked.append(h.event) if _is_a_hand(h) else None)
        before = dict(rig.calls)
        for event in asked:
            answer = rig.invoke("ScaleCopiesFunction", copy.deepcopy(event))
            assert answer["change"] == event["detail"]["change"]["id"]
        assert len(asked) >= 2
        assert rig.calls["sagemaker.UpdateInferenceComponentRuntimeConfig"] == before.get(
            "sagemaker.UpdateInferenceComponentRuntimeConfig"
        )


def test_two_ticks_at_once_are_one_decision_and_end_in_the_same_copies(undisturbed: Mapping[str, int]) -> None:
    cloud = a_step()
    with a_rig(cloud) as rig:
        _each_minute(rig, lambda minute: rig.fire("DecideFunction"))
        rig.run_to(STEADY_S)
        decisions = [json.loads(record)["now"] for record in rig.records().values()]
    assert len(decisions) == len(set(decisions)) == MINUTES
    assert wanted(cloud) == undisturbed


def test_a_tick_that_finds_the_lease_held_leaves_the_decision_to_the_holder() -> None:
    cloud = a_step()
    with a_rig(cloud) as rig:
        rig.run_to(START_S + 60)
        handler = rig.host("DecideFunction")
        inner: list[Any] = []
        observe = rig.sagemaker.answers["ListEndpoints"]

        def meanwhile(params: Any) -> Any:
            """While one decide looks at the world, another is woken."""
            if not inner:
                inner.append(None)
                inner[0] = rig.second("DecideFunction").invoke(
                    {"source": "tidepool.tick", "time": "2025-01-06T01:01:00Z"}
                )
            return observe(params)

        rig.sagemaker.answers["ListEndpoints"] = meanwhile
        outer = rig.fire("DecideFunction")
        rig.sagemaker.answers["ListEndpoints"] = observe
        assert "no need" in inner[0]["decided"]
        assert outer["at"] == START_S + 60
        assert handler.invocations == 2


@pytest.mark.parametrize("skipped", [{6}, {7, 8}])
def test_skipped_ticks_end_in_the_same_copies(undisturbed: Mapping[str, int], skipped: set[int]) -> None:
    cloud = a_step()
    with a_rig(cloud) as rig:
        decide = rig.host("DecideFunction")
        invoke = decide.invoke

        def sometimes(event: Any) -> Any:
            minute = (cloud.now_s - START_S) // 60
            return {} if event["source"] == "tidepool.tick" and minute in skipped else invoke(event)

        decide.invoke = sometimes  # type: ignore[method-assign]
        rig.run_to(STEADY_S)
        assert len(rig.records()) == MINUTES - len(skipped)
    assert wanted(cloud) == undisturbed


@pytest.mark.parametrize("seed", [1, 2])
def test_two_hours_of_seeded_faults_crash_nothing_and_lose_count_of_no_request(seed: int) -> None:
    traffic = {"up": [60] * 30 + [300] * 90, "down": [200] * 30 + [30] * 90, "zero": [0] * 40 + [20] * 30 + [0] * 50}
    faults = seeded_faults(
        seed, (P4D,), start_s=START_S, days=0.1, throttled=0.05, outages_per_day=30, outage_s=600, events_late=0.1
    )
    cloud = a_cloud(traffic, copies={"up": 2, "down": 4, "zero": 0}, past=50, faults=faults)
    with a_rig(cloud) as rig:
        rig.run_to(START_S + 7200)
        assert [h for h in rig.happened if h.kind in {"failed", "undelivered"}] == []
        assert rig.denied() == []
    cloud.check_conservation()
    assert wanted(cloud)["up"] > 2
    assert wanted(cloud)["down"] < 4


def test_a_late_tick_is_dropped() -> None:
    with a_rig(a_step()) as rig:
        rig.run_to(START_S + 300)
        late = {"source": "tidepool.tick", "time": "2025-01-06T01:03:00Z"}
        assert "late" in rig.invoke("DecideFunction", late)["dropped"]


def test_an_event_that_nobody_knows_is_a_dead_letter_and_no_crash_loop() -> None:
    with a_rig(a_step()) as rig:
        rig.run_to(START_S + 90)
        host = rig.host("DecideFunction")
        rig.dispatcher.wake(host, {"source": "somebody.else", "detail": {}})
        rig.run_to(START_S + 400)
        failed = [h for h in rig.happened if h.kind == "failed"]
        assert len(failed) == 1
        assert "BadEvent" in failed[0].why
        (letter,) = rig.stores.messages("FailedRunsQueue")
        assert json.loads(letter)["requestPayload"]["source"] == "somebody.else"
        # And people are told, by the alarm on the queue.
        assert "tidepool-failed-runs" in [h.what for h in rig.happened if h.kind == "notified"]
        # Ticks go on.
        assert len(rig.records()) == 7


def test_a_bad_fleet_file_is_refused_in_full_and_the_last_good_one_stays_in_force() -> None:
    with a_rig(a_step()) as rig:
        rig.run_to(START_S + 90)
        rig.upload("schema: 1\nregion: us-east-1\nact: fly\nmodels: {}\n", commit="bad")
        rig.run_to(START_S + 400)
        told = [h.what for h in rig.happened if h.kind == "notified"]
        assert "tidepool-fleet-file-refused" in told
        commits = {json.loads(record)["config_commit"] for record in rig.records().values()}
        assert "bad" not in commits
        assert [h for h in rig.happened if h.kind == "failed"] == []
        refusals = [line for _, line in rig.lines if "fleet.yaml refused" in line]
        assert any("act" in line and "fly" in line for line in refusals)


def _is_a_hand(happened: Happened) -> bool:
    return happened.kind == "invoked" and happened.what == "ScaleCopiesFunction"


def _each_minute(rig: Rig, act: Callable[[int], Any]) -> None:
    """`act` happens right after the ticks of each minute."""
    for minute in range(MINUTES):
        rig.dispatcher.at(START_S + minute * 60, lambda minute=minute: act(minute), rank=1000)  # type: ignore[misc]
