"""Ray Serve's autoscaler: Ray's own functions decide, on the twin's clock.

Source: ray-project/ray 2.60 ray.serve.autoscaling_policy, run from PyPI (`pip install '.[bench]'`; plain
`ray` lacks Starlette, which ray.serve imports): replica_queue_length_autoscaling_policy, _apply_scaling_factors and
_apply_delay_logic, with AutoscalingConfig's defaults: upscale delay 30 s, downscale delay 600 s, look-back 30 s,
mean. desired = ongoing requests ÷ target_ongoing_requests.
What differs: the delays take `now` from the twin (their own parameter) instead of the wall clock. The rule is asked
every 10 s, the finest period of the metric, not every 0.1 s. min_replicas is at least 1. Ray keeps its target and
reconciles until it is reached; so a target that SageMaker refuses is asked for again at each tick.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass, field
from typing import Any

from tidepool.errors import BadInput, Problem
from tidepool_lab.rivals.scaling import FAST_S, View

LOADS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The committed grid: target_ongoing_requests as a share of a copy's slots."""
TICK_S = FAST_S
"""Ray's control loop runs every 0.1 s; the metric has a datapoint every 10 s."""
LOOK_BACK_S = 30
"""look_back_period_s."""
UPSCALE_DELAY_S, DOWNSCALE_DELAY_S = 30.0, 600.0
"""upscale_delay_s, downscale_delay_s."""
EXTRA = "pip install '.[bench]' in Tidepool's folder"


@dataclass(frozen=True, slots=True)
class Ray:
    """Ray Serve's module of policies and its module of configuration; typed by nobody, for ray is an extra."""

    policy: Any
    config: Any


def load_ray() -> Ray:
    """Ray Serve as it is installed. BadInput, naming the extra, when it is not."""
    try:
        policy = importlib.import_module("ray.serve.autoscaling_policy")
        return Ray(policy, importlib.import_module("ray.serve.config"))
    except ImportError as error:
        missing = Problem("ray_serve", str(error), "an environment with Ray Serve 2.60 or later", EXTRA)
        raise BadInput("--policies", (missing,)) from error


@dataclass(slots=True)
class RayServe:
    """One model's autoscaler; `load` is its target as a share of a copy's slots."""

    ray: Ray
    load: float
    _config: Any = None
    _target: int = 0
    _state: dict[str, Any] = field(default_factory=dict)

    def desired(self, view: View, now: int) -> int:
        self._target = view.bounded(self._target or view.wanted)
        in_flight = view.mean(LOOK_BACK_S)
        if view.copies == 0 or math.isnan(in_flight):
            return self._target
        decided = self.decide(ongoing=in_flight, running=view.copies, target=self.load * view.slots, now=now)
        self._target = view.bounded(decided)
        return self._target

    def decide(self, *, ongoing: float, running: int, target: float, now: int) -> int:
        """Replicas that Ray wants with `running` ones and `ongoing` requests, `target` of them a replica."""
        if self._config is None or self._config.target_ongoing_requests != target:
            self._config = self.ray.config.AutoscalingConfig(
                target_ongoing_requests=target,
                upscale_delay_s=UPSCALE_DELAY_S,
                downscale_delay_s=DOWNSCALE_DELAY_S,
                look_back_period_s=LOOK_BACK_S,
            )
        context = self.ray.config.AutoscalingContext(
            deployment_id=None,
            deployment_name="model",
            app_name=None,
            current_num_replicas=running,
            target_num_replicas=self._target or running,
            running_replicas=[],
            total_num_requests=ongoing,
            total_queued_requests=None,
            aggregated_metrics=None,
            raw_metrics=None,
            capacity_adjusted_min_replicas=1,
            capacity_adjusted_max_replicas=1,
            policy_state=self._state,
            last_scale_up_time=None,
            last_scale_down_time=None,
            current_time=float(now),
            config=self._config,
        )
        wanted, _ = self.ray.policy.replica_queue_length_autoscaling_policy(context)
        scaled = self.ray.policy._apply_scaling_factors(wanted, running, self._config)
        decided, self._state = self.ray.policy._apply_delay_logic(
            max(0, scaled), context.target_num_replicas, self._config, self._state, _now=float(now)
        )
        return int(decided)
