"""A pool as infrastructure code: a shared endpoint for inference components, in the team's own repository.

A pool is people's to declare and to own: Tidepool writes none, and changes its bounds only where fleet.yaml says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tidepool.errors import BadInput, Problem
from tidepool.fleet.identity import MANAGED_TAG
from tidepool.move.naming import NAME_MAX

VARIANT = "AllTraffic"
ROUTING = "LEAST_OUTSTANDING_REQUESTS"
"""To the instance with the fewest requests in flight (CreateEndpointConfig): models share machines."""
PREFIX_MAX = 37
"""Terraform appends 26 characters to a name_prefix, and a config's name has at most 63."""
MOST = 4
"""The ceiling without --max: the bill of a first try stays small. Ours."""

_NAME = re.compile(r"[a-zA-Z0-9]([\-a-zA-Z0-9]*[a-zA-Z0-9])?")
_TAG = re.compile(r"[\w .:/+\-@]+=[\w .:/=+\-@]*")
"""As SageMaker takes keys and values (Tag, API reference): nothing in them can end a text of YAML or Terraform."""
_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """`count` instances to begin with, between 1 and `most`."""

    name: str
    instance_type: str
    count: int
    most: int
    tags: Mapping[str, str]


def checked(name: str, instance_type: str, *, count: int, most: int | None, tags: tuple[str, ...]) -> PoolPlan:
    """The pool of these words. BadInput with everything that is wrong with them."""
    ceiling = max(count, MOST) if most is None else most
    problems = []
    if not _NAME.fullmatch(name) or len(name) > NAME_MAX:
        allowed = f"letters, digits and hyphens inside, at most {NAME_MAX}"
        problems.append(Problem("NAME", name, allowed, "it becomes the endpoint's name"))
    if not _TYPE.fullmatch(instance_type):
        problems.append(Problem("--instance-type", instance_type, "a SageMaker type, such as ml.p4d.24xlarge"))
    if count < 1:
        problems.append(Problem("--count", count, "1 or more", "an endpoint is created with an instance at least"))
    if ceiling < count:
        problems.append(Problem("--max", ceiling, f"--count ({count}) or more"))
    allowed = "KEY=VALUE of letters, digits, spaces and _.:/=+-@"
    problems += [
        Problem("--tag", tag, allowed, "for instance --tag cost-center=ml") for tag in tags if not _TAG.fullmatch(tag)
    ]
    if problems:
        raise BadInput("the command line", tuple(problems))
    return PoolPlan(
        name, instance_type, count, ceiling, {MANAGED_TAG: "true", **dict(tag.split("=", 1) for tag in tags)}
    )


def cloudformation(pool: PoolPlan) -> str:
    """The pool as a CloudFormation template, in YAML."""
    tags = "\n".join(f'        - {{Key: "{k}", Value: "{v}"}}' for k, v in pool.tags.items())
    return f"""\
AWSTemplateFormatVersion: "2010-09-09"
Description: {pool.name}, a pool of {pool.instance_type} for inference components

# fleet.yaml declares it so:  pools: {{{pool.name}: {{types: [{pool.instance_type}]}}}}

Parameters:
  ExecutionRoleArn:
    Type: String
    AllowedPattern: ^arn:aws[a-z-]*:iam::[0-9]{{12}}:role/.+$
    Description: What SageMaker assumes to fetch the models' images and weights

Resources:
  # Without a name of its own, so that a change of it makes a new one that the endpoint can go over to.
  PoolConfig:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ExecutionRoleArn: !Ref ExecutionRoleArn
      ProductionVariants:
        - VariantName: {VARIANT}  # no model: components bring theirs
          InstanceType: {pool.instance_type}
          InitialInstanceCount: {pool.count}
          ManagedInstanceScaling: {{Status: ENABLED, MinInstanceCount: 1, MaxInstanceCount: {pool.most}}}
          RoutingConfig: {{RoutingStrategy: {ROUTING}}}
      Tags:
{tags}

  Pool:
    Type: AWS::SageMaker::Endpoint
    Properties:
      EndpointName: {pool.name}
      EndpointConfigName: !GetAtt PoolConfig.EndpointConfigName
      RetainAllVariantProperties: true  # an update keeps the instances that run
      Tags:
{tags}

Outputs:
  EndpointName:
    Value: !GetAtt Pool.EndpointName
"""


def terraform(pool: PoolPlan) -> str:
    """The pool as Terraform, for the hashicorp/aws provider."""
    label = pool.name.lower().replace("-", "_")
    label = label if label[0].isalpha() else f"pool_{label}"
    tags = "\n".join(f'    "{k}" = "{v}"' for k, v in pool.tags.items())
    prefix = f"{pool.name[: PREFIX_MAX - 1].rstrip('-')}-"
    return f"""\
# {pool.name}, a pool of {pool.instance_type} for inference components.
# fleet.yaml declares it so:  pools: {{{pool.name}: {{types: [{pool.instance_type}]}}}}

variable "execution_role_arn" {{
  type        = string
  description = "What SageMaker assumes to fetch the models' images and weights"
}}

resource "aws_sagemaker_endpoint_configuration" "{label}" {{
  name_prefix        = "{prefix}"
  execution_role_arn = var.execution_role_arn

  production_variants {{
    variant_name           = "{VARIANT}" # no model: components bring theirs
    instance_type          = "{pool.instance_type}"
    initial_instance_count = {pool.count}

    managed_instance_scaling {{
      status             = "ENABLED"
      min_instance_count = 1
      max_instance_count = {pool.most}
    }}

    routing_config {{
      routing_strategy = "{ROUTING}"
    }}
  }}

  tags = {{
{tags}
  }}

  lifecycle {{
    create_before_destroy = true
  }}
}}

resource "aws_sagemaker_endpoint" "{label}" {{
  name                 = "{pool.name}"
  endpoint_config_name = aws_sagemaker_endpoint_configuration.{label}.name

  tags = {{
{tags}
  }}
}}
"""
