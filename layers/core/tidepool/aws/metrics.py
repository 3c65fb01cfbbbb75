"""Every metric that Tidepool writes of itself: alarms and the dashboard of template.yaml know no others.

In embedded metric format, under the namespace Tidepool and the one dimension `service`, the stack's name. Each is $0.30
a month (CloudWatch price list), so there is none by model: the decision records have those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from tidepool.units import MINUTE_S

# Every handler counts, and few of them decide, learn or move: what only those need is imported where they count.
if TYPE_CHECKING:
    from tidepool.decision.record import Decision
    from tidepool.memory import Learned
    from tidepool.move.attach import Attach
    from tidepool.move.state import Move


class Metric(StrEnum):
    """Counts, if not said otherwise."""

    DECISION = "Decision"
    """One each minute; its absence is the dead man's switch."""
    CHANGE_ASKED = "ChangeAsked"
    CHANGE_HELD = "ChangeHeld"
    CHANGE_DONE = "ChangeDone"
    CHANGE_FAILED = "ChangeFailed"
    """AWS refused it, or did not answer."""
    CHANGE_PAUSED = "ChangePaused"
    """Not tried: AWS refused the same too often (runtime/carry_out.py)."""
    CHANGE_LEFT = "ChangeLeft"
    """Needed no call: already so, superseded, busy, or a move that began."""
    HELD_MINUTES = "HeldMinutes"
    """Minutes for which the longest-waiting raise has been held by quota, budget, limits or AWS; 0 = none waits."""
    SPEND_NOW = "SpendNowUsdPerHour"
    SPEND_ALONE = "SpendAloneUsdPerHour"
    """Dollars an hour with every model on machines of its own: what is saved is the distance to SpendNow."""
    OVER_BUDGET = "OverBudgetUsdPerHour"
    """Dollars an hour above fleet.yaml's budget; 0 below it, or without one."""
    FORECAST_ASTRAY = "ForecastAstrayPercent"
    """Share of the judged models whose newest hours lie mostly above nine of ten moments of their day before."""
    PAST_DEADLINE = "PastDeadline"
    """Open moves and attaches past their phase's deadline, and those that need a person. decide counts those that
    are open too: it is there when the hand that takes them further is not."""
    LATE_TICK = "LateTick"
    FREEZE_UNREAD = "FreezeUnread"
    """Decisions that took the fleet for frozen because an alarm or calendar of fleet.yaml could not be read."""
    FLEET_FILE_REFUSED = "FleetFileRefused"
    THROTTLED = "Throttled"
    """Runs that ended because AWS wanted fewer calls, all retries spent."""
    AWS_CALLS = "AwsCalls"
    """Calls of one run, retries not counted."""
    METRICS_READ = "MetricsRead"
    """Metrics that GetMetricData was asked for, at $0.01 a thousand: most of what Tidepool costs."""


def of_outcome(outcome: str) -> Metric:
    """Under what a change's outcome is counted (runtime.ports.Operation, or the phase of a move that began)."""
    match outcome:
        case "done":
            return Metric.CHANGE_DONE
        case "failed" | "unanswered":
            return Metric.CHANGE_FAILED
        case "paused":
            return Metric.CHANGE_PAUSED
        case _:
            return Metric.CHANGE_LEFT


def of_decision(decision: Decision, *, budget_usd_per_hour: float | None) -> Iterator[tuple[Metric, float]]:
    """What one decision says of the fleet and of Tidepool."""
    from tidepool.fleet import STANDS_STILL, UNREAD

    now, spend = decision.now, decision.spend
    since = min(decision.memory.held_since.values(), default=now)
    over = 0.0 if budget_usd_per_hour is None else max(0.0, spend.now_usd_per_hour - budget_usd_per_hour)
    yield Metric.DECISION, 1
    yield Metric.CHANGE_ASKED, len(decision.changes)
    yield Metric.CHANGE_HELD, len(decision.held)
    yield Metric.HELD_MINUTES, (now - since) // MINUTE_S
    yield Metric.SPEND_NOW, spend.now_usd_per_hour
    yield Metric.SPEND_ALONE, spend.dedicated_usd_per_hour
    yield Metric.OVER_BUDGET, over
    if unread := sum(step.limit == UNREAD for step in decision.steps):
        yield Metric.FREEZE_UNREAD, unread
    if still := sum(step.limit == STANDS_STILL for step in decision.steps):
        yield Metric.PAST_DEADLINE, still


def of_learned(learned: Learned) -> Iterator[tuple[Metric, float]]:
    """How the forecast does; nothing before a model has been judged for long enough."""
    from tidepool.forecast.calibration import astray

    verdicts = [verdict for model in learned.models.values() if (verdict := astray(model.judged.scores)) is not None]
    if verdicts:
        yield Metric.FORECAST_ASTRAY, 100 * sum(verdicts) / len(verdicts)


def of_moves(moves: Iterable[Move | Attach], now: int) -> tuple[Metric, float]:
    """How many of these are past their deadline."""
    from tidepool.move.overdue import overdue

    return Metric.PAST_DEADLINE, sum(overdue(one, now) for one in moves)


def of_calls(calls: Mapping[str, int]) -> Iterator[tuple[Metric, float]]:
    """What one run asked of AWS (aws.counted)."""
    yield Metric.AWS_CALLS, calls.get("calls", 0)
    yield Metric.METRICS_READ, calls.get("metrics", 0)
