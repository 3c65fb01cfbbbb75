"""Clients whose calls are counted, so that what Tidepool asks of AWS is known as it runs, and not reckoned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tidepool.aws.clients import Clients


class CountedClients(Clients):
    """Clients. `asked`: calls, and metrics that GetMetricData was asked for, since it was last taken."""

    def __init__(self, region: str | None = None) -> None:
        super().__init__(region)
        self._asked: Counter[str] = Counter()

    def get(self, service: str) -> Any:
        """The client of a service, by boto3's name."""
        new = service not in self._made
        client = super().get(service)
        if new:
            client.meta.events.register("before-parameter-build", self._count)
        return client

    def taken(self) -> Mapping[str, int]:
        """What was asked since the last time; counting begins anew."""
        asked, self._asked = self._asked, Counter()
        return asked

    def _count(self, params: Mapping[str, Any], **_: object) -> None:
        # Once a call, whatever its retries.
        self._asked["calls"] += 1
        self._asked["metrics"] += len(params.get("MetricDataQueries", ()))
