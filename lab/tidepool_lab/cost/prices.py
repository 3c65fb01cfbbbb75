"""AWS's list prices of what Tidepool uses, us-east-1, in dollars, without any free tier. As of 2026-10.

Written down from the price pages' known lines, and not read from the price list here: compare them before you plan with
the sum.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """`usd` for each `per` of `unit`; source: AWS's price page, and the line on it."""

    usd: float
    per: int
    unit: str
    source: str

    @property
    def each(self) -> float:
        """Dollars for one."""
        return self.usd / self.per


LAMBDA_GB_S = Price(0.0000133334, 1, "GB-seconds", "Lambda: arm64, first tier")
LAMBDA_REQUESTS = Price(0.20, 1_000_000, "requests", "Lambda: requests")
METRICS_READ = Price(0.01, 1000, "metrics", "CloudWatch: GetMetricData, metrics requested")
CLOUDWATCH_CALLS = Price(0.01, 1000, "requests", "CloudWatch: other API requests")
CUSTOM_METRICS = Price(0.30, 1, "metric-months", "CloudWatch: custom metrics, by the hour in which they are written")
ALARMS = Price(0.10, 1, "alarm metrics", "CloudWatch: standard resolution alarms, and Metrics Insights alarms")
FAST_ALARMS = Price(0.30, 1, "alarm metrics", "CloudWatch: high resolution alarms")
DASHBOARDS = Price(3.00, 1, "dashboards", "CloudWatch: custom dashboards")
LOGS_GB = Price(0.50, 1, "GB", "CloudWatch Logs: ingestion, standard")
DYNAMODB_WRITES = Price(0.625, 1_000_000, "write units", "DynamoDB: on demand, 1 KB each")
DYNAMODB_READS = Price(0.125, 1_000_000, "read units", "DynamoDB: on demand, 4 KB each, consistent")
S3_WRITES = Price(0.005, 1000, "requests", "S3 Standard: PUT, LIST")
S3_READS = Price(0.0004, 1000, "requests", "S3 Standard: GET, HEAD")
S3_GB = Price(0.023, 1, "GB-months", "S3 Standard: storage, first tier")
EVENTS = Price(1.00, 1_000_000, "events", "EventBridge: custom events; Scheduler: invocations")
SNS_EMAILS = Price(2.00, 100_000, "emails", "SNS: email notifications")
SQS_REQUESTS = Price(0.40, 1_000_000, "requests", "SQS: standard queues")
