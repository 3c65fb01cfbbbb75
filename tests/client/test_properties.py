"""Whatever happens to routes, table, clocks and homes: nothing is run twice, nothing old is followed, weights hold."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

import tidepool_client
from builders.callers import Clock, refusal
from tidepool_client.route import CACHE_S, Route, Target, pick
from tidepool_client.store import RETRY_S, RouteStore, RouteUnknown

HOMES = (("pool", "m-a"), ("pool", "m-b"), ("own", ""))
REFUSED = [
    refusal("ValidationError", "Inference Component has no capacity to process this request.", 400),
    refusal("AccessDeniedException", "User is not authorized to perform: sagemaker:InvokeEndpoint", 403),
    refusal("ValidationError", "Endpoint own of account 111122223333 not found.", 400),
]
MAY_HAVE_RUN = [
    refusal("ModelError", "Received server error (500)", 424, OriginalStatusCode=500),
    refusal("InternalFailure", "try again", 500),
    refusal("ThrottlingException", "Rate exceeded", 429),
    ReadTimeoutError(endpoint_url="https://runtime"),
]


@dataclass
class World:
    """Every version the route ever had with the true time it was written at, and what happened to each request."""

    seed: int
    true_s: float = 0.0
    away: bool = False
    written: list[tuple[float, tuple[tuple[str, str, int], ...]]] = field(default_factory=list)
    monotonic: Clock = field(default_factory=Clock)
    wall: Clock = field(default_factory=Clock)
    outcomes: dict[tuple[str, str], Exception | None] = field(default_factory=dict)
    tries: list[tuple[tuple[str, str], Exception | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        random = Random(self.seed)
        self.store = RouteStore(self, "routes", clock=self.monotonic, wall=self.wall, random=random)
        self.runtime = tidepool_client.Runtime(self, self.store, random=random)

    def get_item(self, **_: Any) -> dict[str, Any]:
        if self.away:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")
        if not self.written:
            return {}
        rows = [
            {"M": {"endpoint": {"S": e}, "component": {"S": c}, "weight": {"N": str(w)}}}
            for e, c, w in self.written[-1][1]
        ]
        return {"Item": {"version": {"N": str(len(self.written))}, "targets": {"L": rows}}}

    def invoke_endpoint(self, *, EndpointName: str, InferenceComponentName: str = "", Body: bytes) -> dict[str, Any]:
        home = (EndpointName, InferenceComponentName)
        outcome = self.outcomes.get(home)
        self.tries.append((home, outcome))
        if outcome is not None:
            raise outcome
        return {"Body": b"ok"}

    def call(self) -> list[tuple[tuple[str, str], Exception | None]]:
        """Where one call went, try by try."""
        before = len(self.tries)
        with suppress(ClientError, ReadTimeoutError):
            self.runtime.invoke_endpoint(ModelName="m", Body=b"x", EndpointName="default")
        return self.tries[before:]

    def allowed(self) -> set[tuple[str, str]]:
        """Homes of every version that was in force at some moment of the last CACHE_S."""
        now = self.true_s
        ends = [*(at for at, _ in self.written[1:]), float("inf")]
        found = {
            (endpoint, component)
            for (_, targets), end in zip(self.written, ends, strict=False)
            if end > now - CACHE_S
            for endpoint, component, _ in targets
        }
        never = not self.written or self.written[0][0] > now - CACHE_S
        return found | ({("default", "")} if never else set())


routes = st.lists(
    st.tuples(st.sampled_from(HOMES), st.integers(0, 100)), min_size=1, max_size=3, unique_by=lambda target: target[0]
)
usual = [
    st.tuples(st.just("write"), routes),
    st.tuples(st.just("away"), st.booleans()),
    st.tuples(st.just("pass"), st.floats(0, 60)),
    st.tuples(
        st.just("outcomes"),
        st.dictionaries(st.sampled_from((*HOMES, ("default", ""))), st.sampled_from([None, *REFUSED, *MAY_HAVE_RUN])),
    ),
]
freeze = st.tuples(st.just("freeze"), st.floats(0, 3600))
jump = st.tuples(st.just("jump"), st.floats(-60, 60))
# One of the two clocks tells the truth: where both lie at once, nobody can know a route's age.
scripts = st.one_of(*(st.lists(st.one_of(*usual, odd), max_size=40) for odd in (freeze, jump)))


def happen(world: World, kind: str, value: Any) -> None:
    match kind:
        case "write":
            world.written.append((world.true_s, tuple((*home, weight) for home, weight in value)))
        case "away":
            world.away = value
        case "outcomes":
            world.outcomes = value
        case "pass":
            for clock in (world.monotonic, world.wall):
                clock.now += value
            world.true_s += value
        case "freeze":
            # The function is frozen: the monotonic clock stands still.
            world.wall.now += value
            world.true_s += value
        case "jump":
            # While the cache runs out, the wall clock is set.
            world.monotonic.now += CACHE_S
            world.true_s += CACHE_S
            world.wall.now += value


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), script=scripts)
def test_no_request_that_may_have_run_is_repeated_and_no_old_route_is_followed(
    seed: int, script: list[tuple[str, Any]]
) -> None:
    world, away_s = World(seed), float("-inf")
    for kind, value in script:
        happen(world, kind, value)
        if world.away:
            away_s = world.true_s
        tries = world.call()
        assert 1 <= len(tries) <= 2
        if len(tries) == 2:
            (first, why), (second, _) = tries
            assert why in REFUSED and first != second
        # A table that was away is asked again within RETRY_S; from then on nothing older than the cache is followed.
        if not world.away and world.true_s - away_s > RETRY_S:
            assert {home for home, _ in tries} <= world.allowed()


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), route=routes, outage=st.floats(0, 600), calls=st.integers(1, 30))
def test_while_the_table_is_away_the_last_known_route_goes_on_and_it_is_asked_every_few_seconds(
    seed: int, route: list[tuple[tuple[str, str], int]], outage: float, calls: int
) -> None:
    world = World(seed)
    happen(world, "write", route)
    world.call()
    world.away = True
    before = world.store.reads
    for _ in range(calls):
        happen(world, "pass", outage / calls)
        assert {home for home, _ in world.call()} <= {home for home, _ in route}
    assert world.store.reads - before <= outage / RETRY_S + 1


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), weights=st.lists(st.integers(0, 100), min_size=1, max_size=4).filter(any))
def test_weights_converge(seed: int, weights: list[int]) -> None:
    """Within five standard deviations of a share's own binomial, over 2,000 requests: one false alarm in a million."""
    targets = tuple(Target(f"e{number}", "", weight) for number, weight in enumerate(weights))
    route, random, n = Route(1, targets), Random(seed), 2_000
    counts = Counter(pick(route, random).endpoint for _ in range(n))
    for target in targets:
        share = target.weight / sum(weights)
        assert abs(counts[target.endpoint] / n - share) <= 5 * (share * (1 - share) / n) ** 0.5 + 1e-9


def test_a_caller_who_never_saw_a_route_starts_from_the_default_it_gives() -> None:
    world = World(1, away=True)
    assert [home for home, _ in world.call()] == [("default", "")]
    with pytest.raises(RouteUnknown, match="EndpointConnectionError"):
        world.runtime.invoke_endpoint(ModelName="m", Body=b"x")
