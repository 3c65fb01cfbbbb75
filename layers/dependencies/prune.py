"""What Lambda never reads is gone from an installed layer: unused AWS services, tests, headers, scripts.

Usage: python prune.py SITE_PACKAGES. Run by the layer's Makefile.
"""

import shutil
import sys
from pathlib import Path

SERVICES = frozenset(
    {
        "application-autoscaling",
        "cloudwatch",
        "dynamodb",
        "events",
        "iam",
        "pricing",
        "s3",
        "sagemaker",
        "sagemaker-runtime",
        "service-quotas",
        "ssm",
        "sts",
    }
)
"""What tidepool.aws makes clients of (tests/template holds the two together). sts: assumed credentials."""


def prune(site: Path) -> None:
    """Only SERVICES are left of botocore's and boto3's data, and no tests or headers of anyone."""
    for data in (site / "botocore" / "data", site / "boto3" / "data"):
        for service in data.iterdir():
            if service.is_dir() and service.name not in SERVICES:
                shutil.rmtree(service)
    for example in (site / "botocore" / "data").rglob("examples-1.json*"):
        example.unlink()
    # boto3's own documentation examples and console scripts serve people at a terminal.
    for unused in (site / "boto3" / "examples", site / "bin", site / "numpy" / "_core" / "include"):
        shutil.rmtree(unused, ignore_errors=True)
    for tests in [p for p in site.rglob("tests") if p.is_dir() and (p / "__init__.py").exists()]:
        shutil.rmtree(tests)


if __name__ == "__main__":
    prune(Path(sys.argv[1]))
