"""Every setting of every policy's dial, and one run at it: what the frontier sweeps (bench-rules.md §6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidepool_lab.bench.case import Case
from tidepool_lab.bench.equal import FEWEST_POINTS
from tidepool_lab.bench.result import PolicyResult
from tidepool_lab.bench.run import Progress, no_progress, run_dedicated, run_floor, run_oracle, run_tidepool, simulate
from tidepool_lab.bench.search import run_native_best
from tidepool_lab.rivals.native import Native
from tidepool_lab.rivals.native_best import LOADS, VARIANTS
from tidepool_lab.rivals.oracle import DIALS as ORACLE_DIALS
from tidepool_lab.rivals.policy import LOAD
from tidepool_lab.rivals.registry import RIVALS

TIDEPOOL_DIALS = (1000.0, 100.0, 10.0, 1.0, 0.3, 0.1)
"""The committed grid, around the shipped 1: what a late request costs (`miss_usd`), times this."""
DEFAULTS = {"tidepool": 1.0, "native": LOAD}
"""The dial of a policy's row in the plain table, where that is not looked for (bench-rules.md §5, §6)."""
ONE_RUN = ("dedicated_peak", "dedicated_cheapest", "floor")
"""Rows of the plain table that have no dial."""
OWN_SWEEPS = ("tidepool", "native", "native_best", "oracle")
OTHERS = tuple(name for name in RIVALS if name not in OWN_SWEEPS)
"""Policies that only the frontier has: each in the start state's homes and in those chosen by hand."""
SWEPT = (*OWN_SWEEPS, *OTHERS)
"""Every policy with a dial, in the order of the table."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One run: a policy with its dial at one place. `variant` is native_best's.

    by_hand: homes chosen by hand instead of the start state's. A policy without a dial has one setting.
    """

    policy: str
    dial: float = 1.0
    by_hand: bool = False
    variant: int = 0

    @property
    def curve(self) -> int:
        """Settings of a policy with the same number are neighbours on one grid."""
        return self.variant if self.policy == "native_best" else int(self.by_hand)

    @property
    def words(self) -> str:
        """The setting for people: 'dial 0.8', 'target 0.7, 60 s metric, CONSOLIDATION, homes by hand'."""
        if self.policy in ONE_RUN:
            return ""
        words = [f"{'target' if self.policy.startswith('native') else 'dial'} {self.dial:g}"]
        if self.policy == "native_best":
            words += [f"{VARIANTS[self.variant].metric} metric", VARIANTS[self.variant].scale_in]
        return ", ".join([*words, "homes by hand"] if self.by_hand else words)

    @property
    def default(self) -> bool:
        """It is the policy's row in the plain table."""
        return DEFAULTS.get(self.policy) == self.dial


def settings_of(policy: str) -> tuple[Setting, ...]:
    """Every setting of the policy, curve by curve, each from the most careful to the cheapest.

    ValueError for a rival whose grid is smaller than the rules allow.
    """
    if policy in ONE_RUN:
        return (Setting(policy),)
    curves = [Setting(policy, dial, by_hand, variant) for dials, by_hand, variant in _curves(policy) for dial in dials]
    if len({(one.curve, one.dial) for one in curves}) < FEWEST_POINTS * len({one.curve for one in curves}):
        raise ValueError(f"{policy} has fewer than {FEWEST_POINTS} settings on its dial (bench-rules.md §6)")
    return tuple(curves)


def run_setting(case: Case, setting: Setting, *, progress: Progress = no_progress) -> PolicyResult:
    """The policy's row at that setting; it says in `dial` and `variant` which it was."""
    row = _run(case, setting, progress)
    chosen = setting.words if setting.policy in {"native_best", "oracle"} else ""
    update = {"name": setting.policy, "setting": chosen, "dial": setting.dial, "variant": setting.variant}
    return row.model_copy(update=update)


def _curves(policy: str) -> Sequence[tuple[Sequence[float], bool, int]]:
    """(dials, homes by hand, variant) of each grid that the policy is swept over."""
    match policy:
        case "tidepool":
            return [(TIDEPOOL_DIALS, False, 0)]
        case "oracle":
            return [(ORACLE_DIALS, False, 0)]
        case "native":
            return [(LOADS, False, 0)]
        case "native_best":
            return [(LOADS, True, number) for number in range(len(VARIANTS))]
        case _:
            rival = RIVALS[policy]
            # Who places by hand as a matter of principle has no other homes.
            return [(rival.dials, by_hand, 0) for by_hand in ((False, True) if rival.both_homes else (True,))]


def _run(case: Case, setting: Setting, progress: Progress) -> PolicyResult:
    match setting.policy:
        case "tidepool":
            return run_tidepool(case, dial=setting.dial, progress=progress)
        case "oracle":
            return run_oracle(case, dial=setting.dial, progress=progress)
        case "native":
            policy = Native(case.declared, case.first_minutes, load=setting.dial)
            return simulate(case, policy, name="native", progress=progress)
        case "native_best":
            return run_native_best(case, number=setting.variant, load=setting.dial, progress=progress)
        case "floor":
            return run_floor(case, progress=progress)
        case "dedicated_peak" | "dedicated_cheapest":
            return run_dedicated(case, setting.policy, progress=progress)
        case _:
            rival = RIVALS[setting.policy].make(case, setting.dial, setting.by_hand)
            return simulate(case, rival, name=setting.policy, progress=progress)
