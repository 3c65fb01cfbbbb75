"""The names and tags of what a move creates: the same after every crash, because they come from its id alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tidepool.fleet.identity import MANAGED_TAG

PREFIX = "tidepool-"
"""Names of created resources begin with it: the hands' permissions to create are scoped by it."""
CHANGE_TAG = "tidepool:change"
"""The id of the move that created a resource. Nothing without a move's own id is deleted by its way back."""
CREATED_TAG = "tidepool:created-by"
"""Tidepool made this, so Tidepool may delete it."""
_OURS = "tidepool:"
_AWS = "aws:"
"""AWS refuses tags that begin with aws: in a request."""

NAME_MAX = 63
NAME_PATTERN = re.compile(r"[a-zA-Z0-9]([\-a-zA-Z0-9]*[a-zA-Z0-9])?")
"""Names of components, endpoints and SageMaker Models (sagemaker-facts). An image, as a component defined by a
container shows it, is none."""


def target_name(model: str, move_id: str) -> str:
    """The component or endpoint this move creates: tidepool-<model>-<8 digits of its id>, at most 63 characters."""
    room = NAME_MAX - len(PREFIX) - 1 - 8
    slug = re.sub(r"[^a-zA-Z0-9]+", "-", model)[:room].strip("-") or "model"
    return f"{PREFIX}{slug}-{move_id[:8]}"


def target_tags(source_tags: Mapping[str, str], move_id: str) -> dict[str, str]:
    """The target's tags: the source's own (its identity and its owner's), then ours for this move."""
    theirs = {k: v for k, v in source_tags.items() if not k.startswith((_OURS, _AWS))}
    return {**theirs, MANAGED_TAG: "true", CREATED_TAG: "tidepool", CHANGE_TAG: move_id}
