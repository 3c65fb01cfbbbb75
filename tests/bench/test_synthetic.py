"""The generator draws traffic with the published figures, the same from the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from tidepool_lab.inputs.shipped import seeded_fleet, shipped_week
from tidepool_lab.inputs.synthetic import PUBLISHED, Shape, Traffic, draw_counts, draw_trace, draw_traffic

WEEK = 7 * 1440


@pytest.mark.parametrize("shape", list(Shape))
def test_a_classes_traffic_has_the_published_peak_over_mean_and_silence(shape: Shape):
    peaks, silent = [], []
    for position in range(24):
        rng = np.random.default_rng([11, position])
        counts = draw_counts(draw_traffic(shape, rng), WEEK, rng)
        if counts.any():
            peaks.append(counts.max() / counts.mean())
            silent.append(float((counts == 0).mean()))
    published = PUBLISHED[shape]
    assert published.peak_over_mean / 2 < float(np.median(peaks)) < published.peak_over_mean * 2
    assert float(np.median(silent)) == pytest.approx(published.zero_minutes, abs=0.05)


@pytest.mark.parametrize("shape", [Shape.STEADY, Shape.DIURNAL, Shape.MIXED, Shape.BURSTY])
def test_the_mean_is_what_was_asked_for(shape: Shape):
    means = [
        draw_counts(Traffic(shape, 100.0), WEEK, np.random.default_rng([2, position])).mean() for position in range(12)
    ]
    # Weekends are quieter than the mean that was asked for: up to 12 % over the week.
    assert 80 < float(np.mean(means)) < 110


def test_models_are_drawn_each_from_a_stream_of_its_own():
    both = draw_trace({"a": Traffic(Shape.STEADY, 50.0), "b": Traffic(Shape.BURSTY, 50.0)}, 300, seed=4)
    first = draw_trace({"a": Traffic(Shape.STEADY, 50.0), "b": Traffic(Shape.DIURNAL, 5.0)}, 300, seed=4)
    assert (both.counts[:, 0] == first.counts[:, 0]).all()


def test_the_shipped_week_is_the_same_each_time_and_fits_its_fleet():
    fleet, trace, sha256 = shipped_week()
    again, other, same = shipped_week()
    assert (fleet, trace.sha256, sha256) == (again, other.sha256, same)
    assert trace.models == fleet.names and trace.counts.shape == (fleet.minutes, len(fleet.models))
    assert fleet.minutes == WEEK


def test_the_shipped_week_has_every_kind_of_model():
    fleet, _, _ = shipped_week()
    assert {name.split("-")[1] for name in fleet.names} == set(Shape)
    assert {model.objective.kind for model in fleet.models} == {"interactive", "batch"}
    assert any(model.critical for model in fleet.models)


def test_another_seed_is_another_fleet():
    assert seeded_fleet(models=6, minutes=60, seed=1)[2] != seeded_fleet(models=6, minutes=60, seed=2)[2]
