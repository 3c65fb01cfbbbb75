"""EventBridge patterns match what the AWS documentation's examples match."""

from __future__ import annotations

from typing import Any

import pytest

from tidepool_lab.embedded.patterns import BadPattern, matches

EVENT = {
    "source": "aws.sagemaker",
    "detail-type": "SageMaker Endpoint State Change",
    "resources": ["arn:1", "arn:2"],
    "detail": {"EndpointStatus": "IN_SERVICE", "count": 3, "Tags": {"a": "b"}, "none": None, "ip": "10.0.0.7"},
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.sagemaker"]}, True),
        ({"source": ["aws.s3", "aws.sagemaker"]}, True),
        ({"source": ["aws.s3"]}, False),
        ({"resources": ["arn:2"]}, True),
        ({"detail": {"EndpointStatus": [{"prefix": "IN_"}]}}, True),
        ({"detail": {"EndpointStatus": [{"prefix": "OUT"}]}}, False),
        ({"detail": {"EndpointStatus": [{"suffix": "SERVICE"}]}}, True),
        ({"detail": {"EndpointStatus": [{"equals-ignore-case": "in_service"}]}}, True),
        ({"detail": {"EndpointStatus": [{"wildcard": "IN*ICE"}]}}, True),
        ({"detail": {"EndpointStatus": [{"anything-but": ["CREATING"]}]}}, True),
        ({"detail": {"EndpointStatus": [{"anything-but": "IN_SERVICE"}]}}, False),
        ({"detail": {"EndpointStatus": [{"anything-but": {"prefix": "IN"}}]}}, False),
        ({"detail": {"missing": [{"anything-but": "x"}]}}, False),
        ({"detail": {"missing": [{"exists": False}]}}, True),
        ({"detail": {"count": [{"exists": True}]}}, True),
        ({"detail": {"count": [{"exists": False}]}}, False),
        ({"detail": {"count": [{"numeric": [">", 2, "<=", 3]}]}}, True),
        ({"detail": {"count": [{"numeric": ["=", 4]}]}}, False),
        ({"detail": {"count": ["3"]}}, False),
        ({"detail": {"none": [None]}}, True),
        ({"detail": {"ip": [{"cidr": "10.0.0.0/24"}]}}, True),
        ({"detail": {"Tags": {"a": ["b"]}}}, True),
        ({"$or": [{"source": ["x"]}, {"detail": {"count": [3]}}]}, True),
    ],
)
def test_a_pattern_matches_as_eventbridge_documents_it(pattern: dict[str, Any], expected: bool) -> None:
    assert matches(pattern, EVENT) is expected


def test_what_eventbridge_would_refuse_is_refused_and_not_silently_unmatched() -> None:
    with pytest.raises(BadPattern, match="a pattern's leaf is a list"):
        matches({"source": "aws.s3"}, EVENT)
    with pytest.raises(BadPattern, match="'starts' is not an operator"):
        matches({"source": [{"starts": "aws"}]}, EVENT)
