"""What the price list and Service Quotas tell, and what stays true while they are away."""

from __future__ import annotations

import json

import pytest

from tidepool.aws.clients import Clients
from tidepool.aws.pricing import AGAIN_S, PriceList
from tidepool.fleet import InstanceType
from tidepool.units import DAY_S
from tidepool_lab.embedded.intercept import AwsError, Params, answering

P4D = "ml.p4d.24xlarge"
PRODUCT = {
    "product": {"attributes": {"gpu": "8"}},
    "terms": {"OnDemand": {"t": {"priceDimensions": {"d": {"unit": "Hrs", "pricePerUnit": {"USD": "25.25"}}}}}},
}


class Shops:
    """The price list and Service Quotas, open or away."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0

    def __call__(self, operation: str, params: Params) -> Params:
        self.asked += 1
        if self.away:
            raise AwsError("InternalErrorException", "try again", 500)
        if operation == "GetProducts":
            return {"PriceList": [json.dumps(PRODUCT)]}
        return {"Quotas": [{"QuotaName": f"{P4D} for endpoint usage", "Value": 12.0}]}


@pytest.fixture
def shops() -> Shops:
    return Shops()


def test_a_price_list_that_is_away_leaves_what_was_known(shops: Shops) -> None:
    now = [0]
    prices = PriceList(Clients("us-east-1"), clock=lambda: now[0])
    with answering({"pricing": shops, "service-quotas": shops}):
        known = prices.instance_types([P4D])
        assert known == {P4D: InstanceType(P4D, 8, 25.25, 12)}
        shops.away, now[0] = True, 2 * DAY_S
        assert prices.instance_types([P4D]) == known
        asked = shops.asked
        assert prices.instance_types([P4D]) == known and shops.asked == asked, "nobody is asked again each minute"
        now[0] += AGAIN_S
        prices.instance_types([P4D])
        assert shops.asked > asked


def test_a_price_list_that_was_never_there_leaves_the_type_out_and_stops_nobody(shops: Shops) -> None:
    shops.away = True
    with answering({"pricing": shops, "service-quotas": shops}):
        assert PriceList(Clients("us-east-1"), clock=lambda: 0).instance_types([P4D]) == {}
