"""From the environment to ports: the only place with singletons. A function makes each thing once and keeps it warm.

Whatever is heavy and not needed by every function is imported where it is made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

from tidepool.aws import environment as env
from tidepool.aws.clients import Clients
from tidepool.errors import BadFleetFile, BadInput
from tidepool.runtime.ports import Ports

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics

    from tidepool.aws.alarms import FreezeAlarms
    from tidepool.plan.change import Change

Handler = Callable[[Any, Any], dict[str, Any]]
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
def clients() -> Clients:
    """The boto3 clients of this function, each made at its first use."""
    return Clients()


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
def ports(*, judges: bool = False) -> Ports:
    """All ports over AWS. `judges`: this function judges uploads of fleet.yaml, which only decide may."""
    from tidepool.aws.autoscaling import ApplicationAutoScaling
    from tidepool.aws.bus import EventBus
    from tidepool.aws.cloudwatch import CloudWatch
    from tidepool.aws.config_store import FleetFile
    from tidepool.aws.ledger import Ledger
    from tidepool.aws.objects import Bucket
    from tidepool.aws.pricing import PriceList
    from tidepool.aws.routes import Routes
    from tidepool.aws.sagemaker import SageMaker
    from tidepool.aws.table import Table

    told, made = environment(), clients()
    bucket = Bucket(made, told.bucket)
    bus = EventBus(made, told.bus)
    config = FleetFile(bucket, bus, clock=clock, judges=judges, most=told.hands.rung, refused=_refused)
    return Ports(
        hosting=SageMaker(made, stack=told.stack, identity=config.known_identity, clock=clock),
        metrics=CloudWatch(made, decide_arn=told.decide_arn),
        prices=PriceList(made, clock=clock),
        routes=Routes(made, table=told.routes_table, bus=bus),
        ledger=Ledger(Table(made, told.ledger_table), bucket),
        bus=bus,
        config=config,
        alarms=freeze_alarms(),
        autoscaling=ApplicationAutoScaling(made),
    )


def observed(handler: Handler) -> Handler:
    """The handler with its log and metrics: one line for each run, nothing of the payload, every refusal in full.

    What it raises goes on to Lambda: the run has failed, is not repeated, and its event goes to the dead letters.
    """

    @wraps(handler)
    def run(event: Any, context: Any) -> dict[str, Any]:
        log = logger()
        log.set_correlation_id(_correlation(event, context))
        try:
            result = handler(event, context)
        except BadInput as error:
            log.error("refused", extra={"what": error.what, "problems": [str(p) for p in error.problems]})
            raise
        except Exception as error:
            log.exception("failed", extra={"error": type(error).__name__})
            raise
        else:
            log.info("done", extra={"result": result})
            return result
        finally:
            if metrics().metric_set:
                metrics().flush_metrics()
            log.thread_safe_clear_keys()

    return run


def count(name: str, value: float = 1) -> None:
    """One more of what the template's dashboard and alarms know by this name."""
    metrics().add_metric(name=name, unit="Count", value=value)


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
        count(f"Change{outcome.replace(' ', '').capitalize()}")
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
    logger().error("fleet.yaml refused", extra={"problems": [str(problem) for problem in error.problems]})
    count("FleetFileRefused")


def _correlation(event: Any, context: Any) -> str:
    """The event's own id, or the run's: ticks and alarms carry none."""
    own = event.get("id") if isinstance(event, Mapping) else None
    return str(own or getattr(context, "aws_request_id", ""))
