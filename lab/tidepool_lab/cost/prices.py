"""AWS's list prices of what Tidepool uses, us-east-1, in dollars, without any free tier.

No account is here to ask the price list. Each price is AWS's as a public page quotes it, named in `seen` and read
2026-11-26; where one names the price page's own date it stands beside it. Compare them before you plan with the sum.
"""

from __future__ import annotations

from dataclasses import dataclass

FACTS = "docs/sagemaker-facts.md, Metrics"
"""AWS's documentation, as that page holds it."""


@dataclass(frozen=True, slots=True)
class Price:
    """`usd` for each `per` of `unit`; source: AWS's price page, and the line on it; seen: who quotes that line."""

    usd: float
    per: int
    unit: str
    source: str
    seen: str

    @property
    def each(self) -> float:
        """Dollars for one."""
        return self.usd / self.per


LAMBDA_GB_S = Price(
    0.0000133334, 1, "GB-seconds", "Lambda: arm64, first tier", "cloudchipr.com/blog/aws-lambda-pricing (2024)"
)
LAMBDA_REQUESTS = Price(
    0.20, 1_000_000, "requests", "Lambda: requests", "git.mcrn.ar, lambda_local_runner, lambda-13-cost.md (2026-05)"
)
METRICS_READ = Price(
    0.01,
    1000,
    "metrics",
    "CloudWatch: GetMetricData, metrics requested",
    "support.site24x7.com, aws-cloudwatch-metrics-cost-calculation; " + FACTS,
)
CLOUDWATCH_CALLS = Price(
    0.01,
    1000,
    "requests",
    "CloudWatch: other API requests",
    "github.com/api-evangelist/cloudwatch, plans/cloudwatch-plans-pricing.yml (2026-05)",
)
CUSTOM_METRICS = Price(
    0.30,
    1,
    "metric-months",
    "CloudWatch: custom metrics, by the hour in which they are written",
    "signoz.io/guides/cloudwatch-pricing (2026-02)",
)
ALARMS = Price(
    0.10,
    1,
    "alarm metrics",
    "CloudWatch: standard resolution alarms, and Metrics Insights alarms",
    "github.com/api-evangelist/cloudwatch, plans/cloudwatch-plans-pricing.yml (2026-05); " + FACTS,
)
FAST_ALARMS = Price(0.30, 1, "alarm metrics", "CloudWatch: high resolution alarms", FACTS)
DASHBOARDS = Price(
    3.00,
    1,
    "dashboards",
    "CloudWatch: custom dashboards",
    "factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards (2026-06)",
)
LOGS_GB = Price(
    0.50,
    1,
    "GB",
    "CloudWatch Logs: ingestion, standard",
    "factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards (2026-06)",
)
DYNAMODB_WRITES = Price(
    0.625,
    1_000_000,
    "write units",
    "DynamoDB: on demand, 1 KB each",
    "airbyte.com/data-engineering-resources/dynamodb-pricing (2025-07)",
)
DYNAMODB_READS = Price(
    0.125,
    1_000_000,
    "read units",
    "DynamoDB: on demand, 4 KB each, consistent",
    "airbyte.com/data-engineering-resources/dynamodb-pricing (2025-07)",
)
S3_WRITES = Price(
    0.005,
    1000,
    "requests",
    "S3 Standard: PUT, LIST",
    "devnotes.tech/understanding-aws-s3-pricing-a-complete-cost-breakdown-with-examples",
)
S3_READS = Price(
    0.0004,
    1000,
    "requests",
    "S3 Standard: GET, HEAD",
    "devnotes.tech/understanding-aws-s3-pricing-a-complete-cost-breakdown-with-examples",
)
S3_GB = Price(
    0.023,
    1,
    "GB-months",
    "S3 Standard: storage, first tier",
    "devnotes.tech/understanding-aws-s3-pricing-a-complete-cost-breakdown-with-examples",
)
EVENTS = Price(
    1.00,
    1_000_000,
    "events",
    "EventBridge: custom events; Scheduler: invocations",
    "cloudburn.io/blog/amazon-eventbridge-pricing (2026-03)",
)
SNS_EMAILS = Price(
    2.00,
    100_000,
    "emails",
    "SNS: email notifications",
    "factualminds.com/blog/amazon-sns-pricing-publishes-fanout-protocols (2026-06)",
)
SQS_REQUESTS = Price(
    0.40, 1_000_000, "requests", "SQS: standard queues", "cloudburn.io/blog/amazon-sqs-pricing (2026-03)"
)
