"""The twin's SageMaker metrics under CloudWatch's names, dimensions, statistics and units."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tidepool.fleet import Series
from tidepool_lab.embedded.catalog import COMPONENT, IN_FLIGHT, SAGEMAKER, UTILISATION_NAMESPACES
from tidepool_lab.embedded.metrics import TRIMMED, Dimensions
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.describe import VARIANT

MICROSECONDS = 1000.0
"""The twin keeps ModelLatency in milliseconds; CloudWatch shows microseconds (DOC)."""

COUNTED = frozenset({"Invocations", "NoCapacityInvocationFailures", "Invocation5XXErrors"})


class TwinMetrics:
    """metrics.Source over the twin."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._endpoints: set[str] = set()

    def dimensions(self, namespace: str, metric: str) -> Iterable[Dimensions]:
        """Of every component and dedicated endpoint that ever had metrics."""
        if namespace != "AWS/SageMaker" and namespace not in UTILISATION_NAMESPACES:
            return []
        dedicated = {name for name, each in self._cloud.life.endpoints.items() if each.container is not None}
        self._endpoints |= dedicated
        filed = SAGEMAKER[metric][1] if metric in SAGEMAKER else (UTILISATION_NAMESPACES.get(namespace, COMPONENT),)
        names = self._cloud.metrics.columns
        found: list[Dimensions] = []
        for keys in filed:
            if keys == COMPONENT:
                found.extend({"InferenceComponentName": name} for name in names if name not in self._endpoints)
            else:
                found.extend({"EndpointName": n, "VariantName": VARIANT} for n in names if n in self._endpoints)
        return found

    def series(
        self, namespace: str, metric: str, dimensions: Dimensions, *, stat: str, since: int, now: int
    ) -> Series | None:
        name = self._name(namespace, metric, dimensions)
        if name is None or name not in self._cloud.metrics.columns:
            return None
        metrics = self._cloud.metrics
        if stat in TRIMMED:
            if metric != "ModelLatency":
                return None
            tenths = metrics.slowness([name], since, now)[name][TRIMMED.index(stat)]
            return Series(tenths.start_s, tenths.step_s, tenths.values * MICROSECONDS)
        if metric in SAGEMAKER and SAGEMAKER[metric][0] is IN_FLIGHT:
            return metrics.raw(name, metric, since, now, statistic=stat) if stat in IN_FLIGHT else None
        if metric == "Invocations":
            # The trace before the run is the account's past: it is in `history` only.
            found = metrics.history([name], since, now)[name]
        else:
            try:
                found = metrics.raw(name, metric, since, now)
            except KeyError:
                return None
        if metric in COUNTED:
            if stat in {"Sum", "SampleCount"}:
                return found
            ones = np.where(np.isnan(found.values), np.nan, 1.0)
            return Series(found.start_s, found.step_s, ones)
        if metric == "ModelLatency":
            # Of a minute the twin knows the mean only.
            return Series(found.start_s, found.step_s, found.values * MICROSECONDS) if stat == "Average" else None
        return found if stat in {"Average", "Maximum", "Minimum"} else None

    def _name(self, namespace: str, metric: str, dimensions: Dimensions) -> str | None:
        """The target that is filed under exactly these dimensions."""
        keys = frozenset(dimensions)
        if namespace == "AWS/SageMaker":
            if metric not in SAGEMAKER or keys not in SAGEMAKER[metric][1]:
                return None
        elif UTILISATION_NAMESPACES.get(namespace) != keys:
            return None
        if keys == COMPONENT:
            return dimensions["InferenceComponentName"]
        return dimensions["EndpointName"] if dimensions["VariantName"] == VARIANT else None
