"""How the demo's fleet is hosted when the day begins: by hand, as its teams once set it up."""

from __future__ import annotations

from dataclasses import dataclass

from tidepool.config.types import Config
from tidepool_lab.twin.cloud import Cloud

P4D = "ml.p4d.24xlarge"

ALONE = {"codegen-inline": P4D, "codegen-blockgen": P4D, "codegen-flowgpt": P4D}
"""Models on a dedicated endpoint of one instance each. Salesforce's own words: large models with little traffic
idle on multi-GPU machines, medium ones with much traffic are over-provisioned (AWS blog 2025-08)."""

COPIES = {
    "texteval": 2,
    "apex-chat": 4,
    "case-summary": 1,
    "email-draft": 1,
    "kb-answers": 2,
    "test-writer": 2,
    "sql-assist": 1,
    "code-review": 1,
    "doc-translate": 1,
    "log-triage": 1,
    "release-notes": 1,
}
"""Copies on the p4d pool, set by hand for about each model's peak and never touched since."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """The hand-made hosting of one fleet: models alone (→ instance type) and copies on the first pool."""

    alone: dict[str, str]
    copies: dict[str, int]


DEMO = ByHand(ALONE, COPIES)


def tags_of(model: str) -> dict[str, str]:
    """What a platform team tags: whose version this is, that Tidepool may act on it, and retire it after a move."""
    return {"model": model, "tidepool:managed": "true", "tidepool:retire": "delete"}


def lay(cloud: Cloud, config: Config, by_hand: ByHand) -> None:
    """Every pool of fleet.yaml exists, every model serves where the hands put it, and nothing is in progress."""
    for pool in config.pools.values():
        quota = config.instances[pool.types[0]].quota or 1
        cloud.create_pool(pool.endpoint, pool.types[0], maximum=quota, tags={"tidepool:managed": "true"}, settled=True)
    first = next(iter(config.pools.values())).endpoint
    for model, instance_type in by_hand.alone.items():
        cloud.create_endpoint(f"{model}-prod", model, instance_type=instance_type, tags=tags_of(model), settled=True)
    for model, copies in by_hand.copies.items():
        cloud.create_component(f"{model}-prod", first, model=model, copies=copies, tags=tags_of(model), settled=True)
