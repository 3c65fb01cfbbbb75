"""The embedded AWS: the deployed handlers on the twin, woken as the translated template says, on a virtual clock.

    with Rig(cloud, template=Path("template.yaml"), parameters={"Hands": "moves"}, fleet_yaml=text) as rig:
        rig.run_to(cloud.start_s + 86_400, on_event=print)

One rig at a time in a process: it answers for boto3 and holds the clock.
"""

from __future__ import annotations

import gzip
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, Self

import boto3
import time_machine
from moto import mock_aws

import tidepool
from tidepool_lab.embedded import events, services
from tidepool_lab.embedded import template as templates
from tidepool_lab.embedded.alarms import AlarmBook
from tidepool_lab.embedded.cloudwatch import CloudWatch
from tidepool_lab.embedded.dispatcher import Dispatcher, Happened
from tidepool_lab.embedded.intercept import ACCOUNT, Params, answering
from tidepool_lab.embedded.lambdas import TAP, Host, environment
from tidepool_lab.embedded.metrics import Recorded, Store
from tidepool_lab.embedded.permissions import Asked, asked, denied
from tidepool_lab.embedded.principals import Principals
from tidepool_lab.embedded.provision import Stores
from tidepool_lab.embedded.routers import Routers, joined
from tidepool_lab.embedded.routes import RouterCallers, follow_table
from tidepool_lab.embedded.sagemaker import Runtime, SageMaker
from tidepool_lab.embedded.stack import Function, stack_of
from tidepool_lab.embedded.tables import Tables
from tidepool_lab.embedded.timestamps import moment
from tidepool_lab.embedded.twin_metrics import TwinMetrics
from tidepool_lab.embedded.writers import Scalers, Trail
from tidepool_lab.twin.cloud import Cloud

FLEET_KEY = "config/fleet.yaml"
LINES = 20_000
"""Log lines that are kept: a simulated day writes about that many."""
FAST_S, SLOW_S = 10, 60
"""How often CloudWatch looks at high-resolution alarms, and at the others."""


