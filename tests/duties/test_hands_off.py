"""Every record says who is hands off while it lasts, whether or not a change was wanted."""

from __future__ import annotations

from dataclasses import replace

from builders import NOW, a_component, a_config, a_fleet, a_model, a_pool
from tidepool.config.types import Config, Hold
from tidepool.decision.pipeline import decide
from tidepool.fleet import Fleet, Signal, SignalKind
from tidepool.memory import Memory

KNOWN = Memory(homes_checked=NOW)
BOTH = [a_component("a"), a_component("b")]


def told(fleet: Fleet, config: Config) -> list[tuple[str, str, str]]:
    """(stage, model, because) of every step that says hands off."""
    steps = decide(fleet, config, KNOWN, NOW).steps
    return [(step.stage, step.subject, step.because) for step in steps if step.stage in {"hold", "move"}]


def test_nothing_is_said_of_a_model_that_nobody_holds_and_that_stays() -> None:
    assert told(a_fleet(components=BOTH), a_config(a_model("a"), a_model("b"))) == []


def test_a_held_model_is_named_with_who_and_why_though_no_change_is_wanted() -> None:
    fleet = a_fleet(components=BOTH)
    by_command = replace(fleet, signals=(Signal(SignalKind.HOLD, "a", NOW - 1, NOW + 60, "kim", "CHG-1"),))
    assert told(by_command, a_config(a_model("a"), a_model("b"))) == [("hold", "a", "kim holds it: CHG-1")]
    by_file = a_config(a_model("a"), a_model("b", hold=Hold(NOW + 60, "audit")))
    assert told(fleet, by_file) == [("hold", "b", "fleet.yaml holds it: audit")]


def test_a_hold_that_is_over_is_not_said() -> None:
    assert told(a_fleet(components=BOTH), a_config(a_model("a", hold=Hold(NOW, "audit")), a_model("b"))) == []


def test_a_hold_of_everything_holds_every_model() -> None:
    fleet = replace(
        a_fleet(components=BOTH, endpoints=[a_pool()]),
        signals=(Signal(SignalKind.HOLD, "*", NOW - 1, NOW + 60, "kim", "CHG-1"),),
    )
    assert [model for _, model, _ in told(fleet, a_config(a_model("a"), a_model("b")))] == ["a", "b"]


def test_an_open_move_is_named_with_what_it_has_made() -> None:
    fleet = replace(a_fleet(components=BOTH), moving={"b": ("b-new",), "a": ()})
    assert told(fleet, a_config(a_model("a"), a_model("b"))) == [
        ("move", "a", "nothing is made yet"),
        ("move", "b", "made b-new"),
    ]
