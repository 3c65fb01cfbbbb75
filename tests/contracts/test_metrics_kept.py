"""What CloudWatch told once is not asked for again, and a decision sees the same."""

from __future__ import annotations

from builders.aws_account import an_account
from builders.twin_world import POOL, START, a_cloud, a_model
from tidepool.aws.cloudwatch import CloudWatch
from tidepool.aws.counted import CountedClients
from tidepool.forecast.observed import observe
from tidepool.runtime.ports import MetricTarget
from tidepool_lab.twin.fast import FastMetrics

TWO = (MetricTarget("busy", POOL, "AllTraffic", "busy"), MetricTarget("goes", POOL, "AllTraffic", "goes"))


def test_what_was_read_is_not_asked_again_and_a_decision_sees_the_same() -> None:
    models = [a_model(name) for name in ("busy", "goes")]
    cloud = a_cloud(*models, traffic=[[(minute % 3) * 40, 0] for minute in range(40)], copies={"busy": 2, "goes": 1})
    clients = CountedClients(cloud.spec.region)
    asked: list[int] = []
    with an_account(cloud):
        sparing = CloudWatch(clients, keeps=True)
        for now in range(START + 960, START + 2400, 20):  # three looks a minute
            cloud.run_to(now)
            if now == START + 1500:
                cloud.set_copies("goes", 0)
            kept = sparing.evidence(TWO, now, 900)
            asked.append(clients.taken()["metrics"])
            for name, evidence in FastMetrics(cloud).evidence(TWO, now, 900).items():
                seen, true = (observe(of, copies=1, service_s=4.0, now=now) for of in (kept[name], evidence))
                assert seen == true, (name, now)
    # Within a minute the gauges alone are new, and utilisation is asked each third minute while it is there.
    assert asked[:10] == [12, 2, 2, 10, 2, 2, 10, 2, 2, 12]
