"""Where a model should live by wish, by dwell and by filled hours; the price decides the rest (test_relocate)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tidepool.hosting.cost import DWELL_S, Place, fills_whole_instances, usd_per_hour
from tidepool.hosting.home import Terms, Verdict, choose, filled, move_cost

SHARED = Place("pool-p4d", False, "ml.p4d.24xlarge", 20.0, 1, 3.0, 10.0, 325.0, 100)
CHEAP = Place("pool-p5", False, "ml.p5.48xlarge", 60.0, 1, 6.0, 10.0, 325.0, 100)
ALONE = Place("dedicated:ml.p4d.24xlarge", True, "ml.p4d.24xlarge", 160.0, 8, 24.0, 10.0, 325.0, 10)
SMALL = Place("dedicated:ml.g5.xlarge", True, "ml.g5.xlarge", 20.0, 1, 1.5, 10.0, 325.0, 10)
TERMS = Terms("auto", np.full(24, 10.0), 10.0, 1, 1.0, 0, 0, 1_000_000)


def to(verdict: Verdict | None) -> Place | None:
    """Where a verdict sends the model; a verdict there has to be."""
    assert verdict is not None
    return verdict.place


def test_shared_unless_isolation_is_asked_for() -> None:
    assert choose(SHARED, [ALONE], TERMS) is None
    asked = choose(SHARED, [ALONE], replace(TERMS, wish="dedicated"))
    assert to(asked) == ALONE and asked is not None and asked.because == "isolation is asked for"


def test_the_price_decides_where_nothing_else_does() -> None:
    assert choose(SHARED, [CHEAP, ALONE], TERMS) is None
    assert choose(SHARED, [CHEAP, ALONE], replace(TERMS, wish="shared")) is None
    assert choose(ALONE, [SHARED, CHEAP], TERMS) is None


def test_isolation_is_given_where_it_costs_least() -> None:
    """100 in flight and their root are 110 slots: one machine of 160 for 24 dollars, or six of 20 for 9."""
    assert to(choose(SHARED, [ALONE, SMALL], replace(TERMS, wish="dedicated"))) == SMALL
    assert to(choose(ALONE, [SMALL], replace(TERMS, wish="dedicated"))) is None, "it is isolated already"


def test_who_is_to_be_shared_leaves_its_own_machines_for_the_cheapest_pool() -> None:
    """Six copies of 3 dollars, or two of 6."""
    assert to(choose(ALONE, [SHARED, CHEAP, SMALL], replace(TERMS, wish="shared"))) == CHEAP


@pytest.mark.parametrize(("wish", "here"), [("dedicated", SHARED), ("shared", ALONE), ("pool-p5", SHARED)])
def test_a_place_without_room_for_the_busiest_minute_is_no_candidate(wish: str, here: Place) -> None:
    """10 a second need 2 copies of the p5 pool and 1 machine; the busiest minute of 20 needs 4 and 2."""
    terms = replace(TERMS, wish=wish, top=20.0)
    other = ALONE if wish == "dedicated" else CHEAP
    needs = 2 if wish == "dedicated" else 4
    assert to(choose(here, [replace(other, room=needs)], terms)) is not None
    full = choose(here, [replace(other, room=needs - 1)], terms)
    assert to(full) is None and full is not None and "room" in full.because


def test_dedicated_once_copies_filled_whole_instances_for_twenty_hours() -> None:
    assert choose(SHARED, [ALONE], replace(TERMS, filled_hours=19)) is None
    assert to(choose(SHARED, [ALONE], replace(TERMS, filled_hours=20))) == ALONE


def test_filled_machines_are_left_for_whole_ones_of_the_same_type_only() -> None:
    assert choose(SHARED, [SMALL], replace(TERMS, filled_hours=24)) is None
    assert choose(SHARED, [ALONE], replace(TERMS, wish="shared", filled_hours=24)) is None


def test_back_to_the_price_only_well_below_twenty_hours() -> None:
    """The gap between 20 and 16 hours is the hysteresis: a model on the edge does not swing."""
    assert to(choose(ALONE, [SHARED], replace(TERMS, filled_hours=16))) is None
    assert choose(ALONE, [SHARED], replace(TERMS, filled_hours=15)) is None


def test_a_newcomer_stays_for_six_hours_whatever_the_price_and_the_fullness() -> None:
    came = replace(TERMS, home_since=TERMS.now - DWELL_S + 60, filled_hours=24)
    stays = choose(SHARED, [CHEAP, ALONE], came)
    assert to(stays) is None and stays is not None and "stays 6h at least" in stays.because
    assert to(choose(SHARED, [CHEAP, ALONE], replace(came, home_since=TERMS.now - DWELL_S))) == ALONE


def test_a_wish_does_not_wait_for_a_newcomers_six_hours() -> None:
    came = replace(TERMS, home_since=TERMS.now - 60)
    assert to(choose(SHARED, [ALONE], replace(came, wish="dedicated"))) == ALONE
    assert to(choose(SHARED, [CHEAP], replace(came, wish="pool-p5"))) == CHEAP


def test_what_fleet_yaml_names_wins_over_price() -> None:
    assert to(choose(CHEAP, [SHARED], replace(TERMS, wish="pool-p4d"))) == SHARED
    assert to(choose(SHARED, [CHEAP], replace(TERMS, wish="pool-p4d"))) is None


def test_a_verdict_says_what_it_saves_what_the_move_costs_and_how_many_begin() -> None:
    """Six copies of 3 dollars against two of 6: 18 - 12 an hour; both for a quarter of an hour cost 7.50."""
    assert choose(SHARED, [CHEAP], replace(TERMS, wish="pool-p5")) == Verdict(
        CHEAP, 2, pytest.approx(6.0), pytest.approx(7.5), "fleet.yaml names pool-p5"
    )
    assert move_cost(12.0, 18.0) == pytest.approx(7.5)


def test_eight_of_eight_fill_a_machine_and_seven_do_not() -> None:
    assert fills_whole_instances(8, 8, copy_usd=3.0, instance_usd=24.0)
    assert not fills_whole_instances(7, 8, copy_usd=3.0, instance_usd=24.0)
    assert not fills_whole_instances(0, 8, copy_usd=3.0, instance_usd=24.0)


def test_cost_is_the_mean_over_the_day() -> None:
    """100 in flight need 110 slots, so six copies; a silent hour costs the floor of one."""
    assert usd_per_hour(np.array([10.0, 0.0]), SHARED, floor=1, headroom=1.0) == (6 + 1) / 2 * 3.0


def test_filled_hours_are_the_bits_of_the_day() -> None:
    assert filled(0b1011) == 3
