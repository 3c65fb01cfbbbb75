"""Whom the policy of a queue, a topic, a function or a bus lets in.

ministack asks these policies when somebody calls, and not when a service delivers. So they are asked here, with the
condition keys that AWS's service gives, and no other: a policy that waits for a key that never comes lets nothing in.
"""

from __future__ import annotations

from collections.abc import Mapping

from ministack.core import iam_evaluator

RULES = "events.amazonaws.com"
ALARMS, ALARMS_OF_FUNCTIONS = "cloudwatch.amazonaws.com", "lambda.alarms.cloudwatch.amazonaws.com"

ACTIONS = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}
"""The service of a target → what delivering there is."""

ARN, FROM, OWNER = "aws:sourcearn", "aws:sourceaccount", "aws:sourceowner"
GIVEN: Mapping[tuple[str, str], tuple[str, ...]] = {
    (RULES, "lambda"): (ARN,),
    (RULES, "sqs"): (ARN,),
    (RULES, "sns"): (),
    (ALARMS, "sns"): (ARN, FROM, OWNER),
    (ALARMS_OF_FUNCTIONS, "lambda"): (ARN, FROM),
}
"""Who delivers, and where → the condition keys that come along.

EventBridge: its user guide, Resource-based policies (a topic's policy may have no condition block), and no
aws:SourceAccount (awsdocs/aws-cloudformation-user-guide#481). CloudWatch: user guide, Notifying users and Lambda
actions; the policy that SNS gives every topic asks for aws:SourceOwner.
"""


def lets_deliver(service: str, arn: str, source: str) -> bool:
    """The policy of that queue, topic or function lets the service deliver there for the resource `source`, an ARN."""
    kind, account = arn.split(":")[2], source.split(":")[4]
    values = {ARN: source, FROM: account, OWNER: account}
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account="",
        action=ACTIONS[kind],
        resource_arn=arn,
        region=arn.split(":")[3],
        secure_transport=True,
        service_context={key: values[key] for key in GIVEN[service, kind]},
    )
    policy, _ = iam_evaluator._resource_policy(kind, arn) or ("", "")
    return bool(iam_evaluator.evaluate_resource_policy(policy, context, service=service).decision == "Allow")


def role_may(role: str, action: str, resource: str) -> bool:
    """The role's policies allow it, and the resource's own policy does not deny it."""
    account, name = role.split(":")[4], role.rpartition("/")[2]
    context = iam_evaluator.EvalContext(
        principal_arn=role,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=resource.split(":")[3],
        secure_transport=True,
    )
    result = iam_evaluator.evaluate(context, iam_evaluator._gather_role_policies(name, account))
    own = iam_evaluator._resource_policy(action.partition(":")[0], resource)
    if own is not None:
        result = iam_evaluator.combine_resource_policy(result, context, *own)
    return bool(result.decision == "Allow")
