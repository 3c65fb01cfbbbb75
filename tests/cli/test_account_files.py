"""What `init` makes of an account that is odd: pure, on values."""

from __future__ import annotations

from typing import Any

import pytest

from tidepool.config.load import load
from tidepool.fleet import Component, Endpoint, EndpointKind, InstanceType, Status
from tidepool_cli.account.decide import page
from tidepool_cli.account.files import by_model, first_minute, fleet_text, identity_in, simulated_text, whole_days
from tidepool_cli.account.found import Account, Load, Reservation

MONDAY_S = 1_767_571_200
"""2026-01-05 00:00 UTC."""
DAY_S = 86_400
TYPE = "ml.p4d.24xlarge"


def a_component(name: str, **changes: Any) -> Component:
    parts = {
        "model": name,
        "endpoint": "shared-p4d",
        "variant": "v",
        "status": Status.IN_SERVICE,
        "copies_wanted": 1,
        "copies_now": 1,
        "accelerators_per_copy": 1,
        "changed_at": 0,
    }
    return Component(name=name, **(parts | changes))


def a_pool(name: str = "shared-p4d") -> Endpoint:
    return Endpoint(name, EndpointKind.POOL, "c", "v", Status.IN_SERVICE, TYPE, 1, 1, 0)


def an_account(*components: Component, loads: dict[str, Load] | None = None, **changes: Any) -> Account:
    found = {
        "endpoints": {"shared-p4d": a_pool()},
        "components": {one.name: one for one in components},
        "types": {TYPE: InstanceType(TYPE, 8, 25.2513, 6)},
        "loads": loads or {},
        "history": (MONDAY_S, MONDAY_S + 14 * DAY_S),
    }
    return Account("1", "us-east-1", MONDAY_S + 14 * DAY_S, **(found | changes))


@pytest.mark.parametrize(
    ("tags", "identity"),
    [
        ([{"model": "a"}, {"model": "b"}], "tag:model"),
        ([{"model": "a", "model-version": "3"}, {"model": "b", "model-version": "4"}], "tag:model"),
        ([{"ModelName": "a", "team": "x"}, {"ModelName": "b"}], "tag:ModelName"),
        ([{"model": "a"}, {}], "name"),
        ([{"team": "x"}, {"team": "x"}], "name"),
        ([], "name"),
    ],
)
def test_the_identity_is_a_tag_that_every_home_has_and_that_speaks_of_the_model(
    tags: list[dict[str, str]], identity: str
) -> None:
    assert identity_in(a_component(f"c{i}", tags=one) for i, one in enumerate(tags)) == identity


def test_an_account_without_endpoints_has_a_right_file_too() -> None:
    empty = an_account(endpoints={})
    assert load(fleet_text(empty, "name")).pools == {}
    assert "Not set" in page(empty, "name", calls=4)


def test_an_endpoint_whose_name_host_means_otherwise_gets_another_key() -> None:
    account = an_account(endpoints={name: a_pool(name) for name in ("shared", "auto", "on")})
    pools = load(fleet_text(account, "name")).pools
    assert {pool.endpoint for pool in pools.values()} == {"shared", "auto", "on"}


def test_versions_of_a_model_are_one_line_of_the_history() -> None:
    two = (a_component("a-v1", model="a"), a_component("a-v2", model="a"))
    loads = {"a-v1": Load({MONDAY_S: 3}, 2.0, 1.0), "a-v2": Load({MONDAY_S: 4, MONDAY_S + 60: 1}, 5.0, 0.5)}
    assert by_model(an_account(*two, loads=loads)) == {"a": Load({MONDAY_S: 7, MONDAY_S + 60: 1}, 5.0, 1.0)}


def test_nobodys_home_is_in_no_history() -> None:
    nobodys = a_component("a", model="")
    assert by_model(an_account(nobodys, loads={"a": Load({MONDAY_S: 3}, 1.0, 1.0)})) == {}


@pytest.mark.parametrize(("offset_s", "days"), [(0, (0, 14)), (1, (1, 13)), (3 * DAY_S + 60, (4, 13))])
def test_the_trace_begins_on_the_monday_before_and_only_whole_days_are_offered(
    offset_s: int, days: tuple[int, int]
) -> None:
    since = MONDAY_S + offset_s
    account = an_account(history=(since, since + 14 * DAY_S))
    assert first_minute(account) == MONDAY_S
    assert whole_days(account) == days


def test_a_model_whose_figures_nobody_knows_is_named_and_not_made_up() -> None:
    account = an_account(a_component("a"), a_component("b"), loads={"a": Load({MONDAY_S: 1}, 3.4, 0.0)})
    text = simulated_text(account, "name")
    assert "# a: no figures" in text and "shapes" not in text.replace("its shapes", "")
    assert load(text).names == {}


def test_only_a_reservation_whose_end_nobody_can_read_has_to_be_written() -> None:
    read = Reservation("shared-p4d", "july", 2, MONDAY_S + 30 * DAY_S)
    unread = Reservation("shared-p5", "august", 1, 0)
    lines = page(an_account(reservations=(read, unread)), "name", calls=4).splitlines()
    (july,) = (line for line in lines if "july" in line)
    (august,) = (line for line in lines if "august" in line)
    assert "ends " in july and "is left before" in july and "write" not in july
    assert "its end could not be read: write `reserved: {instances, until, then}`" in august
