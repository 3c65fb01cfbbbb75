"""From the environment to ports: the only place with singletons. A function makes each thing once and keeps it warm.

Whatever is heavy and not needed by every function is imported where it is made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

from tidepool import cold_start
from tidepool.aws import environment as env
from tidepool.aws.counted import CountedClients
from tidepool.aws.metrics import Metric, of_calls, of_outcome
from tidepool.errors import BadFleetFile, BadInput, Throttled
from tidepool.runtime.ports import Ports

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics

    from tidepool.aws.alarms import FreezeAlarms
    from tidepool.aws.config_store import FleetFile
    from tidepool.plan.change import Change

Handler = Callable[[Any, Any], dict[str, Any]]
SHOWN_PROBLEMS = 50
"""Of a refusal, as many problems are logged: 50 long ones are some 10 KB, and each refusal is logged once."""
ONCE_S = 3600
"""How long a change's id is remembered: an event bus delivers a late repetition within minutes, never after an hour.
Every new decision gives its changes new ids."""


def clock() -> int:
    """Now, in whole seconds since 1970 UTC."""
    return int(time.time())


@cache
def environment() -> env.Environment:
    """What the template told this function. BadInput names everything that is missing."""
    return env.read()


@cache
def clients() -> CountedClients:
    """The boto3 clients of this function, each made at its first use."""
    return CountedClients()


@cache
def logger() -> Logger:
    """Structured logs, named after the stack."""
    from aws_lambda_powertools import Logger

    return Logger()


@cache
def metrics() -> Metrics:
    """Metrics in embedded format, under the template's namespace and service."""
    from aws_lambda_powertools import Metrics

    return Metrics()


@cache
def freeze_alarms() -> FreezeAlarms:
    """Freezes, and the tags of people's alarms."""
    from tidepool.aws.alarms import FreezeAlarms

    return FreezeAlarms(clients())


@cache
def fleet_file(*, judges: bool = False) -> FleetFile:
    """fleet.yaml in the bucket. `judges` as in ports."""
    from tidepool.aws.bus import EventBus
    from tidepool.aws.config_store import FleetFile
    from tidepool.aws.objects import Bucket

    told, made = environment(), clients()
    bucket, bus = Bucket(made, told.bucket), EventBus(made, told.bus)
    return FleetFile(bucket, bus, clock=clock, judges=judges, most=told.hands.rung, refused=_refused)


@cache
def ports(*, judges: bool = False) -> Ports:
    """All ports over AWS. `judges`: this function judges uploads of fleet.yaml, which only decide may."""
    from tidepool.aws.autoscaling import ApplicationAutoScaling
    from tidepool.aws.bus import EventBus
    from tidepool.aws.cloudwatch import CloudWatch
    from tidepool.aws.ledger import Ledger
    from tidepool.aws.objects import Bucket
    from tidepool.aws.pricing import PriceList
    from tidepool.aws.principals import Principals
    from tidepool.aws.routes import Routes
    from tidepool.aws.sagemaker import DESCRIBED_KEPT_S, SageMaker
    from tidepool.aws.table import Table
    from tidepool.aws.training_plans import TrainingPlans

    told, made = environment(), clients()
    bucket = Bucket(made, told.bucket)
    bus = EventBus(made, told.bus)
    config = fleet_file(judges=judges)
    return Ports(
        hosting=SageMaker(
            made,
            stack=told.stack,
            identity=config.known_identity,
            clock=clock,
            described_kept_s=DESCRIBED_KEPT_S if judges else 0,
        ),
        metrics=CloudWatch(made, decide_arn=told.decide_arn, keeps=judges),
        prices=PriceList(made, clock=clock),
        routes=Routes(made, table=told.routes_table, bus=bus, together=clock if judges else None),
        ledger=Ledger(Table(made, told.ledger_table), bucket),
        bus=bus,
        config=config,
        alarms=freeze_alarms(),
        autoscaling=ApplicationAutoScaling(made, clock=clock),
        principals=Principals(made),
        reservations=TrainingPlans(made, clock=clock),
    )


def observed(handler: Handler) -> Handler:
    """The handler with its log and metrics: one line for each run, nothing of the payload, a refusal with its problems.

    What it raises goes on to Lambda: the run has failed, is not repeated, and its event goes to the dead letters.
    """

    @wraps(handler)
    def run(event: Any, context: Any) -> dict[str, Any]:
        log = logger()
        log.set_correlation_id(_correlation(event, context))
        try:
            result = handler(event, context)
        except BadInput as error:
            log.error("refused", extra={"what": error.what, "problems": _shown(error)})
            raise
        except Exception as error:
            if isinstance(error, Throttled):
                count(Metric.THROTTLED)
            log.exception("failed", extra={"error": type(error).__name__})
            raise
        else:
            log.info("done", extra={"result": result})
            return result
        finally:
            count_all(of_calls(clients().taken()))
            if metrics().metric_set:
                metrics().flush_metrics()
            log.thread_safe_clear_keys()

    cold_start.over()
    return run


def count(metric: Metric, value: float = 1) -> None:
    """This much more of the metric, in the unit that its name says."""
    metrics().add_metric(name=metric, unit="None", value=value)


def count_all(figures: Iterable[tuple[Metric, float]]) -> None:
    """Each figure that is not 0 is counted: a metric costs by the hours in which it is written, and silence says 0."""
    for metric, value in figures:
        if value:
            count(metric, value)


def once(act: Callable[[], str], change: Change, context: Any) -> dict[str, Any]:
    """`act` has run for this change exactly once, however often its event comes; returns its outcome.

    The ids of changes lie in the ledger's table. An act that raised may be tried again.
    """
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )
    from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError

    from tidepool.aws.table import EXPIRES

    store = DynamoDBPersistenceLayer(
        table_name=environment().ledger_table,
        key_attr="pk",
        sort_key_attr="sk",
        static_pk_value="once",
        expiry_attr=EXPIRES,
        boto3_client=clients().get("dynamodb"),
    )
    config = IdempotencyConfig(expires_after_seconds=ONCE_S)
    config.register_lambda_context(context)

    def run(*, change_id: str) -> dict[str, Any]:
        outcome = act()
        count(of_outcome(outcome))
        return {"change": change_id, "kind": type(change).__name__, "outcome": outcome}

    acted = idempotent_function(
        run, data_keyword_argument="change_id", persistence_store=store, config=config, key_prefix="change"
    )
    try:
        result: dict[str, Any] = acted(change_id=change.id)
    except IdempotencyAlreadyInProgressError:
        return {"change": change.id, "kind": type(change).__name__, "outcome": "under way in another run"}
    return result


def _refused(error: BadFleetFile) -> None:
    logger().error("fleet.yaml refused", extra={"problems": _shown(error)})
    count(Metric.FLEET_FILE_REFUSED)


def _shown(error: BadInput) -> list[str]:
    """The problems, as far as a log line holds them."""
    more = len(error.problems) - SHOWN_PROBLEMS
    shown = [str(problem) for problem in error.problems[:SHOWN_PROBLEMS]]
    return [*shown, f"and {more} more: `tidepool validate` lists them"] if more > 0 else shown


def _correlation(event: Any, context: Any) -> str:
    """The event's own id, or the run's: ticks and alarms carry none."""
    own = event.get("id") if isinstance(event, Mapping) else None
    return str(own or getattr(context, "aws_request_id", ""))
