"""The policy checkers live in an environment of their own: `make policies` installs it and runs these tests."""

from __future__ import annotations

import pytest

from policies.checkers import TOOLS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/policies/" in item.nodeid:
            item.add_marker(pytest.mark.slow)
            if not (TOOLS / ".stamp").exists():
                item.add_marker(pytest.mark.skip(reason="the checkers are not installed: make policies"))
