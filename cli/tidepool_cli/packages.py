"""Which SageMaker Model a person means: one by name, or the one that was made of a model package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any

from tidepool.aws.failures import calling
from tidepool.errors import BadInput, NotFound, Problem
from tidepool_cli.output import bad_option
from tidepool_cli.stack import Deployed

LOOKED_AT = 100
"""The newest Models that are looked at for a package: each costs a DescribeModel, whose rate is unpublished. Ours."""


def model_of(account: Deployed, *, name: str | None, package: str | None, pool: str) -> str:
    """The SageMaker Model's name. BadInput when there is none, with the CreateModel request that would make one."""
    if name is not None:
        try:
            _described(account, name)
        except NotFound as error:
            hint = f"`aws sagemaker list-models` shows them ({error.message})"
            allowed = "a SageMaker Model of this account and region"
            raise bad_option("--model", name, allowed=allowed, hint=hint) from None
        return name
    for found in _newest(account):
        if package in _packages(_described(account, found)):
            return found
    request = json.dumps(_request(account, str(package), pool))
    hint = (
        "a component cannot name a package. Make a Model of it in your infrastructure code, with this CreateModel "
        f"request, then attach it with --model: {request}"
    )
    allowed = f"a package that one of the newest {LOOKED_AT} SageMaker Models is made of"
    raise BadInput("the command line", (Problem("--model-package", package, allowed, hint),))


def _newest(account: Deployed) -> list[str]:
    with calling("ListModels", "*"):
        pages = account.clients.get("sagemaker").get_paginator("list_models")
        newest_first = pages.paginate(SortBy="CreationTime", SortOrder="Descending")
        listed = (model["ModelName"] for page in newest_first for model in page["Models"])
        return list(islice(listed, LOOKED_AT))


def _described(account: Deployed, name: str) -> Mapping[str, Any]:
    with calling("DescribeModel", name):
        found: Mapping[str, Any] = account.clients.get("sagemaker").describe_model(ModelName=name)
    return found


def _packages(model: Mapping[str, Any]) -> set[str]:
    containers = [model.get("PrimaryContainer", {}), *model.get("Containers", ())]
    return {container["ModelPackageName"] for container in containers if "ModelPackageName" in container}


def _request(account: Deployed, package: str, pool: str) -> dict[str, Any]:
    """CreateModel of the package, with the role that the pool's own models are fetched with.

    Isolated from the network, since a package of the Marketplace runs in no other way (AWS Marketplace user guide,
    restrictions of machine learning products).
    """
    group = package.rpartition("model-package/")[2].replace("/", "-v")
    config, _ = account.rehearsal.config.current()
    known = account.sagemaker.endpoint(config.pools[pool].endpoint if pool in config.pools else pool)
    with calling("DescribeEndpointConfig", known.config_name):
        found = account.clients.get("sagemaker").describe_endpoint_config(EndpointConfigName=known.config_name)
    return {
        "ModelName": group,
        "PrimaryContainer": {"ModelPackageName": package},
        "ExecutionRoleArn": found.get("ExecutionRoleArn", "the role that may fetch the package"),
        "EnableNetworkIsolation": True,
    }
