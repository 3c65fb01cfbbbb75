"""A pool's bounds through the hand and the fast ports, whichever way AWS changes them (sagemaker-facts: UNKNOWN)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from builders.twin_world import POOL, START, a_cloud, fate, on_instances, run
from tidepool.config.load import load
from tidepool.plan.change import SetBounds
from tidepool.runtime.carry_out import bounds_that_came_back, carry_out
from tidepool.runtime.learn import learn
from tidepool.runtime.ports import Ports
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import FastBus, FastHosting, fast_ports
from tidepool_lab.twin.faults import Faults
from tidepool_lab.twin.spec import BoundsUpdate

MINUTES = 60
STEADY = [[30]] * MINUTES
MINIMUM, MAXIMUM = 1, 6

CHANGED = {
    "in place": {"bounds_update": BoundsUpdate.IN_PLACE},
    "a rebuild": {"bounds_update": BoundsUpdate.REBUILD},
}
CAME_BACK = {
    "rolled back": {"faults": Faults(update_reverts=1.0)},
    "a rebuild without quota for both": {"bounds_update": BoundsUpdate.REBUILD, "quota": 3, "maximum": 3},
}


@dataclass(frozen=True, slots=True)
class Noting(FastHosting):
    """The twin's hosting, and the bounds that it was asked for."""

    asked: list[str] = field(default_factory=list)

    def set_bounds(self, endpoint: str, *, minimum: int, maximum: int, change: str) -> str:
        self.asked.append(change)
        return FastHosting.set_bounds(self, endpoint, minimum=minimum, maximum=maximum, change=change)


@dataclass
class Carried:
    """An hour in which the change came each minute: as the event that arrives again, and as a new decision's."""

    cloud: Cloud
    ports: Ports
    asked: list[str]
    outcomes: list[str]


def an_hour(account: Mapping[str, Any]) -> Carried:
    cloud = run(a_cloud(traffic=STEADY, copies={"m": 9}, **account), 60)
    hosting = Noting(cloud, "tag:model", "tidepool")
    ports = replace(fast_ports(cloud, load("schema: 1\nidentity: tag:model\nact: run")), hosting=hosting)
    first = wanted(cloud, "first")
    outcomes = []
    for minute in range(1, MINUTES):
        for change in (first, wanted(cloud, f"minute-{minute}")):
            outcomes.append(carry_out(ports, change, cloud.now_s).outcome)
        run(cloud, 60)
    return Carried(cloud, ports, hosting.asked, outcomes)


def wanted(cloud: Cloud, change: str) -> SetBounds:
    """The bounds that decide wants, from what the pool shows now."""
    seen = cloud.endpoint(POOL)
    return SetBounds(
        id=change,
        pool=POOL,
        endpoint=POOL,
        variant=seen.variant,
        config_from=seen.config_name,
        min_from=seen.min_instances,
        min_to=MINIMUM,
        max_from=seen.max_instances,
        max_to=MAXIMUM,
        because="",
        usd_per_hour=0.0,
    )


@pytest.mark.parametrize("account", CHANGED.values(), ids=CHANGED)
def test_bounds_end_as_they_were_wanted_asked_for_once_and_no_request_is_lost(account: Mapping[str, Any]) -> None:
    carried = an_hour(account)
    pool = carried.cloud.endpoint(POOL)
    assert (pool.min_instances, pool.max_instances) == (MINIMUM, MAXIMUM)
    assert carried.asked == ["first"] and pool.config_name.endswith("-first")
    assert carried.outcomes[0] == "done" and carried.outcomes[-1] == "already"
    assert set(carried.outcomes[1:-1]) == {"busy", "already"}
    assert [kept for _, kept in bounds_that_came_back(carried.ports, START)] == [True]
    assert on_instances(carried.cloud) == [{"m": 8}, {"m": 1}]
    found = fate(carried.cloud)
    assert found["on_time"] == found["arrived"] > 0 and found["lost"] == found["rejected_once"] == 0


@pytest.mark.parametrize("account", CAME_BACK.values(), ids=CAME_BACK)
def test_bounds_that_come_back_are_reported_and_not_asked_for_again(account: Mapping[str, Any]) -> None:
    carried = an_hour(account)
    pool = carried.cloud.endpoint(POOL)
    assert (pool.min_instances, pool.max_instances) == (0, account.get("maximum", 20))
    assert carried.asked == ["first"] and pool.config_name == "pool-config"
    assert carried.outcomes[0] == "done" and carried.outcomes[-1] == "paused"
    assert set(carried.outcomes[1:-1]) == {"busy", "failed", "paused"}
    told = carried.ports.ledger.operations(carried.cloud.now_s - 60)[-1].why
    assert "came back on the old config pool-config" in told
    found = fate(carried.cloud)
    assert found["on_time"] == found["arrived"] > 0


@pytest.mark.parametrize("account", CAME_BACK.values(), ids=CAME_BACK)
def test_learn_tells_people_of_bounds_that_came_back(account: Mapping[str, Any]) -> None:
    carried = an_hour(account)
    learn(carried.ports, carried.cloud.now_s, alarm_prefix="tidepool-burst-")
    assert isinstance(carried.ports.bus, FastBus)
    told = [(kind, detail["change"]) for _, kind, detail in carried.ports.bus.told if kind != "writes-paused"]
    assert told == [("bounds-came-back", "first")]
