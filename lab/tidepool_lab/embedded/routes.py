"""Callers follow the routes table: what a move wrote there reaches the twin's callers."""

from __future__ import annotations

from tidepool_lab.embedded.intercept import Params
from tidepool_lab.embedded.stack import Stack
from tidepool_lab.twin.cloud import Cloud


def follow_table(cloud: Cloud, stack: Stack, operation: str, params: Params) -> None:
    """A write to the routes table was accepted: the twin's callers know it when their cache runs out."""
