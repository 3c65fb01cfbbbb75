"""fleet.yaml under what the stack was deployed with: no rung above it, for anything."""

from __future__ import annotations

from dataclasses import replace

from tidepool.config.types import Config, ModelConfig, Rung


def capped(config: Config, most: Rung) -> Config:
    """The same file with every rung at most `most`: the file's, each pool's, each model's.

    A hand that was not deployed cannot act, so what only it could do is held and said, and not asked for in vain.
    """

    def model(one: ModelConfig) -> ModelConfig:
        return replace(one, act=min(one.act, most))

    if most is Rung.RUN:
        return config
    return replace(
        config,
        act=min(config.act, most),
        pools={name: replace(pool, act=min(pool.act, most)) for name, pool in config.pools.items()},
        names={name: model(one) for name, one in config.names.items()},
        globs=tuple((pattern, model(one)) for pattern, one in config.globs),
        unmatched=model(config.unmatched),
    )
