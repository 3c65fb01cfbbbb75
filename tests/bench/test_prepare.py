"""The rules of bench-rules.md §1.1 and §2.1–2.3, by number."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tidepool.errors import BadTrace
from tidepool_lab.inputs.clock import EPOCH_S, minute_of, second_of
from tidepool_lab.inputs.prepare import Gap, cap_per_minute, fill_gaps, prepare, read_gaps, thin


def test_rule_1_1_minute_0_is_monday_2025_01_06_utc():
    assert datetime.fromtimestamp(EPOCH_S, UTC).isoformat() == "2025-01-06T00:00:00+00:00"
    assert datetime.fromtimestamp(EPOCH_S, UTC).strftime("%A") == "Monday"
    assert minute_of(second_of(1234) + 59) == 1234


def test_rule_2_1_a_hole_gets_a_binomial_of_twice_the_mean_around_it_and_nothing_else_changes():
    counts = np.full((400, 2), 100, dtype=np.int64)
    counts[100:200, :] = 0
    filled = fill_gaps(counts, ("m-mid-1", "m-large-1"), (Gap("m-mid", 100, 200),), seed=1)
    inside = filled[100:200, 0]
    # Binomial(200, ½): mean 100, standard deviation √50 = 7.1; the mean of 100 draws lies within ±3.
    assert abs(inside.mean() - 100) < 3
    assert 5 < inside.std() < 9
    assert inside.max() <= 200
    assert (filled[:100, 0] == 100).all() and (filled[200:, 0] == 100).all()
    assert (filled[:, 1] == counts[:, 1]).all()


def test_rule_2_1_the_mean_is_of_30_minutes_before_and_30_after_and_of_no_more():
    counts = np.full((400, 1), 1000, dtype=np.int64)
    counts[70:100] = 10
    counts[100:110] = 0
    counts[110:140] = 30
    filled = fill_gaps(counts, ("m",), (Gap("m", 100, 110),), seed=1)
    # round(2·20) = 40 trials.
    assert (filled[100:110] <= 40).all() and 10 < filled[100:110].mean() < 30


def test_rule_2_1_holes_are_looked_for_beside_the_trace(tmp_path: Path):
    assert read_gaps(tmp_path / "trace.csv.gz") == ()
    (tmp_path / "servegen-gaps.csv").write_text("model_prefix,start_minute,end_minute\nm-mid,5220,5330\n")
    assert read_gaps(tmp_path / "trace.csv.gz") == (Gap("m-mid", 5220, 5330),)


def test_a_broken_file_of_holes_is_refused_with_every_problem(tmp_path: Path):
    (tmp_path / "servegen-gaps.csv").write_text("model_prefix,start_minute,end_minute\nm,9,3\nm,x,3\n")
    with pytest.raises(BadTrace) as refused:
        read_gaps(tmp_path / "trace.csv.gz")
    assert [problem.line for problem in refused.value.problems] == [2, 3]


def test_rule_2_2_the_cap_is_floor_of_24_copies_60_s_and_concurrency_over_service(make_fleet):
    # 14B on A100-40: 19 slots at 9.5 s → 24 × 60 × 19 ÷ 9.5 = 2,880; 32B: 24 × 60 × 19 ÷ 11.9 = 2,299.16.
    assert cap_per_minute(make_fleet("a", size="14B")).tolist() == [2880]
    assert cap_per_minute(make_fleet("a", size="32B")).tolist() == [2299]


def test_rule_2_2_requests_beyond_the_cap_exist_for_nobody_and_are_counted(make_fleet, make_trace):
    ready = prepare(make_trace(minutes=3, a=[2879, 2880, 5000]), make_fleet("a", minutes=3), seed=1)
    assert ready.counts[:, 0].tolist() == [2879, 2880, 2880]
    assert ready.dropped[:, 0].tolist() == [0, 0, 2120]


@pytest.mark.parametrize(("scale", "low", "high"), [(0.5, 490, 510), (1.5, 1490, 1510), (2.0, 2000, 2000)])
def test_rule_2_3_thinning_draws_binomially_and_never_multiplies(scale: float, low: float, high: float):
    drawn = thin(np.full((1000, 1), 1000, dtype=np.int64), scale, seed=3)
    assert low <= drawn.mean() <= high
    if scale < 2:
        # n·p·(1 - p) = 250: multiplying would have no variance.
        assert 200 < drawn.var() < 300


def test_rule_2_3_a_scale_of_one_changes_nothing_and_beyond_two_is_refused():
    counts = np.arange(10, dtype=np.int64).reshape(10, 1)
    assert (thin(counts, 1.0, seed=3) == counts).all()
    with pytest.raises(BadTrace, match="up to 2"):
        thin(counts, 2.5, seed=3)


def test_rule_2_3_thinning_comes_before_the_cap(make_fleet, make_trace):
    ready = prepare(make_trace(minutes=200, a=2880), make_fleet("a", minutes=200), seed=1, scale=1.5)
    # Capped first, about 1.5 × 2,880 would remain.
    assert (ready.counts == 2880).all() and ready.dropped.sum() > 0
