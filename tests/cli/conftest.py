"""What a person's machine has when a command runs."""

from __future__ import annotations

import pytest


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a person's AWS configuration has it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
