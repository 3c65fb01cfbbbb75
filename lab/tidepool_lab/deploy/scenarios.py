"""What makes each role of the deployed stack ask for each of its permissions, as it does in its daily work.

Every scenario is asked from outside: a minute passes, an event is put on the stack's bus, a person does something.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tidepool_lab.deploy.asking import Asking, example, policy, scalable
from tidepool_lab.deploy.stage import Stage

POOL, P4D = "pool", "ml.p4d.24xlarge"
"""The rig's pool and its machines (account.py)."""
MOVE_MINUTES = 120
"""Ours: longer than any move here takes."""
SETTLE_MINUTES = 15
"""Ours: longer than a change of copies, instances or a pool's bounds takes in the twin."""
REFUSALS = 5
"""After so many in a row a hand tells people (tidepool.runtime.breaker)."""

CALENDAR = "arn:aws:ssm:us-east-1:123456789012:document/all-hands"
CALLER = "arn:aws:iam::123456789012:role/caller"
PLAN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/theirs"
FLEET = f"""
schema: 1
region: us-east-1
identity: tag:model
act: run
writers: {{people: {{hold: 1s}}}}
safety:
  freeze: {{calendars: ["{CALENDAR}"], alarms: [tidepool-proved-over-budget]}}
  limits: {{moves_at_once: 4, moves_per_day: 20}}
instances: {{ml.p4d.24xlarge: {{accelerators: 8, launch: 105s}}}}
pools: {{p4d: {{endpoint: pool, types: [ml.p4d.24xlarge], tenants: [all]}}}}
models:
  "*":
    class: background
    tenant: all
    host: shared
    burst_alarm: true
    route: {{via: table}}
    shapes:
      dedicated: {{ml.p4d.24xlarge: {{concurrency: 64, service: 4s, start: 60s}}}}
      shared: {{ml.p4d.24xlarge: {{accelerators: 1, concurrency: 8, service: 4s, start: 60s}}}}
  alone: {{host: dedicated, retire: delete}}
  mover: {{callers: ["{CALLER}"]}}
  routed-one: {{route: {{via: inference-router, router: tidepool-routed, target: one}}}}
  routed-two: {{route: {{via: inference-router, router: tidepool-routed, target: two}}}}
  routed-new: {{route: {{via: inference-router, router: tidepool-new, target: new}}}}
"""

Denied = Callable[[], str]
"""What the role was denied so far, '' when nothing."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`prepare` and `end` run with every permission, `run` without the one."""

    run: Callable[[Denied], None]
    prepare: Callable[[], None] = lambda: None
    end: Callable[[], None] = lambda: None


