"""llm-d's WVA V2, by its formulas and the worked examples of cost_aware_optimizer_test.go."""

from __future__ import annotations

import numpy as np
import pytest

from tidepool_lab.rivals.scaling import View
from tidepool_lab.rivals.wva import Variant, Wva, add, remove, required, spare


def cheap(copies: int) -> Variant:
    return Variant("cheap", 5.0, copies, 10_000)


def dear(copies: int) -> Variant:
    return Variant("expensive", 15.0, copies, 20_000)


def test_required_and_spare_are_read_at_085_and_070():
    # applyUniversalThreshold: 85,000 ÷ 0.85 − 60,000 = 40,000; 200,000 − 70,000 ÷ 0.70 = 100,000.
    assert required(85_000, anticipated=60_000) == pytest.approx(40_000)
    assert required(10_000, anticipated=60_000) == 0
    assert spare(70_000, supply=200_000) == pytest.approx(100_000)
    assert spare(190_000, supply=200_000) == 0


def test_capacity_is_added_where_it_is_cheapest_per_unit():
    # "should add replicas to most cost-efficient variant": ceil(5,000 ÷ 10,000) = 1 more of the cheap one.
    assert add(5_000, [cheap(2), dear(1)]) == {"cheap": 3, "expensive": 1}
    # "should spread across multiple variants when needed": ceil(25,000 ÷ 10,000) = 3 more.
    assert add(25_000, [cheap(1), Variant("mid", 10.0, 1, 15_000)]) == {"cheap": 4, "mid": 1}


def test_whole_copies_are_removed_from_the_dearest_first():
    # "should remove from most expensive variant first": 15,000 is no whole copy of 20,000, but one of 10,000.
    assert remove(15_000, [cheap(3), dear(2)]) == {"cheap": 2, "expensive": 2}
    # "should cascade scale-down across variants".
    mid = Variant("mid", 10.0, 2, 15_000)
    assert remove(50_000, [dear(2), mid, cheap(2)]) == {"expensive": 0, "mid": 2, "cheap": 1}


def test_the_cheapest_variant_keeps_the_models_last_copy():
    # "should protect cheapest variant at 1 replica", and "should remove cheap variant when …".
    assert remove(30_000, [dear(1), cheap(1)]) == {"expensive": 0, "cheap": 1}
    assert remove(15_000, [dear(1), cheap(1)]) == {"expensive": 1, "cheap": 0}
    assert remove(90_000, [cheap(3)]) == {"cheap": 1}


def test_what_is_on_its_way_is_counted_before_more_is_added():
    def view(copies: int, wanted: int) -> View:
        in_flight = np.full(18, 34.0)
        return View(copies, wanted, 1, 40, slots=10, service_s=1, in_flight=in_flight, minutes=np.zeros)

    # 34 ÷ 0.85 = 40; a copy holds 0.8 × 10 = 8: 5 copies, however many of them are still starting.
    assert Wva(0.8).desired(view(2, 2), 0) == 5
    assert Wva(0.8).desired(view(2, 5), 0) == 5
    # 34 ÷ 0.70 = 48.6; 9 copies hold 72: 23.4 are spare, 2 whole copies.
    assert Wva(0.8).desired(view(9, 9), 0) == 7
