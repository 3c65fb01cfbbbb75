"""Where a model should live."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tidepool.hosting.cost import Place, fills_whole_instances, usd_per_hour
from tidepool.hosting.home import Terms, choose, filled

SHARED = Place("pool-p4d", False, "ml.p4d.24xlarge", 20.0, 1, 3.0, 10.0, 325.0, 100)
CHEAP = Place("pool-p5", False, "ml.p5.48xlarge", 60.0, 1, 6.0, 10.0, 325.0, 100)
ALONE = Place("dedicated:ml.p4d.24xlarge", True, "ml.p4d.24xlarge", 160.0, 8, 24.0, 10.0, 325.0, 10)
TERMS = Terms("auto", np.full(24, 10.0), 10.0, 1, 1.0, 0, 0, 1_000_000)


def test_shared_unless_isolation_is_asked_for() -> None:
    assert choose(SHARED, [ALONE], TERMS).place is None
    asked = choose(SHARED, [ALONE], replace(TERMS, wish="dedicated"))
    assert asked.place == ALONE and asked.because == "isolation is asked for"


def test_dedicated_once_copies_filled_whole_instances_for_twenty_hours() -> None:
    assert choose(SHARED, [ALONE], replace(TERMS, filled_hours=19)).place is None
    assert choose(SHARED, [ALONE], replace(TERMS, filled_hours=20)).place == ALONE


def test_back_to_shared_only_well_below_twenty_hours() -> None:
    """The gap between 20 and 16 hours is the hysteresis: a model on the edge does not swing."""
    quiet = replace(TERMS, rates=np.full(24, 1.0), top=1.0)
    assert choose(ALONE, [SHARED], replace(quiet, filled_hours=16)).place is None
    assert choose(ALONE, [SHARED], replace(quiet, filled_hours=15)).place == SHARED


def test_a_cheaper_pool_wins_when_the_move_pays_within_a_day() -> None:
    verdict = choose(SHARED, [CHEAP], TERMS)
    assert verdict.place == CHEAP
    assert verdict.saves_usd_per_hour > verdict.move_usd / 24


def test_a_pool_without_room_for_the_busiest_minute_is_no_candidate() -> None:
    assert choose(SHARED, [replace(CHEAP, room=1)], TERMS).place is None


def test_small_savings_move_nobody() -> None:
    almost = replace(CHEAP, name="pool-b", unit=20.0, usd=2.8)
    verdict = choose(SHARED, [almost], TERMS)
    assert verdict.place is None and "less than 20%" in verdict.because


def test_a_newcomer_stays_for_six_hours() -> None:
    came = replace(TERMS, home_since=TERMS.now - 3600)
    assert choose(SHARED, [CHEAP], came).place is None
    assert choose(SHARED, [CHEAP], replace(TERMS, home_since=TERMS.now - 7 * 3600)).place == CHEAP


def test_what_fleet_yaml_names_wins_over_price() -> None:
    assert choose(CHEAP, [SHARED], replace(TERMS, wish="pool-p4d")).place == SHARED
    assert choose(SHARED, [CHEAP], replace(TERMS, wish="pool-p4d")).place is None


def test_eight_of_eight_fill_a_machine_and_seven_do_not() -> None:
    assert fills_whole_instances(8, 8, copy_usd=3.0, instance_usd=24.0)
    assert not fills_whole_instances(7, 8, copy_usd=3.0, instance_usd=24.0)
    assert not fills_whole_instances(0, 8, copy_usd=3.0, instance_usd=24.0)


def test_cost_is_the_mean_over_the_day() -> None:
    """100 in flight need 110 slots, so six copies; a silent hour costs the floor of one."""
    assert usd_per_hour(np.array([10.0, 0.0]), SHARED, floor=1, headroom=1.0) == (6 + 1) / 2 * 3.0


def test_filled_hours_are_the_bits_of_the_day() -> None:
    assert filled(0b1011) == 3