class Scenarios(Asking):
    """On one stack with all hands, whose fleet file is FLEET."""

    def __init__(self, stage: Stage, stack: str) -> None:
        super().__init__(stage, stack)
        self._moved = ""
        self._sagemaker = stage.client("sagemaker")
        self._config = self._sagemaker.describe_endpoint(EndpointName=POOL)["EndpointConfigName"]

    def of(self, role: str, sid: str) -> Scenario:
        """What calls for this statement of this role. The role's function starts cold."""
        function = role.removesuffix("Role") + "Function"
        chosen = self._own(role, sid, function) or self._usual(role)

        def run(denied: Denied) -> None:
            if function in self._resources:
                self._stage.ask("cold", function=self.physical(function))
            chosen.run(denied)
            self._stage.ask("settle")

        return Scenario(run, chosen.prepare, chosen.end)

    def everyone(self) -> None:
        """The usual scenario of every role, one after the other."""
        for role in (name for name in self._resources if name.endswith("Role")):
            usual = self._usual(role)
            usual.prepare()
            usual.run(lambda: "")
            self._stage.ask("settle")
            usual.end()

    def _usual(self, role: str) -> Scenario:
        match role:
            case "DecideRole" | "ScheduleRole":
                return Scenario(lambda _: self._tick())
            case "ScaleCopiesRole":
                return Scenario(lambda _: self._copies(), self._settled)
            case "ScaleInstancesRole":
                return Scenario(lambda _: self._instances(), self._settled)
            case "LearnRole":
                return Scenario(lambda _: self._now("LearnFunction", "tidepool.learn-tick"), self._burst_alarm_lost)
            case "ReportRole":
                return Scenario(lambda _: self._now("ReportFunction", "tidepool.report-tick"))
            case "MoveModelsRole":
                return Scenario(lambda _: self._attach(f"new-{self._number + 1}", minutes=4), end=self._detach)
        raise LookupError(f"{role} has no scenario: say in {__file__} what calls for its permissions")

    def _own(self, role: str, sid: str, function: str) -> Scenario | None:
        """The scenario of a statement that the role's usual one does not call for."""
        match role, sid:
            case _, "HandOverFailedRuns":
                return Scenario(lambda _: self._send(function, {"source": "nobody.knows"}))
            case _, "TellMissingFromForbidden":
                return self._without_pointer(self._usual(role))
            case "DecideRole", "SpeakOnTheBus":
                return Scenario(lambda _: self._stage.upload(self._stack, FLEET))
            case "DecideRole", "ReadAlarmTags":
                return Scenario(lambda _: self._send(function, example("alarm")))
            case "DecideRole", "ReadReservations":
                return Scenario(lambda _: self._tick(), self._their_reserved_endpoint, self._their_endpoint_gone)
            case "ScheduleRole", "HandOverMissedTicks":
                return Scenario(lambda _: self._tick_for_nobody(), end=self._nobody_gone)
            case "ScaleCopiesRole", "SpeakOnTheBus":
                return Scenario(lambda _: self._refused_copies(), self._their_component)
            case "ScaleInstancesRole", "SpeakOnTheBus":
                return Scenario(lambda _: self._refused_instances(), self._their_endpoint, self._their_endpoint_gone)
            case "ScaleCopiesRole", "SetAutoscalingOfCopies" | "ReadWhoElseScalesBeforeActing":
                return self._while_scaled("copies")
            case "ScaleInstancesRole", "SetAutoscalingOfInstances" | "ReadWhoElseScalesBeforeActing":
                return self._while_scaled("instances")
            case "ScaleInstancesRole", (
                "MakeConfigWithNewBounds"
                | "TagWhatItMakes"
                | "PutConfigInForceOnManagedEndpoint"
                | "PutOnlyItsOwnConfigInForce"
                | "PassThePoolsRole"
                | "ListConfigs"
            ):
                return Scenario(lambda _: self._bounds(), self._settled)
            case "ScaleInstancesRole", "SweepItsOwnConfigs":
                return Scenario(lambda _: self._bounds(), self._bounds_twice)
            case "LearnRole", "SpeakOnTheBus":
                learn = self._usual(role)
                return Scenario(learn.run, self._bounds_that_come_back)
            case "MoveModelsRole", "ReadWhoElseScalesBeforeMoving" | "SeeWhatCallersMay":
                return Scenario(lambda _: self._move_out(minutes=1), self._mover, self._taken_back)
            case "MoveModelsRole", "CreateOwnRouter":
                return Scenario(lambda _: self._attach("routed-new", minutes=6), end=self._detach)
            case "MoveModelsRole", "WriteManagedRouters":
                return Scenario(
                    lambda _: self._attach("routed-two", minutes=6), lambda: self._attach("routed-one", minutes=8)
                )
            case "MoveModelsRole", "CreateOwnEndpoint" | "ReadPricesAndQuotas" | "ReadMetrics":
                return Scenario(lambda _: self._move_out(minutes=2), self._mover, self._taken_back)
            case "MoveModelsRole", "RetireWhatItMade":
                return Scenario(lambda _: self._taken_back(), self._moving_out, self._taken_back)
            case "MoveModelsRole", "ShrinkTheSource":
                return Scenario(self._until_missed, lambda: self._move("calm", "dedicated"), self._moved_at_last)
            case "MoveModelsRole", "RetireWhatItsOwnerGaveUp":
                return Scenario(self._until_missed, self._moving_in, self._moved_at_last)
        return None

    # Looking.
    def _tick(self) -> None:
        self._number += 1
        self._stage.dial(busy=60 + 240 * (self._number % 2))
        self._stage.minutes(2)

    def _without_pointer(self, usual: Scenario) -> Scenario:
        """The same while config/accepted.json is not there, as before a stack's first decision."""

        def lost(denied: Denied) -> None:
            self._stage.client("s3").delete_object(Bucket=self._outputs["BucketName"], Key="config/accepted.json")
            usual.run(denied)

        def found() -> None:
            usual.end()
            self._stage.upload(self._stack, FLEET)

        return Scenario(lost, usual.prepare, found)

    def _burst_alarm_lost(self) -> None:
        alarms = self._stage.client("cloudwatch")
        there = [name for name in self._stage.seen()["alarms"] if name == f"{self._stack}-burst-calm"]
        if there:
            alarms.delete_alarms(AlarmNames=there)

    def _tick_for_nobody(self) -> None:
        account = self._outputs["TopicArn"].split(":")[4]
        arn = f"arn:aws:lambda:us-east-1:{account}:function:{self._stack}-gone"
        queues = self._stage.client("sqs")
        url = self.physical("UndeliveredQueue")
        dead = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        role = self._stage.client("iam").get_role(RoleName=self.physical("ScheduleRole"))["Role"]["Arn"]
        self._stage.client("scheduler").create_schedule(
            Name="nobody",
            ScheduleExpression="cron(* * * * ? *)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": arn, "RoleArn": role, "Input": "{}", "DeadLetterConfig": {"Arn": dead}},
        )
        self._stage.minutes(2)

    def _nobody_gone(self) -> None:
        self._stage.client("scheduler").delete_schedule(Name="nobody")

    # Scaling.
    def _settled(self) -> None:
        """Nothing that a hand is asked to change is changing already."""

        def still(seen: dict[str, Any]) -> bool:
            calm, homes = seen["components"]["calm"], seen["endpoints"]
            in_service = all(homes[name]["status"] == "InService" for name in {POOL, "alone-prod"} & set(homes))
            return in_service and calm["wanted"] == calm["now"]

        self._stage.until(still, minutes=SETTLE_MINUTES)

    def _copies(self, component: str = "calm") -> None:
        wanted = self._stage.seen()["components"][component]["wanted"]
        places = {"model": component, "component": component, "endpoint": POOL}
        self._put("scale_copies", "scale-copies", **places, copies_from=wanted, copies_to=wanted % 2 + 1)

    def _instances(self, endpoint: str = "alone-prod") -> None:
        now = self._stage.seen()["endpoints"][endpoint]["instances"]
        self._put(
            "scale_instances",
            "scale-instances",
            **{"model": endpoint.removesuffix("-prod"), "endpoint": endpoint},
            **{"instances_from": now, "instances_to": now % 2 + 1},
        )

    def _their_component(self) -> None:
        """A component that nobody gave into Tidepool's hands: it has no tag tidepool:managed."""
        self._sagemaker.create_inference_component(
            InferenceComponentName="theirs",
            EndpointName=POOL,
            VariantName="AllTraffic",
            Specification={
                "ModelName": "calm",
                "ComputeResourceRequirements": {
                    "NumberOfAcceleratorDevicesRequired": 1,
                    "MinMemoryRequiredInMb": 1024,
                },
            },
            RuntimeConfig={"CopyCount": 1},
            Tags=[{"Key": "model", "Value": "theirs"}],
        )
        self._stage.until(lambda seen: seen["components"]["theirs"]["now"] == 1, minutes=SETTLE_MINUTES)

    def _refused_copies(self) -> None:
        for _ in range(REFUSALS):
            self._copies("theirs")

    def _their_reserved_endpoint(self) -> None:
        bound = {"CapacityReservationPreference": "capacity-reservations-only", "MlReservationArn": PLAN}
        self._their_endpoint("theirs-reserved", CapacityReservationConfig=bound)

    def _their_endpoint(self, config: str = "theirs-prod", **more: Any) -> None:
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": "calm",
            "InstanceType": P4D,
            "InitialInstanceCount": 1,
            "InitialVariantWeight": 1.0,
            **more,
        }
        self._sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
        tags = [{"Key": "model", "Value": "theirs"}]
        self._sagemaker.create_endpoint(EndpointName="theirs-prod", EndpointConfigName=config, Tags=tags)
        self._stage.until(
            lambda seen: seen["endpoints"]["theirs-prod"]["status"] == "InService", minutes=SETTLE_MINUTES
        )

    def _refused_instances(self) -> None:
        for _ in range(REFUSALS):
            self._instances("theirs-prod")

    def _their_endpoint_gone(self) -> None:
        self._sagemaker.delete_endpoint(EndpointName="theirs-prod")

    def _while_scaled(self, what: str) -> Scenario:
        """Application Auto Scaling scales it meanwhile, from a minimum of 1."""
        resource, dimension = scalable(what)
        named = {"ServiceNamespace": "sagemaker", "ResourceId": resource, "ScalableDimension": dimension}
        client = self._stage.client("application-autoscaling")
        return Scenario(
            lambda _: self._autoscaling(what),
            lambda: client.register_scalable_target(**named, MinCapacity=1, MaxCapacity=4),
            lambda: client.deregister_scalable_target(**named),
        )

    def _autoscaling(self, what: str) -> None:
        resource, _ = scalable(what)
        name = resource.split("/")[1]
        model = name.removesuffix("-prod")
        self._put(f"autoscale_{what}", "set-autoscaling", model=model, target=name, resource=resource, min_to=2)

    def _bounds(self) -> None:
        endpoint = self._sagemaker.describe_endpoint(EndpointName=POOL)
        scaling = endpoint["ProductionVariants"][0]["ManagedInstanceScaling"]
        low, high = scaling["MinInstanceCount"], scaling["MaxInstanceCount"]
        self._put(
            "set_bounds",
            "set-bounds",
            **{"endpoint": POOL, "config_from": endpoint["EndpointConfigName"]},
            **{"min_from": low, "min_to": low, "max_from": high, "max_to": high - 1},
        )

    def _bounds_twice(self) -> None:
        """Two configs of ours, so that the next one leaves one to be swept."""
        for _ in range(2):
            self._settled()
            self._bounds()
        self._settled()

    def _bounds_that_come_back(self) -> None:
        """SageMaker accepts new bounds, and then the first config is in force again."""
        self._first_bounds()
        self._bounds()
        self._first_bounds()

    def _first_bounds(self) -> None:
        self._settled()
        if self._sagemaker.describe_endpoint(EndpointName=POOL)["EndpointConfigName"] != self._config:
            self._sagemaker.update_endpoint(EndpointName=POOL, EndpointConfigName=self._config)
        self._settled()

    # Moving.
    def _attach(self, model: str, *, minutes: int) -> None:
        self._put("attach", "attach", model=model, pool="p4d", sagemaker_model="calm")
        self._stage.minutes(minutes)

    def _detach(self) -> None:
        """What attaches made is gone, so that the pool has room for the next."""
        for name in self._stage.seen()["components"]:
            if name.startswith("tidepool-new-"):
                self._sagemaker.delete_inference_component(InferenceComponentName=name)
        self._stage.minutes()

    def _mover(self) -> None:
        """The model `mover` has a home in the pool, which Tidepool made, and a caller who may invoke it anywhere."""
        if any(each["model"] == "mover" for each in self._stage.seen()["components"].values()):
            return
        iam, role = self._stage.client("iam"), CALLER.rpartition("/")[2]
        trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        invoke = {"Sid": "Invoke", "Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": "*"}
        if role not in {each["RoleName"] for each in iam.list_roles()["Roles"]}:
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy(trust))
        iam.put_role_policy(RoleName=role, PolicyName="invoke", PolicyDocument=policy(invoke))
        self._attach("mover", minutes=6)

    def _move(self, model: str, to: str) -> None:
        self._moved = self._put("move", "move", model=model, to=to)

    def _move_out(self, *, minutes: int) -> None:
        self._move("mover", "dedicated")
        self._stage.minutes(minutes)

    def _moving_out(self) -> None:
        """The new endpoint of a move is there, and it may still go back."""
        self._mover()
        self._move_out(minutes=3)

    def _moving_in(self) -> None:
        """The pool has room for it, and its endpoint has settled: what is being changed is not moved."""
        self._first_bounds()
        if self._stage.seen()["endpoints"]["alone-prod"]["instances"] > 1:
            self._instances()
        self._stage.minutes(8)
        self._move("alone", "p4d")

    def _open(self) -> bool:
        ended = {"done", "rolled back", "superseded", "needs a person"}
        moves = [item["body"] for item in self._stage.items(self._stack, "move")]
        return any(move["id"] == self._moved and move["phase"] not in ended for move in moves)

    def _taken_back(self) -> None:
        """A person wants the move undone; the next minutes do it."""
        if self._open():
            self._put("undo", "undo", move=self._moved)
            self._stage.minutes(3)

    def _until_missed(self, denied: Denied) -> None:
        for _ in range(MOVE_MINUTES):
            self._stage.minutes()  # within it the move that was asked for begins
            if denied() or not self._open():
                return

    def _moved_at_last(self) -> None:
        self._stage.until(lambda _: not self._open(), minutes=MOVE_MINUTES)
