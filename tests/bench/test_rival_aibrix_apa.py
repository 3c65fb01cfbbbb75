"""AIBrix's APA, by the table of its apa_test.go."""

from __future__ import annotations

import pytest

from tidepool_lab.rivals.aibrix_apa import recommend


@pytest.mark.parametrize(
    ("copies", "per_copy", "expected"),
    [
        (2, 45, 3),  # basic_scale_up
        (2, 35, 3),  # scale_up_upto_ceiling
        (2, 90, 4),  # scale_up_upto_max_scale_up: 6 needed, × 2 allowed
        (6, 20, 4),  # basic_scale_down
        (6, 18, 4),  # scale_down_upto_ceiling
        (6, 10, 3),  # scale_down_upto_max_scale_down: 2 needed, ÷ 2 allowed
        (2, 33, 2),  # no_scaling_as_within_up_tolerance
        (2, 27, 2),  # no_scaling_as_within_down_tolerance
    ],
)
def test_the_table_of_its_own_test_holds(copies: int, per_copy: float, expected: int):
    # TestAPAAlgorithm_ComputeTargetReplicas: target 30, tolerance 0.1 both ways, rates 2.
    assert recommend(copies, per_copy=per_copy, target=30, down_tolerance=0.1) == expected


def test_its_default_band_is_a_tenth_up_and_a_fifth_down():
    assert recommend(10, per_copy=24.1, target=30) == 10
    assert recommend(10, per_copy=23.9, target=30) == 8
    assert recommend(10, per_copy=33.1, target=30) == 12
