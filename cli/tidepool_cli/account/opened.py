"""An account opened for reading: whose it is, and an Asker that keeps to what the options allow."""

from __future__ import annotations

from tidepool.errors import Unreachable
from tidepool_cli.account.asker import Asker, Pace
from tidepool_cli.live import reading_clients
from tidepool_cli.output import bad_option

SERVICES = (
    "sts",
    "sagemaker",
    "application-autoscaling",
    "cloudwatch",
    "pricing",
    "service-quotas",
    "cloudtrail",
)
ONCE = {"mode": "standard", "total_max_attempts": 1}
"""A call that botocore repeats unseen would not be one call."""


def opened(region: str | None, *, calls: int, rate: float) -> tuple[Asker, str, str]:
    """(asker, account, region). BadInput when the options are wrong; Unreachable when AWS cannot be asked who it is.

    Whose the credentials are is the first call, and it needs no permission: without an answer nothing else has one.
    """
    if calls < 1 or rate <= 0:
        raise bad_option("--calls, --rate", (calls, rate), allowed="one call at least, and a rate above 0")
    clients = reading_clients(region, services=SERVICES, retries=ONCE)
    asker = Asker(clients, calls, Pace(rate))
    who = asker.ask("sts", "GetCallerIdentity")
    if who is None:
        said = asker.gaps[-1].said
        raise Unreachable(f"AWS did not say whose the credentials are ({said}): look at AWS_PROFILE, or log in again")
    return asker, str(who["Account"]), clients.region
