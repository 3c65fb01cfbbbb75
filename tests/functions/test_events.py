"""Every event that can wake a function: one of each in events/, read as what it is, and refused when it is wrong."""

from __future__ import annotations

import copy
import json
import shlex
from typing import Any

import jsonschema
import pytest

from builders import NOW
from functions.event_schemas import EVENTS, MODELS, schema_text
from tidepool.aws.events import AlarmAction, ChangeAsked, Tick, change_asked, parse, tick_of
from tidepool.aws.events_of_people import MoveApproved, SignalSent, UndoAsked
from tidepool.errors import BadEvent
from tidepool.fleet import Signal, SignalKind
from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove


def event(name: str) -> Any:
    """The event of events/NAME.json."""
    return json.loads((EVENTS / f"{name}.json").read_text())


def paths(wrong: object) -> set[str]:
    """Where the problems of a refused event are."""
    with pytest.raises(BadEvent) as refused:
        read(wrong)
    return {problem.path for problem in refused.value.problems}


def read(given: object) -> object:
    """The event, and its change when it asks for one."""
    found = parse(given)
    if isinstance(found, ChangeAsked):
        return change_asked(given, ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove)
    return found


def test_each_event_has_a_schema_and_each_schema_an_event() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == set(MODELS)
    assert {path.name.removesuffix(".schema.json") for path in (EVENTS / "schemas").glob("*.json")} == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_an_event_fits_its_schema_and_is_read_as_what_it_is(name: str) -> None:
    jsonschema.validate(event(name), json.loads((EVENTS / "schemas" / f"{name}.schema.json").read_text()))
    assert isinstance(parse(event(name)), MODELS[name])
    read(event(name))


@pytest.mark.parametrize("name", MODELS)
def test_a_schema_is_what_the_handlers_read_by(name: str) -> None:
    written = (EVENTS / "schemas" / f"{name}.schema.json").read_text()
    assert written == schema_text(name), "run `python tests/functions/event_schemas.py`"


@pytest.mark.parametrize("name", MODELS)
def test_an_event_says_when_it_happened(name: str) -> None:
    assert parse(event(name)).at == NOW


def test_a_contributors_alarm_is_read_with_who_it_is() -> None:
    whole, part = parse(event("alarm")), parse(event("alarm-contributor"))
    assert isinstance(whole, AlarmAction) and whole.content.contributor is None
    assert isinstance(part, AlarmAction) and part.content.contributor is not None
    assert part.content.contributor.attributes == {"InferenceComponentName": "texteval-v3"}


@pytest.mark.parametrize(("age", "late"), [(0, False), (90, False), (91, True), (-5, False)])
def test_a_tick_older_than_90_seconds_is_late(age: int, late: bool) -> None:
    assert tick_of(event("tick"), "tidepool.tick").late(NOW + age) is late


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("scale-copies", ScaleCopies),
        ("scale-instances", ScaleInstances),
        ("set-bounds", SetBounds),
        ("start-move", StartMove),
    ],
)
def test_a_change_reaches_its_own_hand_and_no_other(name: str, kind: type[Change]) -> None:
    assert type(change_asked(event(name), kind)) is kind
    others = tuple({ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove} - {kind})
    with pytest.raises(BadEvent, match=kind.__name__):
        change_asked(event(name), *others)


def test_a_signal_is_read_whole() -> None:
    found = parse(event("signal"))
    assert isinstance(found, SignalSent)
    assert found.signal == Signal(SignalKind.HOLD, "texteval", NOW, NOW + 14_400, "kim@example.com", "CHG-4711 audit")


@pytest.mark.parametrize("skew_s", [-300, 300, 10**12])
def test_a_signal_counts_from_when_the_bus_took_it_whatever_the_senders_clock_said(skew_s: int) -> None:
    asked = event("signal")
    said = asked["detail"]["signal"]
    said["since"], said["until"] = said["since"] + skew_s, said["until"] + skew_s
    found = parse(asked)
    assert isinstance(found, SignalSent)
    assert (found.signal.since, found.signal.until) == (NOW, NOW + 14_400)
    said["until"] = said["since"]
    lifted = parse(asked)
    assert isinstance(lifted, SignalSent)
    assert (lifted.signal.since, lifted.signal.until) == (NOW, NOW)


def test_an_approval_names_the_move_and_who_lets_it_begin() -> None:
    found = parse(event("approval"))
    assert isinstance(found, MoveApproved)
    said = found.detail.approval
    assert (said.move, said.who) == (event("start-move")["detail"]["change"]["id"], "kim@example.com")


