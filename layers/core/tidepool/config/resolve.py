"""From a model's identity to the values in force for it: exact name, else the most specific glob, else watch."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from tidepool.config.types import Config, ModelConfig, PoolConfig


def model_config(config: Config, model: str) -> ModelConfig:
    """The ModelConfig of `model`, named after it. `config.globs` is already in order of precedence."""
    exact = config.names.get(model)
    if exact is not None:
        return exact
    for pattern, found in config.globs:
        if fnmatchcase(model, pattern):
            return replace(found, name=model)
    return replace(config.unmatched, name=model)


def pool_of_endpoint(config: Config, endpoint: str) -> PoolConfig | None:
    """The declared pool that lives on `endpoint`, or None: Tidepool never invents a pool."""
    for pool in config.pools.values():
        if pool.endpoint == endpoint:
            return pool
    return None
