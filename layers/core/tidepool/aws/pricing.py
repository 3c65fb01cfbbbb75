"""What an instance type is, costs, and how many the account may have: price list and Service Quotas,
cached.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.errors import HostingError, Unreachable
from tidepool.fleet import InstanceType
from tidepool.units import DAY_S, HOUR_S, MINUTE_S

AGAIN_S = 5 * MINUTE_S
"""After an error the next try waits so long. Ours."""
QUOTA_NAME = "{} for endpoint usage"
"""The quota's name for one type (sagemaker-facts: L-7A3DF611's family, account-wide)."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A type as the price list knows it."""

    accelerators: int
    usd_per_hour: float


class PriceList:
    """runtime.ports.Prices. Prices are kept for a day and quotas for an hour while the function stays warm.

    What cannot be asked now is as it was known, else absent: no copy waits for a price list.
    """

    def __init__(self, clients: Clients, *, clock: Callable[[], int]) -> None:
        self._clients, self._clock = clients, clock
        self._listed: dict[str, tuple[int, Listed | None]] = {}
        self._quotas: tuple[int, Mapping[str, int]] = (0, {})

    def instance_types(self, names: Sequence[str]) -> Mapping[str, InstanceType]:
        """By name. A type without a price, an accelerator count or a quota is absent: missing evidence."""
        found = {}
        for name in names:
            listed, quota = self._price(name), self._quota(name)
            if listed is not None and quota is not None:
                found[name] = InstanceType(name, listed.accelerators, listed.usd_per_hour, quota)
        return found

    def _price(self, name: str) -> Listed | None:
        until, listed = self._listed.get(name, (0, None))
        if self._clock() >= until:
            kept_s = DAY_S
            try:
                listed = self._ask_price(name)
            except (HostingError, Unreachable):
                kept_s = AGAIN_S
            self._listed[name] = (self._clock() + kept_s, listed)
        return listed

    def _ask_price(self, name: str) -> Listed | None:
        with calling("GetProducts", name):
            return listed_in(self._clients.get("pricing").get_products(**asked(self._clients.region, name)))

    def _quota(self, name: str) -> int | None:
        until, quotas = self._quotas
        if self._clock() >= until:
            kept_s = HOUR_S
            try:
                quotas = self._ask_quotas()
            except (HostingError, Unreachable):
                kept_s = AGAIN_S
            self._quotas = (self._clock() + kept_s, quotas)
        return quotas.get(QUOTA_NAME.format(name))

    def _ask_quotas(self) -> Mapping[str, int]:
        with calling("ListServiceQuotas", "sagemaker"):
            pages = self._clients.get("service-quotas").get_paginator("list_service_quotas")
            return {
                quota["QuotaName"]: int(quota["Value"])
                for page in pages.paginate(ServiceCode="sagemaker")
                for quota in page["Quotas"]
            }


def asked(region: str, name: str) -> dict[str, Any]:
    """The GetProducts request for one type in a region."""
    wanted = {"regionCode": region, "instanceName": name, "component": "Hosting"}
    return {
        "ServiceCode": "AmazonSageMaker",
        "FormatVersion": "aws_v1",
        "Filters": [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()],
    }


def listed_in(reply: Mapping[str, Any]) -> Listed | None:
    """What GetProducts answered about one type, or None when it says no price or no count of accelerators."""
    products = [json.loads(text) for text in reply.get("PriceList", ())]
    known = [listed for product in products if (listed := _listed(product)) is not None]
    # Several products would be several prices for one machine; the dearest makes no saving look too big.
    return max(known, key=lambda listed: listed.usd_per_hour, default=None)


def _listed(product: Mapping[str, Any]) -> Listed | None:
    """One entry of the price list, or None when it has no on-demand price per hour or no count of GPUs."""
    attributes = product["product"]["attributes"]
    gpus = str(attributes.get("gpu") or attributes.get("physicalGpu") or "")
    prices = [
        float(dimension["pricePerUnit"]["USD"])
        for term in product.get("terms", {}).get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
        if dimension.get("unit") in {"Hrs", "Hours"} and "USD" in dimension["pricePerUnit"]
    ]
    if not prices or not (gpus.isdigit() or gpus == "N/A"):
        return None
    return Listed(accelerators=int(gpus) if gpus.isdigit() else 0, usd_per_hour=max(prices))
