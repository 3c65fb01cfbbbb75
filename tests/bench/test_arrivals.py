"""How a minute's requests fall on its steps (bench-rules.md §1.3, §2.4, §7)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tidepool_lab.inputs.arrivals import TraceArrivals, spread
from tidepool_lab.inputs.trace import Counts


def counts_of(minutes: int = 60, models: int = 3, mean: float = 40.0) -> Counts:
    return np.random.default_rng(7).poisson(mean, (minutes, models)).astype(np.int64)


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=12), st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_rule_2_4_every_request_falls_on_exactly_one_step(row: list[int], seed: int):
    counts = np.array([row], dtype=np.int64)
    assert (spread(counts, seed=seed, first_minute=5).sum(axis=2) == counts).all()


def test_rule_2_4_steps_are_uniform_and_independent():
    placed = spread(np.full((400, 5), 300, dtype=np.int64), seed=1, first_minute=0).astype(float)
    # 600,000 requests on 30 steps: χ² with 29 degrees of freedom is below 58.3 with probability 0.999.
    totals = placed.sum(axis=(0, 1))
    assert ((totals - totals.mean()) ** 2 / totals.mean()).sum() < 58.3
    # A multinomial(300, 1/30) has variance 300 · 1/30 · 29/30 = 9.67 per step, a sloppier draw has more or less.
    assert 9.2 < placed.var() < 10.1


def test_rule_2_4_the_draw_depends_on_seed_position_and_minute_alone():
    counts = counts_of()
    whole = spread(counts, seed=1, first_minute=0)
    assert (spread(counts[20:], seed=1, first_minute=20) == whole[20:]).all()
    assert (spread(counts[:, :2], seed=1, first_minute=0) == whole[:, :2]).all()
    assert (spread(counts, seed=2, first_minute=0) != whole).any()


def test_rule_2_4_names_do_not_matter(tmp_path: Path):
    counts = counts_of()
    one = TraceArrivals(("a", "b", "c"), counts, seed=1, cache=tmp_path)
    other = TraceArrivals(("z", "y", "x"), counts, seed=1, cache=None)
    assert all((one.counts(m) == other.counts(m)).all() for m in range(60))


def test_rule_7_noise_after_a_minute_leaves_earlier_arrivals_alone():
    counts = counts_of()
    noisy = counts.copy()
    noisy[30:] = np.random.default_rng(9).integers(0, 500, noisy[30:].shape)
    assert (spread(counts, seed=1, first_minute=0)[:30] == spread(noisy, seed=1, first_minute=0)[:30]).all()


def test_rule_1_3_after_the_trace_there_is_silence():
    arrivals = TraceArrivals(("a", "b", "c"), counts_of(minutes=60), seed=1, cache=None)
    assert arrivals.counts(60).sum() == 0
    assert arrivals.per_minute(58, 62).sum(axis=1)[2:].tolist() == [0, 0]


def test_what_the_cache_holds_is_what_would_be_drawn(tmp_path: Path):
    counts = counts_of(minutes=1500)
    first = TraceArrivals(("a", "b", "c"), counts, seed=1, cache=tmp_path)
    again = TraceArrivals(("a", "b", "c"), counts, seed=1, cache=tmp_path)
    drawn = spread(counts, seed=1, first_minute=0)
    for minute in (0, 1439, 1440, 1499):
        assert (first.counts(minute) == drawn[minute]).all()
        assert (again.counts(minute) == drawn[minute]).all()
    assert len(list(tmp_path.glob("*.npy"))) == 2
