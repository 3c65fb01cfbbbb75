"""From a model's identity to the values in force for it: its name, else the most specific glob, else watch."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from tidepool.config.classes import give_back_of
from tidepool.config.types import Config, GiveBack, ModelConfig, PoolConfig


def model_config(config: Config, model: str) -> ModelConfig:
    """The ModelConfig of `model`, named after it. `config.globs` is already in order of precedence."""
    if not model:
        # Without its identity tag it is nobody's: also `"*"` does not catch it, and nothing is ever written to it.
        return replace(config.unmatched, name=model)
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


def give_back(pool: PoolConfig, instance_type: str) -> GiveBack:
    """What the pool does with an idle machine of this type: as written, else kept when the type is scarce."""
    return pool.give_back if pool.give_back_written else give_back_of((instance_type,))
