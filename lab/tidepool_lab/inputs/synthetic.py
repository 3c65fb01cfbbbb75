"""Makes traffic of many models from a seed, with the shapes and volumes of the published figures.

The six classes and their figures are those of 66 tenants of a real service, week 1 of ServeGen (Xiang et al.,
arXiv 2505.09999, Apache-2.0), measured per model: mean requests a minute (quartiles), peak over mean (median),
share of minutes without a request (median), number of models. The traffic is drawn, not copied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from tidepool_lab.inputs.clock import DAY_MINUTES
from tidepool_lab.inputs.trace import Trace

Rates = npt.NDArray[np.float64]


class Shape(StrEnum):
    """How a model's traffic looks in 10-minute counts."""

    STEADY = "steady"
    DIURNAL = "diurnal"
    MIXED = "mixed"
    BURSTY = "bursty"
    INTERMITTENT = "intermittent"
    SPARSE = "sparse"


@dataclass(frozen=True, slots=True)
class Published:
    """What was measured of one class: quartiles of mean requests a minute; medians of the rest; how many models."""

    mean_rpm: tuple[float, float, float]
    peak_over_mean: float
    zero_minutes: float
    models: int


PUBLISHED: Mapping[Shape, Published] = {
    Shape.STEADY: Published((264.0, 412.0, 1493.0), 2.3, 0.02, 8),
    Shape.DIURNAL: Published((25.5, 132.0, 276.0), 8.0, 0.05, 13),
    Shape.MIXED: Published((127.0, 359.0, 929.0), 4.3, 0.02, 14),
    Shape.BURSTY: Published((13.2, 47.4, 104.0), 11.5, 0.22, 13),
    Shape.INTERMITTENT: Published((1.9, 8.1, 55.5), 89.0, 0.92, 14),
    Shape.SPARSE: Published((0.008, 0.01, 0.05), 673.0, 1.0, 4),
}


@dataclass(frozen=True, slots=True)
class Form:
    """The parameters of a class's curve; chosen so that what it draws has the published figures (a test says so).

    swing: a in exp(a·cos) over the day, whose peak over mean is e^a ÷ I0(a). weekend: factor on days 5 and 6.
    noise: coefficient of variation of a gamma factor per 10 minutes. burst_share: of the awake time, at
    burst_height times the level. awake: share of time with any traffic, in stretches of `stretch_minutes` on average.
    """

    swing: float
    noise: float
    weekend: float = 1.0
    burst_share: float = 0.0
    burst_height: float = 1.0
    awake: float = 1.0
    stretch_minutes: float = 600.0


FORMS: Mapping[Shape, Form] = {
    Shape.STEADY: Form(swing=0.45, noise=0.08, weekend=0.9),
    Shape.DIURNAL: Form(swing=2.2, noise=0.35, weekend=0.6, awake=0.96),
    Shape.MIXED: Form(swing=0.9, noise=0.30, weekend=0.8, awake=0.985),
    Shape.BURSTY: Form(swing=0.8, noise=0.35, burst_share=0.03, burst_height=4.0, awake=0.80, stretch_minutes=300.0),
    Shape.INTERMITTENT: Form(swing=0.3, noise=1.0, awake=0.08, stretch_minutes=45.0),
    Shape.SPARSE: Form(swing=0.0, noise=0.5, awake=0.0015, stretch_minutes=4.0),
}
BUCKET_MINUTES = 10
BURST_MINUTES = 20
"""Bursts last two of the 10-minute windows in which the classes were told apart."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one model's traffic is. `peak_hour` is UTC; `mean_rpm` is the mean over all minutes, asleep ones too."""

    shape: Shape
    mean_rpm: float
    peak_hour: float = 15.0


def draw_traffic(shape: Shape, rng: np.random.Generator) -> Traffic:
    """A model of that class: its mean is lognormal through the published quartiles, its peak in office hours."""
    low, middle, high = PUBLISHED[shape].mean_rpm
    # The quartiles of a normal are 1.349 standard deviations apart.
    mean = float(np.exp(rng.normal(np.log(middle), np.log(high / low) / 1.349)))
    return Traffic(shape, min(max(mean, low / 2), high * 2), peak_hour=float(rng.uniform(8, 20)))


def draw_counts(traffic: Traffic, minutes: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Requests per minute; shape [minutes], minute 0 is Monday 00:00 UTC. Poisson around a drawn curve."""
    form = FORMS[traffic.shape]
    at = np.arange(minutes)
    curve = np.exp(form.swing * np.cos(2 * np.pi * (at / 60 - traffic.peak_hour) / 24)) / float(np.i0(form.swing))
    curve = curve * np.where(at // DAY_MINUTES % 7 >= 5, form.weekend, 1.0)
    curve = curve * _gamma_noise(form.noise, minutes, rng)
    if form.burst_share:
        bursting = _stretches(form.burst_share, BURST_MINUTES, minutes, rng)
        curve = curve * np.where(bursting, form.burst_height, 1.0)
    if form.awake < 1:
        curve = curve * _stretches(form.awake, form.stretch_minutes, minutes, rng) / form.awake
    height = 1 + form.burst_share * (form.burst_height - 1)
    return np.asarray(rng.poisson(curve * traffic.mean_rpm / height), dtype=np.int64)


def draw_trace(traffic: Mapping[str, Traffic], minutes: int, *, seed: int) -> Trace:
    """The trace of named models, each from a stream of its own: (seed, position). The hash is of the counts."""
    columns = [
        draw_counts(one, minutes, np.random.default_rng([seed, position]))
        for position, one in enumerate(traffic.values())
    ]
    counts = np.stack(columns, axis=1)
    return Trace(tuple(traffic), counts, hashlib.sha256(counts.astype("<i8").tobytes()).hexdigest())


def _gamma_noise(cv: float, minutes: int, rng: np.random.Generator) -> Rates:
    """A factor of mean 1 and coefficient of variation `cv`, constant for 10 minutes."""
    buckets = -(-minutes // BUCKET_MINUTES)
    return np.repeat(rng.gamma(1 / cv**2, cv**2, buckets), BUCKET_MINUTES)[:minutes]


def _stretches(share: float, mean_minutes: float, minutes: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """On for `share` of the time in exponential stretches of `mean_minutes`, off in between; starts at random."""
    on = np.zeros(minutes, dtype=np.bool_)
    off_minutes = mean_minutes * (1 - share) / share
    at, awake = 0.0, bool(rng.random() < share)
    while at < minutes:
        length = rng.exponential(mean_minutes if awake else off_minutes)
        if awake:
            on[int(at) : int(at + length) + 1] = True
        at, awake = at + length, not awake
    return on
