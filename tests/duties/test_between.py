"""A model that is not asked every minute: what stands meanwhile, and what the next reading makes up for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from builders import NOW, a_component, a_config, a_fleet, evidence
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision
from tidepool.fleet import Evidence, Series
from tidepool.forecast.observed import observe
from tidepool.memory import Memory, Minute, ModelMemory

WATCHED = tuple(Minute(NOW - 60 * (25 - i), 25.0, 25.0, 2.5) for i in range(25))
"""25 requests in flight, every minute up to the last."""


def looked(seen: Evidence | None, recent: tuple[Minute, ...] = WATCHED, *, copies: int = 4, now: int = NOW) -> Decision:
    """A decision by that reading; None = its model was not asked."""
    memory = Memory(models={"a": ModelMemory(recent=recent, home="pool-p4d")}, homes_checked=now)
    load = {} if seen is None else {"a": seen}
    return decide(a_fleet(load, components=[a_component(copies=copies)]), a_config(), memory, now)


def only(seen: Evidence, *fields: str) -> Evidence:
    return Evidence(**{field: getattr(seen, field) for field in fields})


def test_the_count_alone_says_what_is_in_flight_and_the_gauge_alone_what_came() -> None:
    seen = evidence(30.0, 2)
    counted = observe(only(seen, "invocations"), copies=2, service_s=10.0, now=NOW, stretch=1.2)
    assert counted.in_flight == pytest.approx(36.0) and counted.rate == pytest.approx(3.0) and counted.fresh
    gauged = observe(only(seen, "concurrency"), copies=2, service_s=10.0, now=NOW, stretch=1.2)
    assert gauged.in_flight is not None and gauged.rate == pytest.approx(gauged.in_flight / 12) and gauged.fresh


def test_a_silent_count_is_idle_only_while_copies_report() -> None:
    silent = Series(NOW - 960, 60, np.full(15, np.nan))
    reporting = Evidence(invocations=silent, utilisation=Series(NOW - 960, 60, np.full(15, 1.0)))
    assert observe(reporting, copies=2, service_s=10.0, now=NOW).idle
    dark = observe(replace(reporting, utilisation=silent), copies=2, service_s=10.0, now=NOW)
    assert not dark.idle and dark.in_flight is None


def test_between_two_readings_the_last_one_stands_raises_and_lowers_nothing() -> None:
    short, ample = looked(None, copies=1), looked(None, copies=12)
    assert [change.copies_to for change in short.changes] == [
        change.copies_to for change in looked(evidence(25.0, 1), copies=1).changes
    ]
    assert ample.changes == () and looked(evidence(25.0, 12), copies=12).changes
    assert short.memory.models["a"].recent == WATCHED, "nothing is remembered twice"


def test_a_reading_stands_for_two_looks_and_then_nothing_is_known() -> None:
    assert looked(None, copies=1, now=NOW + 60).changes
    assert looked(None, copies=1, now=NOW + 120).changes == ()


def test_the_next_reading_makes_up_for_the_minutes_between() -> None:
    every = [25.0] * 12 + [5.0, 40.0, 10.0]
    seen = only(evidence(every, 4), "invocations", "utilisation")
    after = looked(seen, WATCHED[:-1]).memory.models["a"]
    assert [(minute.at, minute.rate) for minute in after.recent[-3:]] == [(NOW - 120, 2.5), (NOW - 60, 4.0), (NOW, 1.0)]
    assert sum(block.minutes for block in after.blocks) == 2
