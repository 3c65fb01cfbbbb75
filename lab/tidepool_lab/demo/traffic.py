"""The demo's traffic: one day of 14 models from a seed, with parameters from published traces.

Sources are rows of ../shared/traces/catalog.csv (file, model): mean requests per minute, peak over mean,
share of zero minutes. Arrivals are Poisson around the shape; nothing is copied from a trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
import numpy.typing as npt

DAY_MINUTES = 1440

Counts = npt.NDArray[np.int64]
Rates = npt.NDArray[np.float64]


class Shape(StrEnum):
    OFFICE = "office"
    """Follows office hours, with a dip at noon; never quite silent."""
    ROUNDS = "rounds"
    """Silent, then rounds of work: jobs that somebody or something starts."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One model's day. `mean_rpm` is requests per minute over the day.

    OFFICE: `peak` is the highest minute ÷ the mean. ROUNDS: `rounds` a day, each lasting about `minutes`.
    source: the catalogue's row that it is like.
    """

    model: str
    shape: Shape
    mean_rpm: float
    source: str
    peak: float = 3.0
    rounds: int = 0
    minutes: int = 0


PROFILES = (
    Profile("codegen-inline", Shape.OFFICE, 1667.0, "azure-llm-2024-week azure24-code: 1667 rpm", 3.6),
    Profile("codegen-blockgen", Shape.OFFICE, 73.6, "reason-mm mm-image-c005: 73.6 rpm", 2.6),
    Profile("codegen-flowgpt", Shape.OFFICE, 16.6, "reason-mm deepseek-r1-c026: 16.6 rpm", 4.0),
    Profile("texteval", Shape.ROUNDS, 38.3, "reason-mm mm-image-c010: 38.3 rpm", rounds=4, minutes=60),
    Profile("apex-chat", Shape.OFFICE, 147.0, "azure-llm-2023-hour azure-code: 147 rpm", 2.8),
    Profile("case-summary", Shape.OFFICE, 22.7, "reason-mm deepseek-r1-c028: 22.7 rpm", 2.6),
    Profile("email-draft", Shape.OFFICE, 38.3, "reason-mm mm-image-c010: 38.3 rpm", 2.4),
    Profile("kb-answers", Shape.OFFICE, 16.6, "reason-mm deepseek-r1-c026: 16.6 rpm", 3.2),
    Profile("test-writer", Shape.ROUNDS, 6.3, "reason-mm mm-image-c017: 6.3 rpm", rounds=5, minutes=50),
    Profile("sql-assist", Shape.OFFICE, 4.2, "azure-functions fn-dbb2888052: 4.2 rpm", 4.0),
    Profile("code-review", Shape.ROUNDS, 4.6, "reason-mm deepseek-r1-c022: 4.6 rpm", rounds=6, minutes=40),
    Profile(
        "doc-translate",
        Shape.ROUNDS,
        2.1,
        "reason-mm deepseek-r1-c071: 2.1 rpm",
        rounds=3,
        minutes=45,
    ),
    Profile(
        "log-triage",
        Shape.ROUNDS,
        0.26,
        "reason-mm deepseek-r1-c004: 0.26 rpm",
        rounds=4,
        minutes=10,
    ),
    Profile(
        "release-notes",
        Shape.ROUNDS,
        0.06,
        "reason-mm deepseek-r1-c052: 0.06 rpm",
        rounds=2,
        minutes=5,
    ),
)

NIGHT_SHARE = 0.12
"""Lowest ÷ highest level of an OFFICE day: hourly means of azure24-code give 0.09 to 0.19, by day."""

ROUNDS_FROM, ROUNDS_UNTIL = 6 * 60, 20 * 60
"""Minutes of the day between which rounds start: jobs follow people's working day (assumed)."""

WOBBLE = 0.09
"""Relative deviation of 10-minute counts around their hour: m-large-c091 of servegen-week1, steady."""


def day(seed: int, *, profiles: tuple[Profile, ...] = PROFILES) -> Counts:
    """[1440, models]: requests per minute. A model's column depends on (seed, its position) alone."""
    columns = []
    for position, profile in enumerate(profiles):
        rng = np.random.default_rng([seed, position])
        match profile.shape:
            case Shape.OFFICE:
                rates = _office(profile, rng)
            case Shape.ROUNDS:
                rates = _rounds(profile, rng)
        columns.append(rng.poisson(rates))
    return np.stack(columns, axis=1).astype(np.int64)


def _office(profile: Profile, rng: np.random.Generator) -> Rates:
    """Office hours as two humps (about 10:00 and 15:00), a slow wobble, and the profile's mean and peak."""
    minute = np.arange(DAY_MINUTES)
    shift = rng.normal(0, 20)
    morning = np.exp(-0.5 * ((minute - 610 - shift) / 95) ** 2)
    afternoon = np.exp(-0.5 * ((minute - 900 - shift) / 110) ** 2)
    humps = morning + 0.95 * afternoon
    shape = NIGHT_SHARE + (1 - NIGHT_SHARE) * humps / humps.max()
    # A power makes peak ÷ mean what the profile says: humps alone give about 2.4. Solved by bisection.
    low, high = 0.2, 4.0
    for _ in range(40):
        power = (low + high) / 2
        bent = shape**power
        low, high = (power, high) if bent.max() / bent.mean() < profile.peak else (low, power)
    bent = shape**low
    wobble = np.repeat(rng.lognormal(0, WOBBLE, DAY_MINUTES // 10), 10)
    return np.asarray(profile.mean_rpm * bent / bent.mean() * wobble, dtype=np.float64)


def _rounds(profile: Profile, rng: np.random.Generator) -> Rates:
    """`rounds` starts over the working day, each a ramp, a plateau and a tail; length and height vary."""
    rates = np.zeros(DAY_MINUTES)
    slots = np.linspace(ROUNDS_FROM, ROUNDS_UNTIL, profile.rounds + 1)
    for begin, end in pairwise(slots):
        start = int(rng.uniform(begin, (begin + end) / 2))
        length = max(3, int(profile.minutes * rng.lognormal(0, 0.25)))
        height = rng.lognormal(0, 0.3)
        ramp = np.minimum(1.0, np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1)) / max(1, length // 5))
        stop = min(DAY_MINUTES, start + length)
        rates[start:stop] += height * ramp[: stop - start]
    total = rates.sum()
    return np.asarray(rates * (profile.mean_rpm * DAY_MINUTES / total) if total else rates, dtype=np.float64)
