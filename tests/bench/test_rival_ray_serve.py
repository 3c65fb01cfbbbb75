"""Ray Serve's own functions on the twin's clock; where ray is not installed, only the error that says so."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from tidepool.errors import BadInput
from tidepool_lab.rivals.ray_serve import RayServe, load_ray
from tidepool_lab.rivals.scaling import View

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray Serve is an extra: pip install '.[bench]'"
)


def test_without_ray_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray.serve.autoscaling_policy", None)
    with pytest.raises(BadInput, match=r"pip install '\.\[bench\]'"):
        load_ray()


@needs_ray
def test_more_is_asked_for_after_30_seconds_and_less_after_600():
    # TestReplicaQueueLengthPolicy.test_upscale_downscale_delay: target 1, 100 requests on one replica, then none.
    serve = RayServe(load_ray(), 0.7)
    assert [serve.decide(ongoing=100, running=1, target=1, now=now) for now in range(0, 40, 10)] == [1, 1, 1, 100]
    # Two replicas, as the example's maximum has it: they stay for 600 s, and then 1 is left.
    less = [serve.decide(ongoing=0, running=2, target=1, now=now) for now in range(40, 660, 10)]
    assert less[:-2] == [2] * (len(less) - 2) and less[-2] == 1


@needs_ray
def test_a_moment_of_the_other_direction_starts_the_delay_anew():
    serve = RayServe(load_ray(), 0.7)
    assert serve.decide(ongoing=100, running=2, target=1, now=0) == 2
    assert serve.decide(ongoing=100, running=2, target=1, now=20) == 2
    assert serve.decide(ongoing=0, running=2, target=1, now=25) == 2
    assert serve.decide(ongoing=100, running=2, target=1, now=35) == 2
    assert serve.decide(ongoing=100, running=2, target=1, now=65) == 100


@needs_ray
def test_ongoing_requests_over_the_target_are_asked_for_again_until_they_are_there():
    def view(copies: int, wanted: int) -> View:
        in_flight = np.full(18, 95.0)
        return View(copies, wanted, 1, 40, slots=19, service_s=9.5, in_flight=in_flight, minutes=np.zeros)

    # 95 ÷ (0.5 × 19) = 10.
    serve = RayServe(load_ray(), 0.5)
    assert [serve.desired(view(4, 4), now) for now in (0, 10, 20, 30, 40)] == [4, 4, 4, 10, 10]
