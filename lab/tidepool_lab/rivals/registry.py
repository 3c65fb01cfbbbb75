"""Every general rival by name: where its rule is from, its committed grid of settings, and how it is made.

Each is offered in two homes, the start state's and the ones chosen by hand (homes_by_hand); the better one is used,
so that no rival loses for want of a placement that it does not claim to choose. Importing this imports no rival's
own packages: ray is asked for only when Ray Serve's policy is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from tidepool.units import MINUTE_S
from tidepool_lab.inputs.prepare import Prepared
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.rivals import aibrix_apa, dynamo, hpa, hybrid, kpa, ray_serve, sageserve, wva
from tidepool_lab.rivals.hybrid import Hybrid, split_by_hand
from tidepool_lab.rivals.native import Native
from tidepool_lab.rivals.native_best import LOADS, homes_by_hand
from tidepool_lab.rivals.policy import Minutes, Policy
from tidepool_lab.rivals.ray_serve import RayServe, load_ray
from tidepool_lab.rivals.scaling import Scaler, Scaling


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
    def simulated(self) -> tuple[int, int]:
        """The simulated minutes [first, until), warm-up and all: for placements by hand."""
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


def _hybrid(case: CaseLike, load: float, _by_hand: bool) -> Policy:
    first, until = case.simulated
    split = split_by_hand(case.declared, case.prepared.counts[first:until], load=load)
    return Hybrid(case.declared, case.first_minutes, case.prepared.counts, split, load)


def _ray_serve(case: CaseLike, load: float, by_hand: bool) -> Policy:
    return _scaling(partial(RayServe, load_ray()), ray_serve.TICK_S)(case, load, by_hand)


def _scaling(scaler: Callable[[float], Scaler], every_s: int) -> Make:
    """A policy in which every model has a scaler of its own, at that setting."""

    def make(case: CaseLike, setting: float, by_hand: bool) -> Policy:
        homes = homes_of(case, by_hand)
        return Scaling(case.declared, case.first_minutes, partial(scaler, setting), homes=homes, every_s=every_s)

    return make


_ALL = (
    Rival(
        "native",
        "AWS Application Auto Scaling, target tracking on ConcurrentRequestsPerCopy (sagemaker-facts.md)",
        LOADS,
        _native,
    ),
    Rival(
        "hpa",
        "Kubernetes HorizontalPodAutoscaler (kubernetes/kubernetes pkg/controller/podautoscaler)",
        hpa.LOADS,
        _scaling(hpa.Hpa, hpa.SYNC_S),
    ),
    Rival(
        "kpa",
        "Knative Pod Autoscaler (knative/serving pkg/autoscaler/scaling)",
        kpa.LOADS,
        _scaling(kpa.Kpa, kpa.TICK_S),
    ),
    Rival(
        "aibrix_apa",
        "AIBrix APA (vllm-project/aibrix pkg/controller/podautoscaler)",
        aibrix_apa.LOADS,
        _scaling(aibrix_apa.Apa, aibrix_apa.SYNC_S),
    ),
    Rival(
        "ray_serve",
        "Ray Serve 2.60, its own functions from PyPI (ray.serve.autoscaling_policy)",
        ray_serve.LOADS,
        _ray_serve,
    ),
    Rival(
        "dynamo",
        "NVIDIA Dynamo 1.6 planner, constant predictor (ai-dynamo/dynamo dynamo/planner/core)",
        dynamo.LOADS,
        _scaling(partial(dynamo.Dynamo, make_predictor=dynamo.Constant), dynamo.TICK_S),
    ),
    Rival(
        "dynamo_kalman",
        "NVIDIA Dynamo 1.6 planner, Kalman predictor (ai-dynamo/dynamo dynamo/planner/core)",
        dynamo.LOADS,
        _scaling(partial(dynamo.Dynamo, make_predictor=dynamo.Kalman), dynamo.TICK_S),
    ),
    Rival(
        "wva",
        "llm-d Workload Variant Autoscaler V2 (llm-d-incubation/workload-variant-autoscaler)",
        wva.CAPACITIES,
        _scaling(wva.Wva, MINUTE_S),
    ),
    Rival(
        "sageserve",
        "SageServe-like hourly forecast (SIGMETRICS 2026, arXiv 2502.14617, kjain1810/SageServe)",
        sageserve.LOADS,
        _scaling(sageserve.SageServe, MINUTE_S),
    ),
    Rival(
        "hybrid",
        "static hybrid by hand (Salesforce, AWS Machine Learning Blog, August 2025)",
        hybrid.LOADS,
        _hybrid,
        both_homes=False,
    ),
)

RIVALS: Mapping[str, Rival] = {rival.name: rival for rival in _ALL}
"""By name, in the order of the table."""
