"""A file that raises a rung, lowers a floor or drops a hold is announced with the difference (rule 7)."""

from __future__ import annotations

from builders.fleetfile import FULL, NOW, fleet
from tidepool.config.differences import differences
from tidepool.config.load import load

WORKDAY = 'days: Mon-Fri, from: "08:00", to: "18:00"'


def said(old: str, new: str, now: int = NOW) -> list[str]:
    return [str(one) for one in differences(load(old), load(new), now=now)]


def models(text: str) -> str:
    return fleet(f"models: {{{text}}}")


def test_the_same_file_differs_in_nothing() -> None:
    assert said(FULL, FULL) == []


def test_a_raised_rung_is_announced_and_a_lowered_one_is_not() -> None:
    low, high = fleet("act: watch", "models: {a: {act: raise}}"), fleet("act: scale", "models: {a: {act: run}}")
    assert said(low, high) == [
        "rung raised for fleet.yaml: watch → scale",
        "rung raised for a: raise → run",
    ]
    assert said(high, low) == []


def test_a_name_that_falls_to_a_glob_is_compared_with_that_glob() -> None:
    assert said(models("a: {act: watch, min_copies: 3}"), models('"*": {act: run, min_copies: 1}')) == [
        "rung raised for *: watch → run",
        "rung raised for a: watch → run",
        "floor lowered for a: min_copies 3 → min_copies 1",
    ]


def test_a_model_that_is_no_longer_named_keeps_no_floor_of_its_own() -> None:
    assert said(models("a: {class: interactive}"), models("b: {}")) == [
        "floor lowered for a: min_copies 2 → min_copies 1"
    ]


def test_a_floor_lowered_through_its_class_is_announced_for_each_key() -> None:
    old = fleet("models: {a: {class: interactive}}")
    new = fleet("classes: {interactive: {min_copies: 1, zones: 1}}", "models: {a: {class: interactive}}")
    assert said(old, new) == ["floor lowered for a: min_copies 2 → min_copies 1"]


def test_a_scheduled_floor_that_is_cut_short_is_announced() -> None:
    old = models(f"a: {{schedule: [{{{WORKDAY}, min_copies: 8}}]}}")
    shorter = models(f"a: {{schedule: [{{{WORKDAY.replace('18:00', '17:00')}, min_copies: 8}}]}}")
    assert said(old, shorter) == ["floor lowered for a: min_copies 8 on Mon-Fri 08:00-18:00 → min_copies 1"]
    assert said(shorter, old) == []


def test_a_scheduled_floor_that_others_keep_together_is_not_missed() -> None:
    old = models(f"a: {{schedule: [{{{WORKDAY}, min_copies: 8}}]}}")
    morning = '{days: Mon-Sun, from: "07:00", to: "12:00", min_copies: 9}'
    afternoon = '{days: Mon-Fri, from: "12:00", to: "19:00", min_copies: 8}'
    assert said(old, models(f"a: {{schedule: [{morning}, {afternoon}]}}")) == []
    assert said(old, models("a: {min_copies: 8}")) == []


def test_a_dated_floor_is_missed_only_while_it_is_to_come() -> None:
    old = models('a: {schedule: [{date: 2026-12-08, from: "22:00", to: "02:00", min_copies: 8}]}')
    assert said(old, models("a: {}")) == ["floor lowered for a: min_copies 8 on 2026-12-08 22:00-02:00 → min_copies 1"]
    assert said(old, models("a: {}"), now=NOW + 60 * 86_400) == []
    weekly = '{days: Tue, from: "20:00", to: "03:00", min_copies: 8}'
    assert said(old, models(f"a: {{schedule: [{weekly}]}}")) == []


def test_a_hold_that_is_dropped_or_shortened_before_its_end_is_announced() -> None:
    held = models("a: {hold: {until: 2026-12-10, why: audit}}")
    assert said(held, models("a: {}")) == ["hold dropped for a: held: audit → no hold"]
    assert said(held, models("a: {hold: {until: 2026-12-01, why: audit}}")) == [
        "hold dropped for a: held: audit → a shorter hold"
    ]
    assert said(held, models("a: {}"), now=NOW + 60 * 86_400) == []


def test_a_pool_whose_bounds_are_opened_is_announced() -> None:
    old, new = fleet(pools="p: {act: scale}"), fleet(pools="p: {bounds: write, act: size}")
    assert said(old, new) == [
        "rung raised for pool p: scale → size",
        "rung raised for pool p: bounds not written → bounds written",
    ]
