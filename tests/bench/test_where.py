"""Where a policy's dollars and late requests go: small worlds whose every line is known, and sums that are the bill."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from builders.bench_case import a_case
from builders.twin_world import BIG, POOL, SMALL, START, TIMES, a_cloud, a_model, run
from tidepool.errors import TidepoolError
from tidepool.fleet import Route, Target
from tidepool_lab.bench.case import Case
from tidepool_lab.bench.misses import Cause
from tidepool_lab.bench.result import result_of
from tidepool_lab.bench.run import run_dedicated, run_native, run_tidepool
from tidepool_lab.bench.spending import cheapest_usd_per_request
from tidepool_lab.bench.where import PARTS, Account, Dollars, Where
from tidepool_lab.bench.where_table import plain_where
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.inputs.synthetic import Shape, Traffic, draw_trace
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.faults import Faults, Outage
from tidepool_lab.twin.spec import BoundsUpdate, Kind, ModelSpec

NEVER_ENDS = 1e12
"""Seconds of service in which no request ends while a test runs."""


def opened(
    *models: ModelSpec, copies: Mapping[str, int], window: tuple[int, int] = (0, 1200), **world: object
) -> tuple[Cloud, Account]:
    """A cloud and its account, opened before `copies` are placed in the pool; `window` from the start."""
    cloud = a_cloud(*models, **world)  # type: ignore[arg-type]
    account = Account(cloud, START + window[0], START + window[1])
    for name, count in copies.items():
        cloud.create_component(name, POOL, model=name, copies=count, tags={"model": name}, settled=True)
    return cloud, account


def at(cloud: Cloud, second: int) -> Cloud:
    """The cloud at that second of the run."""
    cloud.run_to(START + second)
    return cloud


def lines(dollars: Dollars) -> dict[str, float]:
    """The parts that are not nothing."""
    return {part.removesuffix("_usd"): usd for part in PARTS if (usd := getattr(dollars, part))}


def causes(where: Where) -> dict[str, int]:
    """The causes that some request had."""
    return {cause.value: count for cause, count in where.late.causes.items() if count}


# Dollars. A pool's machine has 8 accelerators and costs a dollar a second.


def test_every_second_of_every_accelerator_stands_in_the_line_it_was_spent_on():
    cloud, account = opened(copies={"m": 4})
    at(cloud, 100).set_copies("m", 10)  # 4 beside the first, serving from 200; 2 on a new machine, serving from 300
    at(cloud, 400).set_copies("m", 8)  # the new machine is empty, and released at 1000
    dollars = account_at(cloud, account, 1200).dollars
    expected = {
        "idle": (4 * 1200 + 4 * 1000 + 2 * 100) / 8,
        "starting": (4 * 100 + 2 * 100) / 8,
        "loose": (4 * 100 + 6 * 200) / 8,
        "empty": 600.0,
    }
    assert lines(dollars) == pytest.approx(expected)
    assert dollars.cost_usd == pytest.approx(1200 + 800) == pytest.approx(cloud.machines.cost(START, START + 1200))


def test_busy_is_the_share_of_slots_that_hold_a_request_and_idle_the_rest():
    # One request a step, none ends: 1 + 2 + … + 30 slots for 2 s each, then 30 for a minute; 40 slots a copy.
    model = a_model(concurrency=40, service_s=NEVER_ENDS)
    cloud, account = opened(model, copies={"m": 1}, traffic=[[30], [0]], window=(0, 120))
    dollars = account_at(cloud, account, 120).dollars
    busy = (30 * 31 / 2 * 2 + 30 * 60) / 40 / 8
    assert lines(dollars) == pytest.approx({"busy": busy, "idle": 120 / 8 - busy, "loose": 120 * 7 / 8})


def test_the_window_leaves_out_what_was_spent_before_and_after():
    model = a_model(concurrency=40, service_s=NEVER_ENDS)
    cloud, account = opened(model, copies={"m": 1}, traffic=[[30], [0]], window=(60, 120))
    dollars = account_at(cloud, account, 600).dollars
    assert dollars.busy_usd == pytest.approx(30 * 60 / 40 / 8)
    assert dollars.cost_usd == pytest.approx(60)


def test_busy_at_cheapest_is_what_the_same_slots_cost_on_the_type_that_takes_least():
    # An accelerator costs $0.125 a second in the big machine and $0.10 in the small one.
    model = a_model(service_s=100.0)
    cloud, account = opened(model, copies={"m": 1}, traffic=[[6], [6]], window=(0, 120))
    assert cheapest_usd_per_request(cloud.spec, 0) == pytest.approx(100 / 10 * 0.1)
    dollars = account_at(cloud, account, 120).dollars
    assert dollars.busy_usd > 0
    assert dollars.busy_at_cheapest_usd == pytest.approx(0.8 * dollars.busy_usd)


def test_a_copy_that_finishes_its_requests_is_leaving():
    cloud, account = opened(a_model(service_s=NEVER_ENDS), copies={"m": 1}, traffic=[[5]], window=(0, 600))
    at(cloud, 100).set_copies("m", 0)  # drains for its 60 s, then the machine is idle until the end
    dollars = account_at(cloud, account, 600).dollars
    assert dollars.leaving_usd == pytest.approx(60 / 8)
    assert (dollars.loose_usd, dollars.empty_usd) == (pytest.approx(160 * 7 / 8), pytest.approx(440))


def test_a_dedicated_endpoint_starts_until_it_is_in_service_whatever_copies_are_ready():
    outage = Outage(BIG, START, START + 50)
    cloud, account = opened(copies={}, window=(0, 2400), quota=3, faults=Faults(outages=(outage,)))
    # At 60 the pool's two machines come first and leave one of the quota: it is billed from 160 and ready at 260. The
    # endpoint gives up the other 1800 s later, and is in service with one.
    cloud.create_component("m", POOL, model="m", copies=16)
    cloud.create_endpoint("own", "m", instance_type=BIG, instances=2)
    own, pool = sorted(account_at(cloud, account, 2400).hardware, key=lambda one: one.hosting)
    assert lines(own.dollars) == pytest.approx({"starting": 2060 - 160, "idle": 2400 - 2060})
    assert lines(pool.dollars) == pytest.approx({"starting": 2 * 100, "idle": 2 * (2400 - 260)})


def test_the_home_that_fewer_callers_go_to_is_the_second_one():
    cloud, account = opened(copies={"m": 1}, window=(0, 600))
    # A dollar in ten seconds: launched by 100, starting until 200, then a second home until callers follow at 330.
    cloud.create_endpoint("own", "m", instance_type=SMALL)
    at(cloud, 270).set_route(route(pool=50, own=50))  # at even shares the first home stays the main one
    at(cloud, 300).set_route(route(pool=10, own=90))
    where = account_at(cloud, account, 600)
    own, pool = sorted(where.hardware, key=lambda one: one.hosting)
    assert (own.instance_type, own.hosting, pool.instance_type, pool.hosting) == (SMALL, "dedicated", BIG, "pooled")
    assert lines(own.dollars) == pytest.approx({"starting": 10, "idle": 40})
    assert own.dollars.second_homes_usd == pytest.approx(0.1 * (330 - 100))
    assert pool.dollars.second_homes_usd == pytest.approx((600 - 330) / 8)
    assert where.dollars.second_homes_usd == pytest.approx(23 + 33.75)


def test_models_have_what_their_copies_hold_and_loose_and_empty_are_nobodys():
    cloud, account = opened(a_model("m"), a_model("n"), copies={"m": 1, "n": 3})
    where = account_at(cloud, account, 1200)
    assert [(one.model, one.dollars.cost_usd) for one in where.models] == [
        ("m", pytest.approx(150)),
        ("n", pytest.approx(450)),
    ]
    assert where.dollars.loose_usd == pytest.approx(600)


# Misses. Ten slots a copy, requests that never end, and an interactive wait of 10 s: what finds no slot is late.


def test_late_with_nothing_on_its_way_was_not_asked_for():
    cloud, account = queueing(copies=1, requests=20)
    assert causes(account_at(cloud, account, 200)) == {"not_asked": 10}


def test_late_while_a_copy_starts_on_a_machine_that_is_there():
    cloud, account = queueing(copies=1, requests=20)
    at(cloud, 10).set_copies("m", 2)
    assert causes(account_at(cloud, account, 200)) == {"starting": 10}


def test_late_while_the_copys_machine_is_launched():
    cloud, account = queueing(copies=8, requests=90)
    at(cloud, 10).set_copies("m", 9)
    assert causes(account_at(cloud, account, 300)) == {"launching": 10}


def test_late_while_copies_found_no_room():
    cloud, account = queueing(copies=8, requests=90, quota=1)
    at(cloud, 10).set_copies("m", 9)
    assert causes(account_at(cloud, account, 200)) == {"no_room": 10}


def test_late_while_the_model_has_copies_at_two_homes():
    cloud, account = queueing(copies=1, requests=20)
    at(cloud, 10).create_endpoint("own", "m", instance_type=SMALL)
    assert causes(account_at(cloud, account, 200)) == {"moving": 10}


def test_late_because_no_copy_was_ready():
    cloud, account = queueing(copies=0, requests=20)
    assert causes(account_at(cloud, account, 200)) == {"no_copy": 20}


def test_the_cause_is_that_of_the_last_step_in_which_a_request_could_have_started_on_time():
    # 20 at once in the first step: 10 start, 10 queue and may start until 10; at 12 it is too late.
    cloud, account = queueing(copies=1, requests=20, at_once=True)
    at(cloud, 10).set_copies("m", 2)
    assert causes(account_at(cloud, account, 200)) == {"starting": 10}
    cloud, account = queueing(copies=1, requests=20, at_once=True)
    at(cloud, 12).set_copies("m", 2)
    assert causes(account_at(cloud, account, 200)) == {"not_asked": 10}


def test_a_queue_that_loses_its_last_copy_is_counted_once():
    cloud, account = queueing(copies=1, requests=20, at_once=True)
    at(cloud, 30).set_copies("m", 0)
    assert causes(account_at(cloud, account, 200)) == {"not_asked": 10}
    cloud, account = queueing(copies=1, requests=20, at_once=True)
    at(cloud, 6).set_copies("m", 0)
    assert causes(account_at(cloud, account, 200)) == {"no_copy": 10}


def test_batch_is_judged_when_it_leaves_or_is_lost():
    batch = a_model(kind=Kind.BATCH, service_s=NEVER_ENDS)
    cloud, account = opened(batch, copies={"m": 1}, traffic=[[20]], window=(0, 60))
    at(cloud, 500).set_copies("m", 0)  # the queue is rejected, tries again each 30 s, and is lost after 600 s
    assert causes(account_at(cloud, account, 900)) == {"no_copy": 10}
    cloud, account = opened(batch, copies={"m": 1}, traffic=[[20]], window=(0, 60))
    assert causes(account_at(cloud, account, 900)) == {"not_asked": 10}


def test_who_still_waits_at_the_end_of_the_run_is_said_to():
    batch = a_model(kind=Kind.BATCH, service_s=NEVER_ENDS)
    cloud, account = opened(batch, copies={"m": 1}, traffic=[[20]], window=(0, 60))
    assert causes(account_at(cloud, account, 120)) == {"open": 10}


def test_only_requests_that_arrive_inside_the_window_are_counted():
    model = a_model(service_s=NEVER_ENDS)
    cloud, account = opened(model, copies={"m": 1}, traffic=[[20], [7]], window=(60, 120))
    late = account_at(cloud, account, 300).late
    assert (late.requests, late.late, late.causes[Cause.NOT_ASKED]) == (7, 7, 7)


# Sums.


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_the_lines_are_the_bill_and_the_causes_the_late(seed: int):
    """Any calls at any second, with both answers of UpdateEndpoint, CONSOLIDATION and a tight quota."""
    rng = np.random.default_rng(seed)
    models = (a_model("a"), a_model("b", accelerators=2, critical=True), a_model("c", kind=Kind.BATCH))
    cloud, account = opened(
        *models,
        copies={"a": 3, "b": 2, "c": 1},
        traffic=rng.integers(0, 260, (60, 3)),
        window=(600, 3000),
        quota=5,
        scale_in=("IDLE_RELEASE", "CONSOLIDATION")[seed % 2],
        bounds_update=list(BoundsUpdate)[seed // 2 % 2],
        times=replace(TIMES, consolidation_cooldown_s=120, idle_release_s=200, image_pull_s=7.5),
        seed=seed,
    )
    accepted = 0
    while cloud.now_s < START + 4200:
        run(cloud, int(rng.integers(1, 90)))
        try:
            act(cloud, rng)
            accepted += 1
        except TidepoolError:
            pass  # refused, as SageMaker refuses: time goes on
    where = account.close()
    figures = cloud.figures(START + 600, START + 3000)
    assert accepted > 20
    assert where.dollars.cost_usd == pytest.approx(figures.cost_usd, abs=0.005)
    assert sum(getattr(where.dollars, part) for part in PARTS) == pytest.approx(figures.cost_usd, abs=0.005)
    assert [one.late.late for one in where.models] == [one.arrived - one.on_time for one in figures.models]
    assert all(count >= 0 for one in where.models for count in one.late.causes.values())
    assert where.late.late > 0 and where.late.causes[Cause.OPEN] == 0
    assert min(getattr(where.dollars, part) for part in PARTS) > -0.5, "within a second of a copy at most"


def test_policies_of_the_bench_have_accounts_that_are_their_rows(make_fleet: Callable[..., ReferenceFleet]):
    case = short_case(make_fleet)
    cheapest = "dedicated_cheapest"
    for live in (run_native, run_tidepool, lambda case: run_dedicated(case, cheapest)):
        plain, row = live(case), live(replace(case, where=True))
        where = row.where
        timed = {"decide_ms_p50": None, "decide_ms_max": None}
        assert plain.where is None and where is not None
        assert row.model_copy(update={"where": None, **timed}) == plain.model_copy(update=timed)
        assert sum(getattr(where.dollars, part) for part in PARTS) == pytest.approx(row.cost_usd, abs=0.005)
        assert sum(one.dollars.cost_usd for one in where.hardware) == pytest.approx(row.cost_usd, abs=0.005)
        nobodys = where.dollars.loose_usd + where.dollars.empty_usd
        assert sum(one.dollars.cost_usd for one in where.models) + nobodys == pytest.approx(row.cost_usd, abs=0.005)
        assert row.on_time == pytest.approx(1 - where.late.late / where.late.requests)
        assert where.late.late == sum(where.late.causes.values()) == sum(one.late.late for one in where.models)
        assert where.late.causes[Cause.OPEN] == 0


def test_the_json_has_the_accounts_by_policy_only_where_they_were_asked_for(
    make_fleet: Callable[..., ReferenceFleet],
):
    case = short_case(make_fleet)
    assert "where" not in json.loads(result_of(case, (run_native(case),)).json_text())
    result = result_of(case, (run_native(replace(case, where=True)),))
    written = json.loads(result.json_text())["where"]
    assert list(written) == ["native"]
    account = written["native"]
    assert list(account) == ["dollars", "late", "hardware", "models"]
    assert list(account["dollars"]) == ["cost_usd", *PARTS, "second_homes_usd", "busy_at_cheapest_usd"]
    assert list(account["late"]) == ["requests", "late", "causes"]
    assert list(account["late"]["causes"]) == [cause.value for cause in Cause]
    assert list(account["hardware"][0]) == ["instance_type", "hosting", "dollars"]
    assert [one["model"] for one in account["models"]] == ["steady", "bursty", "batch"]


def test_the_table_gives_dollars_shares_and_causes_in_words(make_fleet: Callable[..., ReferenceFleet]):
    case = short_case(make_fleet)
    row = run_native(replace(case, where=True))
    text = plain_where(result_of(case, (row,)))
    assert "native: where the dollars go" in text and "native: why requests were late" in text
    words = [" ".join(line.split()) for line in text.splitlines()]
    assert any(line.startswith("ml.p4d.24xlarge, pooled $") for line in words)
    assert any(line.startswith("of cost 100.0 % ") for line in words)
    assert row.where is not None and row.where.late.late > 0
    assert any(line.startswith(f"all {row.where.late.late:,} 100.0 % ") for line in words)


def account_at(cloud: Cloud, account: Account, second: int) -> Where:
    """The account, closed at that second of the run."""
    at(cloud, second)
    return account.close()


def queueing(*, copies: int, requests: int, at_once: bool = False, **world: object) -> tuple[Cloud, Account]:
    """Requests that never end, all in the first minute: spread over it, or in its first step."""
    cloud, account = opened(
        a_model(service_s=NEVER_ENDS), copies={"m": copies}, traffic=[[requests]], window=(0, 60), **world
    )
    if at_once:
        step = np.zeros((1, 30), dtype=np.int64)
        step[0, 0] = requests
        counts = cloud.arrivals.counts
        cloud.arrivals.counts = lambda minute: step if counts(minute).any() else counts(minute)  # type: ignore[method-assign]
    return cloud, account


def route(*, pool: int, own: int) -> Route:
    return Route("m", 1, (Target(POOL, "m", pool), Target("own", "", own)), START)


def act(cloud: Cloud, rng: np.random.Generator) -> None:
    """One call that somebody might make."""
    name = "abc"[rng.integers(3)]
    match int(rng.integers(8)):
        case 0:
            cloud.update_endpoint(POOL, f"config-{cloud.now_s}", minimum=int(rng.integers(3)), maximum=20)
        case 1:
            cloud.update_component(name, artifact="next")
        case 2:
            cloud.create_endpoint("own", "a", instance_type=SMALL, instances=int(rng.integers(1, 3)))
        case 3:
            cloud.set_instances("own", int(rng.integers(1, 4)))
        case 4:
            cloud.delete_endpoint("own")
        case _:
            cloud.set_copies(name, int(rng.integers(0, 9)))


def short_case(make_fleet: Callable[..., ReferenceFleet]) -> Case:
    """The first two hours of three small models."""
    fleet = make_fleet("steady", "bursty", "batch", batch=("batch",), critical=("steady",))
    traffic = {
        "steady": Traffic(Shape.STEADY, 200.0),
        "bursty": Traffic(Shape.BURSTY, 60.0),
        "batch": Traffic(Shape.INTERMITTENT, 10.0),
    }
    return a_case(fleet, draw_trace(traffic, 1440, seed=5), only_minutes=120)