def test_a_way_back_names_the_move() -> None:
    found = parse(event("undo"))
    assert isinstance(found, UndoAsked)
    assert found.detail.undo.move == event("start-move")["detail"]["change"]["id"]


def test_the_events_that_the_docs_send_are_read_as_what_they_say() -> None:
    page = (EVENTS.parent / "docs" / "operate.md").read_text().replace("\\\n", "")
    lines = [shlex.split(line) for line in page.splitlines() if line.startswith("aws events put-events")]
    sent = [entry for words in lines for entry in json.loads(words[words.index("--entries") + 1])]
    found = [
        parse(
            {
                **event("signal"),
                "detail-type": s["DetailType"],
                "detail": json.loads(s["Detail"]),
                "source": s["Source"],
            }
        )
        for s in sent
    ]
    assert [type(one) for one in found] == [SignalSent, MoveApproved]
    assert {s["EventBusName"] for s in sent} == {"tidepool"}


@pytest.mark.parametrize("wrong", [None, 7, "text", [], {}, {"source": "aws.ec2"}, {"source": None}, {"source": ["x"]}])
def test_what_nobody_knows_is_refused(wrong: object) -> None:
    assert paths(wrong) <= {"event", "source"}


@pytest.mark.parametrize(
    ("name", "at", "value", "path"),
    [
        ("tick", ["time"], "yesterday", "time"),
        ("tick", ["surprise"], 1, "surprise"),
        ("alarm", ["alarmData", "state", "value"], "ON FIRE", "alarmData.state.value"),
        ("alarm", ["alarmData", "alarmName"], "", "alarmData.alarmName"),
        ("endpoint-state-change", ["detail-type"], "SageMaker Training Job State Change", "detail-type"),
        ("fleet-file-uploaded", ["detail", "object", "key"], "config/accepted.json", "detail.object.key"),
        ("signal", ["detail", "schema"], 2, "detail.schema"),
        ("signal", ["detail", "signal", "kind"], "boost", "detail.signal.kind"),
        ("signal", ["detail", "signal", "why"], "", "detail.signal.why"),
        ("signal", ["detail", "signal", "factor"], 0.5, "detail.signal.factor"),
        ("approval", ["detail", "approval", "move"], "", "detail.approval.move"),
        ("approval", ["detail", "approval", "who"], "", "detail.approval.who"),
        ("move", ["detail", "move", "id"], "5123", "detail.move.id"),
        ("move", ["detail", "move", "to"], "", "detail.move.to"),
        ("move", ["detail", "move", "surprise"], 1, "detail.move.surprise"),
        ("undo", ["detail", "undo", "why"], "", "detail.undo.why"),
        ("attach", ["detail", "attach", "copies"], -1, "detail.attach.copies"),
        ("attach", ["detail", "attach", "sagemaker_model"], "", "detail.attach.sagemaker_model"),
        ("scale-copies", ["detail", "schema"], 2, "detail.schema"),
        ("scale-copies", ["detail", "change", "kind"], "DropTable", "change.kind"),
        ("scale-copies", ["detail", "change", "copies_to"], -3, "change.copies_to"),
        ("scale-copies", ["detail", "change", "copies_to"], 2.5, "change.copies_to"),
        ("start-move", ["detail", "change", "to_hosting"], "nowhere", "change.to_hosting"),
    ],
)
def test_a_wrong_value_is_refused_where_it_stands(name: str, at: list[str], value: object, path: str) -> None:
    assert path in paths(_with(event(name), at, value))


def test_every_problem_is_told_at_once() -> None:
    wrong = _with(event("signal"), ["detail", "signal"], {"kind": "boost", "scope": "", "since": -1})
    assert {f"detail.signal.{field}" for field in ("kind", "scope", "since", "who", "why")} <= paths(wrong)


def test_a_refusal_shows_no_payload() -> None:
    wrong = _with(event("scale-copies"), ["detail"], {"secret": {"deep": "payload" * 100}})
    wrong["time"] = "x" * 5000
    with pytest.raises(BadEvent) as refused:
        parse(wrong)
    assert "payload" not in str(refused.value) and len(str(refused.value)) < 2000


def test_another_functions_tick_is_refused() -> None:
    with pytest.raises(BadEvent, match="another function's rule"):
        tick_of(event("moves-tick"), "tidepool.tick")


def test_a_tick_is_a_tick() -> None:
    assert isinstance(parse(event("learn-tick")), Tick)


def _with(given: dict[str, Any], at: list[str], value: object) -> dict[str, Any]:
    """The event with one value changed."""
    changed = copy.deepcopy(given)
    here = changed
    for part in at[:-1]:
        here = here[part]
    here[at[-1]] = value
    return changed
