"""The account that the rig's stack is deployed in: the twin, its metrics and alarms, one model's load at a time.

It runs on the rig's clock (clock.py). Every call and every second brings the twin up to now.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tidepool.errors import HostingError
from tidepool_lab.deploy.composites import Composites
from tidepool_lab.deploy.edge import Asked
from tidepool_lab.embedded import events, services
from tidepool_lab.embedded.alarms import AlarmBook, Transition
from tidepool_lab.embedded.cloudwatch import CloudWatch
from tidepool_lab.embedded.events import Event
from tidepool_lab.embedded.intercept import ACCOUNT, AwsError, Params
from tidepool_lab.embedded.metrics import Recorded, Store
from tidepool_lab.embedded.routers import Routers, joined
from tidepool_lab.embedded.routes import RouterCallers, follow_item
from tidepool_lab.embedded.sagemaker import Runtime, SageMaker
from tidepool_lab.embedded.twin_metrics import TwinMetrics
from tidepool_lab.embedded.writers import Scalers
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.spec import Capacity, CloudSpec, Kind, ModelSpec, TypeSpec
from tidepool_lab.twin.traffic import STEPS, Counts

REGION = "us-east-1"
P4D = "ml.p4d.24xlarge"
POOL = "pool"
PAST_MINUTES = 60
"""Ours: how much of the past the account has when the rig starts."""
ALARMS_S = 10
"""How often CloudWatch looks at high-resolution alarms; the others are on the minute."""

TAGS = {"tidepool:managed": "true", "tidepool:retire": "delete"}
COPIES = {"busy": 1, "calm": 1, "zero": 0}
"""On the pool, settled when the rig starts."""
ALONE = ("alone",)
"""On a dedicated endpoint of one machine."""
PAST = {"busy": 30, "calm": 40, "zero": 0, "alone": 6}
"""Requests a minute before the start, and from then on until somebody turns the dial."""


class Dial:
    """Arrivals that can be turned while the twin runs: requests a minute by model."""

    def __init__(self, per_minute: Mapping[str, int]) -> None:
        self.per_minute_of = dict(per_minute)

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(self.per_minute_of)

    def counts(self, minute: int) -> Counts:
        wanted = np.array(list(self.per_minute_of.values()), dtype=np.int64)[:, None]
        edges = np.arange(STEPS + 1)[None, :] * wanted
        return np.asarray(np.diff(-(-edges // STEPS), axis=1), dtype=np.int64)

    def per_minute(self, first: int, until: int) -> Counts:
        row = np.array(list(self.per_minute_of.values()), dtype=np.int64)
        return np.tile(row, (max(0, until - first), 1))


def a_cloud(dial: Dial, start_s: int) -> Cloud:
    """One pool with three models, and one model that has a machine of eight accelerators for itself.

    One accelerator a copy, 8 slots, 4 s a request, 60 s to start.
    """
    capacity = {"A100": Capacity(1, 8, 4.0)}
    models = tuple(ModelSpec(name, capacity, weights_s=40, engine_s=20, kind=Kind.INTERACTIVE) for name in dial.models)
    spec = CloudSpec(types={P4D: TypeSpec(P4D, "A100", 8, 25.2513, 6)}, models=models, region=REGION)
    cloud = Cloud(spec, dial, seed=1, start_s=start_s, epoch_s=start_s - PAST_MINUTES * 60)
    cloud.create_pool(POOL, P4D, maximum=6, tags=TAGS, settled=True)
    for name, copies in COPIES.items():
        cloud.create_component(name, POOL, model=name, copies=copies, tags={"model": name, **TAGS}, settled=True)
    for name in ALONE:
        tags = {"model": name, **TAGS}
        cloud.create_endpoint(f"{name}-prod", name, instance_type=P4D, tags=tags, settled=True)
    return cloud


class Account:
    """The twin and CloudWatch as services that answer, one call at a time."""

    def __init__(self, *, now: Callable[[], float], code: str) -> None:
        """`now` in seconds since 1970. `code`: the functions' source, for alarms on what they count themselves."""
        self._clock = now
        self.lock = threading.RLock()
        self.dial = Dial(PAST)
        self.cloud = a_cloud(self.dial, int(now()) // 60 * 60)
        self.sagemaker = SageMaker(self.cloud)
        self.recorded = Recorded()
        store = Store((TwinMetrics(self.cloud), self.recorded))
        self.alarms = AlarmBook(store, region=REGION, account=ACCOUNT, code=code)
        cloudwatch = CloudWatch(store, self.alarms, self.recorded, now=self.now_s)
        prefix = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:"
        self._composites = Composites(cloudwatch, self.alarms, prefix=prefix, now=self.now_s)
        self.calendars: dict[str, str] = {}
        routers = Routers(self.now_s, Random(0), region=REGION)
        self._callers = RouterCallers(self.cloud, routers)
        self._answers: dict[str, Callable[[str, Params], Params | None]] = {
            "sagemaker": joined(routers, self.sagemaker),
            "sagemaker-runtime": Runtime(self.cloud),
            "cloudwatch": self._composites,
            "pricing": services.pricing(self.cloud.spec.types, REGION),
            "service-quotas": services.quotas(self.cloud.spec.types, REGION),
            "ssm": services.calendars(self.calendars),
            "application-autoscaling": Scalers(self.now_s),
        }
        self._evaluated_s = self.cloud.now_s
        self._number = 0

    def now_s(self) -> int:
        return int(self._clock())

    def _catch_up(self) -> None:
        self.cloud.run_to(max(self.cloud.now_s, self.now_s()))
        self._callers.look()

    def route(self, item: Params) -> None:
        """A model's route was written to a stack's table: its callers follow it."""
        with self.lock:
            self._catch_up()
            follow_item(self.cloud, self._callers, item)

    def answer(self, asked: Asked) -> Params:
        """The reply. AwsError as AWS would refuse."""
        with self.lock:
            self._catch_up()
            try:
                reply = self._answers[asked.service](asked.operation, asked.params)
            except HostingError as error:
                raise AwsError(error.code, error.message) from error
            if reply is None:
                raise AwsError("UnknownOperationException", f"The rig's {asked.service} has no {asked.operation}.")
            return reply

    def tags(self, arn: str) -> Mapping[str, str]:
        """Of a SageMaker resource; {} when there is none of that name."""
        with self.lock:
            try:
                reply = self._answers["sagemaker"]("ListTags", {"ResourceArn": arn})
            except (AwsError, HostingError):
                return {}
            return {tag["Key"]: tag["Value"] for tag in (reply or {}).get("Tags", ())}

    def endpoint_changes(self) -> list[Event]:
        """The endpoints' state changes since the last call, as EventBridge tells them."""
        with self.lock:
            self._catch_up()
            changes, self.cloud.events = self.cloud.events, []
            told = []
            for change in changes:
                self._number += 1
                endpoint = self.cloud.life.endpoints.get(change.endpoint)
                told.append(
                    events.endpoint_state(
                        change.endpoint,
                        change.status,
                        config=endpoint.config_name if endpoint else "",
                        at_s=change.at_s,
                        region=REGION,
                        number=self._number,
                    )
                )
            return told

    def transitions(self, depths: Callable[[], Mapping[str, int]]) -> list[Transition]:
        """What alarms did since the last call; queues' `depths` count as metrics of the minute that has ended."""
        with self.lock:
            changed: list[Transition] = []
            while self._evaluated_s + ALARMS_S <= self.now_s():
                self._evaluated_s += ALARMS_S - self._evaluated_s % ALARMS_S
                at_s = self._evaluated_s
                if at_s % 60 == 0:
                    self.cloud.run_to(max(self.cloud.now_s, at_s))
                    for queue, depth in depths().items():
                        name, dimensions = "ApproximateNumberOfMessagesVisible", {"QueueName": queue}
                        self.recorded.put("AWS/SQS", name, dimensions, value=depth, at_s=at_s - 60)
                changed.extend(self.alarms.evaluate(at_s))
                changed.extend(self._composites.evaluate(at_s))
            return changed

    def count_run(self, function: str, *, failed: bool) -> None:
        """Lambda's own metrics of one run."""
        with self.lock:
            for name, value in (("Invocations", 1), ("Errors", int(failed))):
                self.recorded.put("AWS/Lambda", name, {"FunctionName": function}, value=value, at_s=self.now_s())

    def put_line(self, line: str) -> None:
        """A log line; in embedded metric format it counts."""
        with self.lock:
            self.recorded.put_line(line)

    def seen(self) -> dict[str, Any]:
        """What tests look at: copies by component, endpoints' status and instances, alarms' states."""
        with self.lock:
            self._catch_up()
            return {
                "now": self.now_s(),
                "components": {
                    name: {"wanted": c.copies_wanted, "now": c.copies_now, "endpoint": c.endpoint, "model": c.model}
                    for name, c in self.cloud.components().items()
                },
                "endpoints": {
                    name: {"status": str(e.status), "instances": e.instances_now}
                    for name, e in self.cloud.endpoints().items()
                },
                "alarms": {
                    name: str(alarm.state) for name, alarm in (self.alarms.alarms | self._composites.alarms).items()
                },
            }


def code_of(root: Path) -> str:
    """The source of every handler, and the list of what they count."""
    files = [*sorted((root / "functions").glob("*/handler.py")), root / "layers/core/tidepool/aws/metrics.py"]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
