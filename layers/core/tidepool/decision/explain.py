"""Why one model is as it is, as text. Pure; nothing is decided again.

The explanation was built while deciding: every line is a step, a change or a held change of the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tidepool.config.fields import nearest
from tidepool.decision.record import Step
from tidepool.decision.stored import Record, read_record
from tidepool.errors import BadInput, Problem
from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove
from tidepool.plan.render import aligned, change_row, held_row, moment, render


def plan_text(record: bytes) -> str:
    """The plan of a stored record: the text that plan.render gives for the decision itself."""
    return render(read_record(record))


def explain(record: bytes, model: str) -> str:
    """What is, what is wanted, what was asked for or held back and why, then every stage's step.

    `model` is a model's identity, or the name of a component, endpoint or pool. BadInput when the record does not
    speak of it; UnknownSchema when it cannot be read. Ends without a newline.
    """
    read = read_record(record)
    names = _names(read, model)
    steps = [step for step in read.steps if step.subject in names]
    changes = [change for change in read.changes if names & _subjects(change)]
    held = [one for one in read.held if one.subject in names]
    if not (steps or changes or held):
        raise BadInput("explain", (_unknown(read, model),))
    commit = f", fleet.yaml {read.config_commit}" if read.config_commit else ""
    return "\n".join(
        [
            f"{model}, as decided at {moment(read.now)}{commit}",
            *_sizes(steps),
            *_section("asked for", aligned([change_row(change) for change in changes])),
            *_section("held back", aligned([held_row(one) for one in held])),
            *([] if changes or held else ["", "nothing is asked for, and nothing is held back"]),
            *_section("step by step", _told(steps)),
        ]
    )


def _sizes(steps: Sequence[Step]) -> Iterator[str]:
    """What is and what is wanted, one line a home."""
    for step in steps:
        if step.stage == "size":
            yield f"{step.subject}: {_value(step.from_)} now, {_value(step.to)} wanted"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from (f"  {line}" for line in lines)


def _told(steps: Sequence[Step]) -> list[str]:
    limits = [f"  [limit: {step.limit}]" if step.limit else "" for step in steps]
    rows = [
        (step.stage, step.subject, f"{_value(step.from_)} → {_value(step.to)}", step.because + limit)
        for step, limit in zip(steps, limits, strict=True)
    ]
    stage, subject, value = (max((len(row[column]) for row in rows), default=0) for column in (0, 1, 2))
    return [f"{row[0]:<{stage}}  {row[1]:<{subject}}  {row[2]:<{value}}  {row[3]}" for row in rows]


def _names(read: Record, model: str) -> frozenset[str]:
    """The model, the homes it lives on, and those its changes name. A step is filed under the home it sizes."""
    names = {model, *read.homes.get(model, ())}
    for change in read.changes:
        if not isinstance(change, SetBounds) and change.model == model:
            names |= _homes(change)
    return frozenset(names)


def _homes(change: ScaleCopies | ScaleInstances | SetAutoscaling | StartMove) -> set[str]:
    """The names under which a model's home is sized: its component, or its dedicated endpoint."""
    match change:
        case ScaleCopies():
            return {change.component}
        case ScaleInstances():
            return {change.endpoint}
        case SetAutoscaling():
            return {change.target}
        case StartMove():
            return {change.component or change.from_endpoint}


def _subjects(change: Change) -> set[str]:
    if isinstance(change, SetBounds):
        return {change.pool, change.endpoint}
    return {change.model, *_homes(change)}


def _unknown(read: Record, model: str) -> Problem:
    known = {step.subject for step in read.steps} | {one.subject for one in read.held}
    known = set(read.homes) or known.union(*(_subjects(change) for change in read.changes))
    allowed = "a model of this decision: " + (", ".join(sorted(known)) or "it speaks of none")
    return Problem("MODEL", model, allowed, nearest(model, known))


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
