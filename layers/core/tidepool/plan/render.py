"""A plan as text: the same in the command, the log and the report. Plain, deterministic, one line a change.

+ codegen-inline   copies 4 → 8 on shared-p4d          +$12.63/h  140.2 in flight to be ready for, 24 a copy
- texteval         copies 3 → 2 on shared-p4d           -$3.16/h  8.1 in flight was the most of 15 minutes
~ codegen-flowgpt  move shared-p4d → shared-p5en        -$5.00/h  2 shared on ml.p5en.48xlarge: …; the move costs …
= blockgen         copies 4 → 3                             held  freeze: prod-freeze is closed
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol, assert_never

from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove
from tidepool.units import usd

WIDEST = 44
"""A longer name or change pushes its own line out instead of widening everybody's."""


class HeldBack(Protocol):
    """A change that was wanted and not asked for, as decision.record has it."""

    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def from_(self) -> float | str: ...
    @property
    def to(self) -> float | str: ...
    @property
    def reason(self) -> str: ...
    @property
    def because(self) -> str: ...


class Dollars(Protocol):
    """Dollars per hour of the fleet, as decision.record has them."""

    @property
    def now_usd_per_hour(self) -> float: ...
    @property
    def planned_usd_per_hour(self) -> float: ...
    @property
    def dedicated_usd_per_hour(self) -> float: ...


class Decided(Protocol):
    """What is rendered of a decision: a plan knows nothing of how it was decided."""

    @property
    def now(self) -> int: ...
    @property
    def config_commit(self) -> str: ...
    @property
    def changes(self) -> Sequence[Change]: ...
    @property
    def held(self) -> Sequence[HeldBack]: ...
    @property
    def spend(self) -> Dollars: ...


Row = tuple[str, str, str, str, str]
"""Sign, who, what, dollars, why."""


def render(decided: Decided) -> str:
    """Every change with its reason, then what is held and why, then the dollars. Ends without a newline."""
    rows = [change_row(change) for change in decided.changes] + [held_row(held) for held in decided.held]
    return "\n".join([heading(decided.now, decided.config_commit), *aligned(rows), summary(decided)])


def heading(now: int, commit: str) -> str:
    """'plan of 2026-11-23 06:00:00 UTC, fleet.yaml 1a2b3c4'."""
    return f"plan of {moment(now)}{f', fleet.yaml {commit}' if commit else ''}"


def moment(at: int) -> str:
    """Seconds since 1970 as people read them."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def summary(decided: Decided) -> str:
    """'2 changes, 1 held. $900.00/h now → $870.00/h planned (-$30.00/h); each model alone: $2,400.00/h.'"""
    spend, count = decided.spend, len(decided.changes)
    changes = "no changes" if count == 0 else f"{count} change{'' if count == 1 else 's'}"
    delta = change_usd(spend.planned_usd_per_hour - spend.now_usd_per_hour)
    now, planned, alone = (
        usd(amount) for amount in (spend.now_usd_per_hour, spend.planned_usd_per_hour, spend.dedicated_usd_per_hour)
    )
    bill = f"{now}/h now → {planned}/h planned ({delta}); each model alone: {alone}/h"
    return f"{changes}, {len(decided.held)} held. {bill}."


def aligned(rows: Sequence[Row]) -> list[str]:
    """The rows as lines, who, what and dollars in columns."""
    who, what, dollars = (
        max((len(row[column]) for row in rows if len(row[column]) <= WIDEST), default=0) for column in (1, 2, 3)
    )
    return [f"{row[0]} {row[1]:<{who}}  {row[2]:<{what}}  {row[3]:>{dollars}}  {row[4]}".rstrip() for row in rows]


def change_row(change: Change) -> Row:
    """One change: + adds, - takes away, ~ does neither or both."""
    dollars = change_usd(change.usd_per_hour)
    match change:
        case ScaleCopies():
            who = change.model if change.model == change.component else f"{change.model} ({change.component})"
            what = f"copies {change.copies_from} → {change.copies_to} on {change.endpoint}"
            return _sign(change.copies_from, change.copies_to), who, what, dollars, change.because
        case ScaleInstances():
            what = f"instances {change.instances_from} → {change.instances_to} on {change.endpoint}"
            return _sign(change.instances_from, change.instances_to), change.model, what, dollars, change.because
        case SetBounds():
            was, will = f"{change.min_from}-{change.max_from}", f"{change.min_to}-{change.max_to}"
            return "~", f"pool {change.pool}", f"bounds {was} → {will}", dollars, change.because
        case SetAutoscaling():
            return _sign(change.min_from, change.min_to), change.model, _autoscaling(change), dollars, change.because
        case StartMove():
            home = f"{change.size} {change.to_hosting.value} on {change.instance_type}"
            why = f"{home}: {change.because}; the move costs {usd(change.move_cost_usd)}"
            return "~", change.model, f"move {change.from_endpoint} → {change.to_endpoint}", dollars, why
        case _:
            assert_never(change)


def _autoscaling(change: SetAutoscaling) -> str:
    """'autoscaling of b: minimum 2 → 4, suspended nothing → in out scheduled': what changes of it."""
    minimum = f"minimum {change.min_from} → {change.min_to}" if change.min_from != change.min_to else ""
    was, will = (words or "nothing" for words in (change.suspended_from, change.suspended_to))
    suspended = f"suspended {was} → {will}" if was != will else ""
    return f"autoscaling of {change.target}: {', '.join(part for part in (minimum, suspended) if part)}"


def held_row(held: HeldBack) -> Row:
    """One change that does not happen, and which of the guard's rules holds it."""
    what = f"{_VERBS.get(held.kind, held.kind)} {_number(held.from_)} → {_number(held.to)}"
    return "=", held.subject, what, "held", f"{held.reason}: {held.because}"


_VERBS = {
    "ScaleCopies": "copies",
    "ScaleInstances": "instances",
    "SetBounds": "bounds to",
    "SetAutoscaling": "autoscaling minimum",
    "StartMove": "move",
}


def change_usd(amount: float) -> str:
    """A change of the bill: 9.469 → '+$9.47/h', -3.16 → '-$3.16/h'; less than half a cent is '$0.00/h'."""
    if abs(amount) < 0.005:
        return "$0.00/h"
    return f"{'+' if amount > 0 else '-'}{usd(abs(amount))}/h"


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _sign(was: int, will: int) -> str:
    return "+" if will > was else "-" if will < was else "~"