class Rig:
    """Everything around the handlers. `happened` is what was not routine; `runs` counts invocations by function."""

    def __init__(
        self,
        cloud: Cloud,
        *,
        template: Path,
        parameters: Mapping[str, str] | None = None,
        fleet_yaml: str = "",
        commit: str = "",
        stack: str = "tidepool",
        source: Mapping[str, Any] | None = None,
        learn_first: str = "LearnFunction",
    ) -> None:
        """`template` is the SAM file, whose folder holds the code; `source` stands for its content in tests.

        fleet_yaml lies in the bucket as if it had been there before the stack's first tick. The function
        `learn_first` runs once at the start (bench-rules 1.5): '' runs none.
        """
        self.cloud = cloud
        self._template, self._source = template, source
        self._parameters, self._name = dict(parameters or {}), stack
        self._fleet_yaml, self._commit, self._learn_first = fleet_yaml, commit, learn_first
        self._exit = ExitStack()
        self._on_event: Callable[[Happened], None] | None = None
        self.happened: list[Happened] = []
        self.runs: Counter[str] = Counter()
        self.lines: deque[tuple[str, str]] = deque(maxlen=LINES)
        self.calendars: dict[str, str] = {}
        """SSM Change Calendars: name → OPEN or CLOSED."""
        self._evaluated_s = cloud.now_s - 1
        self._transitions = 0

    def __enter__(self) -> Self:
        try:
            self._enter()
        except BaseException:
            self._exit.close()  # A half-made rig would leave boto3 and the clock of the process in its hands.
            raise
        return self

    def _enter(self) -> None:
        region = self.cloud.spec.region
        self._clock = self._exit.enter_context(time_machine.travel(moment(self.cloud.now_s), tick=False))
        source = templates.read(self._template) if self._source is None else self._source
        self.stack = stack_of(
            source, self._parameters, name=self._name, region=region, root=self._template.resolve().parent
        )
        # Whoever has an endpoint of their own in the environment, a local AWS say, finds nothing of this there.
        self._exit.enter_context(environment({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}))
        self._exit.enter_context(mock_aws())
        boto3.DEFAULT_SESSION = None  # One made before has no hooks, and somebody's real credentials.
        self._exit.callback(setattr, boto3, "DEFAULT_SESSION", None)
        self.sagemaker = SageMaker(self.cloud)
        self.routers = Routers(self._now, Random(0), region=region)
        self._router_callers = RouterCallers(self.cloud, self.routers)
        self.scalers = Scalers(self._now)
        self.principals = Principals()
        self.trail = Trail(self._now, who=lambda: TAP.running)
        self.recorded = Recorded()
        self.asked: set[Asked] = set()
        store = Store((TwinMetrics(self.cloud), self.recorded))
        self.alarms = AlarmBook(store, region=region, account=ACCOUNT, code=self._code())
        self.calls = self._exit.enter_context(
            answering(
                self._responders(store),
                watchers={"s3": self._stored, "dynamodb": self._written, "sagemaker": self.trail.watch},
                noted=self._note,
            )
        )
        self.stores = Stores(self.stack)
        for alarm in self.stack.alarms:
            self.stores.client("cloudwatch").put_metric_alarm(**alarm)  # botocore knows the properties.
        TAP.sink = self._line
        self.hosts = {arn: self._host(function) for arn, function in self.stack.functions.items()}
        self.dispatcher = Dispatcher(
            self.stack,
            self.hosts,
            plumbing=self.stores,
            recorded=self.recorded,
            start_s=self.cloud.now_s,
            told=self._tell,
            deliveries=self.cloud.faults.deliveries,
        )
        self._watching = False
        if self._fleet_yaml:
            self.upload(self._fleet_yaml, commit=self._commit)
        self._watching = True
        if self._learn_first:
            self.fire(self._learn_first)

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    # Time.
    def run_to(self, t_s: int, *, on_event: Callable[[Happened], None] | None = None) -> None:
        """The cloud is at `t_s`, and everything due before it has run; what is due then runs next time."""
        self._on_event = on_event
        while (at := self._next_s()) < t_s:
            self._move(at)
            if at == self._grid_s():
                # Alarms before schedules: whoever an alarm wakes is not forestalled by the tick of the same second.
                self._evaluated_s = at
                self._look_at_alarms(at)
            self.dispatcher.act(at)
        self._move(t_s)

    def _next_s(self) -> int:
        due = self.dispatcher.next_s()
        return self._grid_s() if due is None else min(due, self._grid_s())

    def _grid_s(self) -> int:
        """When CloudWatch looks at alarms next."""
        fast = any(alarm.period_s < SLOW_S for alarm in self.alarms.alarms.values())
        return _after(self._evaluated_s, FAST_S if fast else SLOW_S)

    def _move(self, at: int) -> None:
        """Time is `at`. Endpoints' changes since then are told now: best effort, up to a minute late, as AWS says.

        decide drops what is older than its last look, so that most add no decision to the tick's.
        """
        self.cloud.run_to(at)
        self._router_callers.look()
        self._clock.move_to(moment(at))
        self.dispatcher.now_s = at
        changes, self.cloud.events = self.cloud.events, []
        for number, change in enumerate(changes):
            endpoint = self.cloud.life.endpoints.get(change.endpoint)
            event = events.endpoint_state(
                change.endpoint,
                change.status,
                config=endpoint.config_name if endpoint else "",
                at_s=change.at_s,
                region=self.stack.region,
                number=number,
            )
            self._tell(Happened(change.at_s, "endpoint", change.endpoint, event, change.status))
            self.dispatcher.send("default", event)

    def _look_at_alarms(self, at: int) -> None:
        if at % SLOW_S == 0:
            for queue, depth in self.stores.depths().items():
                # The depth now is the finished minute's: alarms look at whole minutes.
                dimensions = {"QueueName": queue}
                name = "ApproximateNumberOfMessagesVisible"
                self.recorded.put("AWS/SQS", name, dimensions, value=depth, at_s=at - SLOW_S)
        for change in self.alarms.evaluate(at):
            self._transitions += 1
            self.dispatcher.alarm(change, self._transitions)

    # What a person or a test does.
    def upload(self, fleet_yaml: str, *, commit: str = "") -> None:
        """fleet.yaml is in the bucket, with its commit; EventBridge tells of it."""
        metadata = {"commit": commit} if commit else {}
        self.stores.client("s3").put_object(
            Bucket=self.stores.bucket(), Key=FLEET_KEY, Body=fleet_yaml.encode(), Metadata=metadata
        )

    def fire(self, function: str) -> Any:
        """The function of that logical id ran now with its schedule's own input; what it returned."""
        host = self.host(function)
        (schedule,) = (s for s in self.stack.schedules if s.target == host.function.arn)
        return self.invoke(function, events.scheduled(schedule, self.cloud.now_s, region=self.stack.region))

    def invoke(self, function: str, event: Any) -> Any:
        """The function of that logical id ran now with this event; what it returned. Errors go through."""
        host = self.host(function)
        self.dispatcher.now_s = self.cloud.now_s
        return self.dispatcher.run(host, event)

    def host(self, function: str) -> Host:
        """The function of that logical id."""
        return self.hosts[self.stack.function(function).arn]

    def second(self, function: str) -> Host:
        """Another instance of the function: Lambda runs as many at once as there are events."""
        return self._host(self.stack.function(function))

    def _host(self, function: Function) -> Host:
        return Host(function, region=self.stack.region)

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Objects under a prefix by key, uncompressed."""
        client, bucket = self.stores.client("s3"), self.stores.bucket()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found = {}
        for key in (each["Key"] for page in pages for each in page.get("Contents", ())):
            data: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
            found[key] = gzip.decompress(data) if key.endswith(".gz") else data
        return found

    def records(self) -> dict[str, bytes]:
        """Every decision record by its key, in order of time."""
        return dict(sorted(self.objects("decisions/").items()))

    def denied(self) -> list[Asked]:
        """Calls of the functions so far that their roles do not allow: AccessDenied, in an account."""
        return denied(self.asked, {function.logical: function.allowed for function in self.stack.functions.values()})

    # Hooks.
    def _note(self, service: str, operation: str, params: Params) -> None:
        if TAP.running:
            self.asked.add(asked(TAP.running, service, operation, params, region=self.stack.region))

    def _code(self) -> str:
        """The source of every handler, and the list of what they count."""
        files = [function.code / "handler.py" for function in self.stack.functions.values()]
        files.append(Path(tidepool.__file__).parent / "aws" / "metrics.py")
        return "\n".join(file.read_text(encoding="utf-8") for file in files)

    def _responders(self, store: Store) -> dict[str, Callable[[str, Params], Params | None]]:
        types, region = self.cloud.spec.types, self.cloud.spec.region
        buses = [self.stack.physical[logical] for logical, kind, _ in self.stack.resources if kind.endswith("EventBus")]
        return {
            "sagemaker": joined(self.routers, self.sagemaker),
            "sagemaker-runtime": Runtime(self.cloud),
            "cloudwatch": CloudWatch(store, self.alarms, self.recorded, now=self._now),
            "application-autoscaling": self.scalers,
            "iam": self.principals,
            "cloudtrail": self.trail,
            "pricing": services.pricing(types, region),
            "service-quotas": services.quotas(types, region),
            "ssm": services.calendars(self.calendars),
            "cloudformation": services.stacks(
                self._name, self._parameters, self.stack.outputs, since_s=self.cloud.start_s
            ),
            "dynamodb": Tables(region=region),
            "events": services.put_events(
                buses,
                lambda bus, event: self.dispatcher.send(bus, event),  # noqa: PLW0108  The dispatcher comes later.
                now=self._now,
                region=region,
            ),
        }

    def _now(self) -> int:
        return self.cloud.now_s

    def _stored(self, operation: str, params: Params, reply: Params) -> None:
        if operation == "PutObject" and self._watching and params["Bucket"] in self.stores.notifies:
            body = params.get("Body", b"")
            event = events.object_created(
                params["Bucket"],
                params["Key"],
                reply,
                size=len(body) if isinstance(body, bytes) else body.seek(0, 2),
                at_s=self.cloud.now_s,
                region=self.stack.region,
            )
            self.dispatcher.send("default", event)

    def _written(self, operation: str, params: Params, reply: Params) -> None:
        follow_table(self.cloud, self.stack, self._router_callers, operation, params)

    def _line(self, function: str, line: str) -> None:
        if not self.recorded.put_line(line):
            self.lines.append((function, line))

    def _tell(self, happened: Happened) -> None:
        if happened.kind == "invoked":
            self.runs[happened.what] += 1
        else:
            self.happened.append(happened)
        if self._on_event is not None:
            self._on_event(happened)


def _after(at_s: int, step_s: int) -> int:
    """The first multiple of `step_s` after `at_s`."""
    return (at_s // step_s + 1) * step_s
