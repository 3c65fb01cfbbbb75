"""One rig a test on the small application: it answers boto3 until the test ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from seams.world import a_cloud, a_small_rig
from tidepool_lab.embedded.rig import Rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Model a has no copies and gets requests in minutes 2 and 3; b is busy for ten minutes on one copy."""
    cloud = a_cloud({"a": [0, 0, 5, 5], "b": [60] * 10}, copies={"a": 0, "b": 1}, past=7)
    with a_small_rig(cloud, Hands="copies") as made:
        yield made
