"""Which metrics there are, with their dimensions and statistics: an alarm on anything else is silent for ever.

CloudWatch accepts any name, so a misspelt metric in template.yaml deploys well and never fires. The rig refuses it.
Source: sagemaker-facts.md, Metrics; AWS documentation of AWS/Lambda, AWS/SQS, AWS/Events, AWS/Scheduler metrics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tidepool_lab.embedded import insights

SUMS = frozenset({"Sum", "SampleCount", "Average", "Minimum", "Maximum"})
IN_FLIGHT = frozenset({"Minimum", "Maximum"})
"""The two statistics that AWS documents for the concurrency metrics."""

COMPONENT = frozenset({"InferenceComponentName"})
VARIANT = frozenset({"EndpointName", "VariantName"})

SAGEMAKER: Mapping[str, tuple[frozenset[str], tuple[frozenset[str], ...]]] = {
    "Invocations": (SUMS, (COMPONENT, VARIANT)),
    "InvocationsPerCopy": (SUMS, (COMPONENT,)),
    "InvocationsPerInstance": (SUMS, (VARIANT,)),
    "ConcurrentRequestsPerCopy": (IN_FLIGHT, (COMPONENT,)),
    "ConcurrentRequestsPerModel": (IN_FLIGHT, (VARIANT,)),
    "ModelLatency": (SUMS, (COMPONENT, VARIANT)),
    "OverheadLatency": (SUMS, (COMPONENT, VARIANT)),
    "Invocation4XXErrors": (SUMS, (COMPONENT, VARIANT)),
    "Invocation5XXErrors": (SUMS, (COMPONENT, VARIANT)),
    "NoCapacityInvocationFailures": (SUMS, (COMPONENT,)),
}
"""Of AWS/SageMaker. EndpointName alone is not a set of dimensions that anything is filed under."""

UTILISATION_NAMESPACES = {
    "/aws/sagemaker/InferenceComponents": COMPONENT,
    "/aws/sagemaker/Endpoints": VARIANT,
}
UTILISATION = frozenset(
    f"{what}{kind}{normalized}"
    for what in ("GPU", "GPUMemory", "CPU", "Memory")
    for kind in ("Utilization", "Reservation")
    for normalized in ("", "Normalized")
)

OTHERS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "AWS/Lambda": (
        frozenset({"Invocations", "Errors", "Throttles", "Duration", "DeadLetterErrors", "AsyncEventsDropped"}),
        frozenset({"FunctionName"}),
    ),
    "AWS/SQS": (
        frozenset({"ApproximateNumberOfMessagesVisible", "NumberOfMessagesSent"}),
        frozenset({"QueueName"}),
    ),
}
"""Namespace → names, dimensions."""

OURS = "Tidepool"
"""The namespace of what the handlers count themselves: a name of it has to stand in their code."""


class UnknownMetric(AssertionError):
    """The alarm watches what nothing writes."""


def check(asked: Mapping[str, Any], *, code: str = "") -> None:
    """Something writes every metric that the alarm asks for, under those dimensions, with those statistics.

    code: the functions' source; '' = what they count themselves is not looked up.
    """
    for namespace, metric, keys, stat in _watched(asked):
        problem = _problem(namespace, metric, keys, stat)
        if namespace == OURS and code and f'"{metric}"' not in code:
            problem = "no function counts anything by this name"
        if problem:
            raise UnknownMetric(f"alarm {asked['AlarmName']}: {namespace} {metric}: {problem}")


def _watched(asked: Mapping[str, Any]) -> Iterator[tuple[str, str, frozenset[str] | None, str]]:
    if "MetricName" in asked:
        keys = frozenset(each["Name"] for each in asked.get("Dimensions", ()))
        yield asked["Namespace"], asked["MetricName"], keys, str(asked.get("Statistic", ""))
    for query in asked.get("Metrics", ()):
        if "MetricStat" in query:
            metric = query["MetricStat"]["Metric"]
            keys = frozenset(each["Name"] for each in metric.get("Dimensions", ()))
            yield metric["Namespace"], metric["MetricName"], keys, str(query["MetricStat"]["Stat"])
        elif str(query.get("Expression", "")).lstrip().upper().startswith("SELECT"):
            parsed = insights.parse(query["Expression"])
            yield parsed.namespace, parsed.metric, frozenset(parsed.keys) or None, parsed.stat


def _problem(namespace: str, metric: str, keys: frozenset[str] | None, stat: str) -> str:
    if namespace == "AWS/SageMaker":
        if metric not in SAGEMAKER:
            return f"no such metric; there are {sorted(SAGEMAKER)}"
        stats, filed = SAGEMAKER[metric]
        if keys is not None and keys not in filed:
            return f"is not filed under {sorted(keys)}; it is under {[sorted(each) for each in filed]}"
        return "" if stat in stats else f"has no statistic {stat!r}; it has {sorted(stats)}"
    if namespace in UTILISATION_NAMESPACES:
        return "" if metric in UTILISATION else f"no such metric; there are {sorted(UTILISATION)}"
    if namespace in OTHERS:
        names, dimensions = OTHERS[namespace]
        if metric not in names:
            return f"no such metric; there are {sorted(names)}"
        return "" if keys in (None, dimensions) else f"is filed under {sorted(dimensions)}, not {sorted(keys or ())}"
    return "" if not namespace.upper().startswith(("AWS/", "/AWS/")) else "no such namespace in the twin"
