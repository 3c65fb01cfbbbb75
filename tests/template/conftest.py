"""The template as written, as translated, and as a stack for each value of Hands."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tidepool_lab.deploy import permissions
from tidepool_lab.deploy.permissions import Statement
from tidepool_lab.embedded import template
from tidepool_lab.embedded.intrinsics import Resolver

ROOT = Path(__file__).parents[2]


@cache
def _source() -> dict[str, Any]:
    return template.read(ROOT / "template.yaml")


@cache
def _stack(hands: str, roles: str) -> Resolver:
    return permissions.resolved(_source(), hands=hands, roles=roles)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def source() -> dict[str, Any]:
    """template.yaml as a person wrote it."""
    return _source()


@pytest.fixture(scope="session")
def stack() -> Callable[..., Resolver]:
    """The stack that these hands make; with an execution role to pass unless roles=''."""

    def with_hands(hands: str = "moves", roles: str = permissions.EXAMPLE_ROLE) -> Resolver:
        return _stack(hands, roles)

    return with_hands


@pytest.fixture(scope="session")
def granted(stack: Callable[..., Resolver]) -> Callable[..., tuple[Statement, ...]]:
    """Every statement of every role that exists with these hands."""
    return lambda hands="moves", roles=permissions.EXAMPLE_ROLE: permissions.statements(stack(hands, roles))
