"""Every general rival by name: where its rule is from, its committed grid of settings, and how it is made.

Each is offered in two homes, the start state's and the ones chosen by hand (homes_by_hand); the better one is used,
so that no rival loses for want of a placement that it does not claim to choose. Importing this imports no rival's
own packages: ray is asked for only when Ray Serve's policy is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tidepool_lab.inputs.prepare import Prepared
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.rivals.native import Native
from tidepool_lab.rivals.native_best import LOADS, homes_by_hand
from tidepool_lab.rivals.policy import Minutes, Policy


class CaseLike(Protocol):
    """What a rival may know of a case before it starts; the bench's Case is one."""

    @property
    def declared(self) -> ReferenceFleet:
        """The fleet as it is declared."""
        ...

    @property
    def prepared(self) -> Prepared:
        """The whole trace after the rules: for homes by hand, and for nothing that acts later."""
        ...

    @property
    def first_minutes(self) -> Minutes:
        """Requests of the first 10 minutes of the run, which size the start state."""
        ...

    @property
    def window(self) -> Minutes:
        """Requests of the scored window, for placements by hand."""
        ...


Make = Callable[[CaseLike, float, bool], Policy]
"""(case, setting, homes by hand instead of the start state's) → a policy that has not started."""


@dataclass(frozen=True, slots=True)
class Rival:
    """One way to scale. `dials` go from the most careful setting to the cheapest; `both_homes` is False for rivals
    whose point is a placement of their own: they ignore the third argument of `make`.
    """

    name: str
    source: str
    dials: tuple[float, ...]
    make: Make
    both_homes: bool = True


def homes_of(case: CaseLike, by_hand: bool) -> Mapping[str, str] | None:
    """Instance type by model as native_best chooses it; None = everybody on the start state's pool."""
    return homes_by_hand(case.declared, case.prepared.counts) if by_hand else None


def _native(case: CaseLike, load: float, by_hand: bool) -> Policy:
    return Native(case.declared, case.first_minutes, load=load, homes=homes_of(case, by_hand))


_ALL = (
    Rival(
        "native",
        "AWS Application Auto Scaling, target tracking on ConcurrentRequestsPerCopy (sagemaker-facts.md)",
        LOADS,
        _native,
    ),
)

RIVALS: Mapping[str, Rival] = {rival.name: rival for rival in _ALL}
"""By name, in the order of the table."""
