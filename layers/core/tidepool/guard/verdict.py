"""May this change go out? One rule a function, in the order of precedence; the first that binds is the reason.

hold > no evidence > AWS is busy with it > floors > freeze > quota > budget (never below floors) > limits > the rest.
Floors are part of what is wanted (they raise it), so here they only exempt a raise from budget and limits.
"""

from __future__ import annotations

from dataclasses import dataclass

from tidepool.guard.limits import Allowance


@dataclass(frozen=True, slots=True)
class Asked:
    """One change as the guard sees it.

    size_from → size_to, both copies, or both instances where `instances` says so. A raise up to `floor` is never
    denied by budget or limits. rung_forbids: what the ladder says ('' = allowed); held, evidence, busy, frozen: '' or
    the reason. room: how many more the quota and the pool still hold. usd_each: dollars an hour of one.
    """

    size_from: int
    size_to: int
    floor: int
    instances: bool
    rung_forbids: str
    held: str
    evidence: str
    busy: str
    frozen: str
    room: int
    usd_each: float

    @property
    def up(self) -> int:
        """How many more are asked for; negative when lowering."""
        return self.size_to - self.size_from


@dataclass(frozen=True, slots=True)
class Passed:
    """How much of it may go out (size_to), and what bound the rest ('' when nothing did)."""

    size_to: int
    bound: str
    because: str


def passes(asked: Asked, *, allowance: Allowance, budget_left: float | None) -> Passed:
    """The part of the change that may go out now. A raise may pass in part, a lowering too."""

    def none(bound: str, because: str) -> Passed:
        return Passed(asked.size_from, bound, because)

    if asked.held:
        return none("hold", asked.held)
    if asked.evidence:
        return none("no evidence", asked.evidence)
    if asked.rung_forbids:
        return none("ladder", asked.rung_forbids)
    if asked.busy:
        return none("busy", asked.busy)
    if asked.up < 0:
        return _lower(asked, allowance)
    return _raise(asked, allowance, budget_left)


def _lower(asked: Asked, allowance: Allowance) -> Passed:
    if asked.frozen:
        return Passed(asked.size_from, "freeze", asked.frozen)
    left = (
        min(allowance.instances, -asked.up) if asked.instances else min(allowance.copies, allowance.lowered, -asked.up)
    )
    if left < -asked.up:
        return Passed(asked.size_from - left, "limits", f"{left} may still be lowered in this tick and hour")
    return Passed(asked.size_to, "", "")


def _raise(asked: Asked, allowance: Allowance, budget_left: float | None) -> Passed:
    room = max(0, asked.room)
    if asked.up > room:
        why = f"quota and pool have room for {room} more"
        if room == 0:
            return Passed(asked.size_from, "quota", why)
        asked_up, bound, because = room, "quota", why
    else:
        asked_up, bound, because = asked.up, "", ""
    must = min(asked_up, max(0, asked.floor - asked.size_from))
    may = asked_up
    if budget_left is not None and asked.usd_each > 0 and may * asked.usd_each > budget_left:
        affordable = max(must, int(max(0.0, budget_left) / asked.usd_each))
        if affordable < may:
            may, bound, because = affordable, "budget", f"the budget pays for {affordable} more"
    limit = allowance.instances if asked.instances else allowance.copies
    if may > max(limit, must):
        may, bound, because = max(limit, must), "limits", f"{max(limit, 0)} may still be added in this tick"
    return Passed(asked.size_from + may, bound, because)
