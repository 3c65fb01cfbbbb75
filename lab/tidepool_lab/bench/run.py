"""One policy on one window: start state, warm-up, scored minutes, ten minutes after (bench-rules.md §1)."""

from __future__ import annotations

from collections.abc import Callable

from tidepool.units import HOUR_S, MINUTE_S
from tidepool_lab.bench.case import Case
from tidepool_lab.bench.result import PolicyResult
from tidepool_lab.bench.where import Account
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.rivals.dedicated import Dedicated, cost_usd, dedicated_cheapest, dedicated_peak, without_quota
from tidepool_lab.rivals.floor import floor_usd
from tidepool_lab.rivals.native import Native
from tidepool_lab.rivals.oracle import Truth
from tidepool_lab.rivals.policy import Policy
from tidepool_lab.rivals.tidepool import Tidepool
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.figures import Figures

Progress = Callable[[str, int, int], None]
"""(policy, simulated seconds so far, simulated seconds in all)."""


def no_progress(_policy: str, _done_s: int, _of_s: int) -> None:
    """Nobody is told."""


def simulate(
    case: Case, policy: Policy, *, name: str, fleet: ReferenceFleet | None = None, progress: Progress = no_progress
) -> PolicyResult:
    """The policy has lived the window; its row. `fleet`: the account's, where it is not the case's own.

    Time runs an hour at a time, so that the policy's own rhythm is never cut: it is not told where the window
    begins or ends (bench-rules.md §1.3).
    """
    first, until = (case.at_s(minute) for minute in case.simulated)
    spec = account_of(fleet or case.fleet, start_up=case.start_up)
    cloud = Cloud(spec, case.arrivals(), seed=case.seed, start_s=first, epoch_s=case.epoch_s)
    scored_from, scored_until = (case.at_s(minute) for minute in case.scored)
    account = Account(cloud, scored_from, scored_until) if case.where else None
    policy.start(cloud)
    for stop in (*range(first + HOUR_S, until, HOUR_S), until):
        policy.run_to(cloud, stop)
        progress(name, stop - first, until - first)
    cloud.check_conservation()
    row = row_of(name, cloud.figures(scored_from, scored_until))
    return row if account is None else row.model_copy(update={"where": account.close()})


def row_of(name: str, figures: Figures) -> PolicyResult:
    """The twin's figures as a row of the table."""
    return PolicyResult(
        name=name,
        cost_usd=figures.cost_usd,
        on_time=figures.on_time,
        on_time_interactive=figures.on_time_interactive,
        on_time_batch=figures.on_time_batch,
        on_time_mean_model=figures.on_time_mean_model,
        models_meeting_objective=figures.models_meeting_objective,
        no_capacity_share=figures.no_capacity_share,
        copy_changes=figures.copy_changes,
        instance_changes=figures.instance_changes,
        moves=figures.moves,
    )


def run_floor(case: Case, progress: Progress = no_progress) -> PolicyResult:
    """The floor of the scored window: on time by definition, and no policy can pass it (bench-rules.md §5)."""
    seconds = case.minutes * MINUTE_S
    progress("floor", seconds, seconds)
    return PolicyResult(
        name="floor",
        cost_usd=floor_usd(case.fleet, case.window),
        on_time=1,
        on_time_interactive=1,
        on_time_batch=1,
        on_time_mean_model=1,
        models_meeting_objective=1,
    )


def run_dedicated(case: Case, name: str, progress: Progress = no_progress) -> PolicyResult:
    """dedicated_peak or dedicated_cheapest: dollars by the formula, on time as the twin finds it."""
    homes = (dedicated_peak if name == "dedicated_peak" else dedicated_cheapest)(case.declared, case.window)
    fleet = without_quota(case.fleet, homes)
    row = simulate(case, Dedicated(homes), name=name, fleet=fleet, progress=progress)
    return row.model_copy(update={"cost_usd": cost_usd(homes, case.minutes / 60)})


def run_native(case: Case, progress: Progress = no_progress) -> PolicyResult:
    """Target tracking on the start state (bench-rules.md §5)."""
    return simulate(case, Native(case.declared, case.first_minutes), name="native", progress=progress)


def run_tidepool(case: Case, *, dial: float = 1.0, progress: Progress = no_progress) -> PolicyResult:
    """Tidepool with its shipped defaults, told nothing but the file made from the fleet (bench-rules.md §4)."""
    policy = Tidepool(case.declared, case.fleet_yaml, case.first_minutes, dial=dial)
    return _with_own_figures(simulate(case, policy, name="tidepool", progress=progress), policy, case)


def run_oracle(case: Case, *, dial: float, progress: Progress = no_progress) -> PolicyResult:
    """Tidepool's pipeline with the true counts in place of its forecast (bench-rules.md §5)."""
    ahead = Truth(case.prepared.models, case.prepared.counts, case.epoch_s)
    policy = Tidepool(case.declared, case.fleet_yaml, case.first_minutes, ahead=ahead, dial=dial)
    row = simulate(case, policy, name=f"oracle, dial {dial:g}", progress=progress)
    return _with_own_figures(row, policy, case).model_copy(update={"name": "oracle"})


def _with_own_figures(row: PolicyResult, policy: Tidepool, case: Case) -> PolicyResult:
    """The row with Tidepool's own bill and how long its decisions took, over the scored window."""
    window = [case.at_s(minute) for minute in case.scored]
    p50, longest = policy.decide_ms(*window) or (None, None)
    own = policy.own_cost_usd(*window)
    return row.model_copy(update={"own_cost_usd": own, "decide_ms_p50": p50, "decide_ms_max": longest})
