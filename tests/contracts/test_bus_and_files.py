"""The bus, the fleet file, freezes and prices over moto: what each port promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from builders import NOW
from builders.aws_account import Account, an_account
from builders.twin_world import BIG, SMALL, a_cloud
from tidepool.aws.alarms import FreezeAlarms
from tidepool.aws.changes import change_of
from tidepool.aws.config_store import FleetFile
from tidepool.aws.pricing import PriceList
from tidepool.config.types import Config
from tidepool.errors import BadEvent, BadFleetFile, Denied, Unreachable
from tidepool.fleet import InstanceType
from tidepool.plan.change import ScaleCopies
from tidepool.runtime.ports import Prices
from tidepool_lab.embedded import services
from tidepool_lab.embedded.intercept import AwsError, Params, answering
from tidepool_lab.twin.fast import FastPrices

GOOD = """\
schema: 1
region: us-east-1
act: watch
pools: {pool: {}}
models:
  "*": {class: background}
"""
BOLDER = GOOD.replace("act: watch", "act: scale")
BAD = "schema: 1\nregion: us-east-1\nacct: watch\npools: {pool: {bounds: maybe}}\n"


@pytest.fixture
def account() -> Iterator[Account]:
    with an_account() as made:
        yield made


@pytest.fixture
def sent(account: Account) -> Iterator[list[dict[str, Any]]]:
    """Every entry that PutEvents was asked for."""
    entries: list[dict[str, Any]] = []

    def answer(operation: str, params: Params) -> Params:
        entries.extend(params["Entries"])
        return {"FailedEntryCount": 0, "Entries": [{"EventId": str(i)} for i, _ in enumerate(params["Entries"])]}

    with answering({"events": answer}):
        yield entries


def a_change(i: int = 0) -> ScaleCopies:
    return ScaleCopies(f"{i:016d}", "a", "a-v1", "pool", 2, 3, "more", 3.25)


def test_each_change_is_one_event_with_its_decision_and_comes_back_as_it_was(
    account: Account, sent: list[dict[str, Any]]
) -> None:
    changes = [a_change(i) for i in range(23)]
    account.bus.send(changes, decision_key="decisions/x", now=NOW)
    assert [entry["DetailType"] for entry in sent] == ["tidepool.scale_copies"] * 23
    details = [json.loads(entry["Detail"]) for entry in sent]
    assert {detail["decision_key"] for detail in details} == {"decisions/x"}
    assert [change_of(detail["change"]) for detail in details] == changes


def test_an_event_that_the_bus_refuses_is_sent_again_and_alone(account: Account) -> None:
    tries: list[list[str]] = []

    def answer(operation: str, params: Params) -> Params:
        ids = [json.loads(entry["Detail"])["change"]["id"] for entry in params["Entries"]]
        tries.append(ids)
        first = len(tries) == 1
        verdicts = [
            {"ErrorCode": "ThrottlingException"} if first and i == 1 else {"EventId": "e"} for i in range(len(ids))
        ]
        return {"FailedEntryCount": int(first), "Entries": verdicts}

    with answering({"events": answer}):
        account.bus.send([a_change(i) for i in range(3)], decision_key="k", now=NOW)
    assert tries == [[f"{i:016d}" for i in range(3)], [f"{1:016d}"]]


def test_a_bus_that_takes_nothing_is_an_error_and_not_silence(account: Account) -> None:
    def answer(operation: str, params: Params) -> Params:
        refused = [{"ErrorCode": "InternalFailure"} for _ in params["Entries"]]
        return {"FailedEntryCount": len(refused), "Entries": refused}

    with (
        answering({"events": answer}),
        pytest.raises(Unreachable, match=r"did not take 1 events: tidepool\.scale_copies"),
    ):
        account.bus.send([a_change()], decision_key="k", now=NOW)


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        ({"copies_to": -1}, "change.copies_to"),
        ({"copies_to": "many"}, "change.copies_to"),
        ({"because": None}, "change.because"),
        ({"surprise": 1}, "change.surprise"),
    ],
)
def test_a_wrong_change_is_refused_by_name(broken: dict[str, Any], path: str) -> None:
    value = {"kind": "ScaleCopies", **{f: getattr(a_change(), f) for f in ScaleCopies.__dataclass_fields__}, **broken}
    with pytest.raises(BadEvent) as refused:
        change_of(value)
    assert path in {problem.path for problem in refused.value.problems}


def test_every_problem_of_a_change_is_told_at_once() -> None:
    with pytest.raises(BadEvent) as refused:
        change_of({"kind": "ScaleCopies", "copies_to": -2, "surprise": 1})
    paths = {problem.path for problem in refused.value.problems}
    assert {"change.copies_to", "change.surprise", "change.component", "change.model"} <= paths


def a_store(account: Account, *, judges: bool = True, refused: list[BadFleetFile] | None = None) -> FleetFile:
    tell = refused.append if refused is not None else None
    return FleetFile(account.bucket, account.bus, clock=lambda: NOW, judges=judges, refused=tell)


def test_without_a_file_that_was_accepted_there_is_no_config(account: Account) -> None:
    with pytest.raises(BadFleetFile, match="aws s3 cp"):
        a_store(account).current()


def test_an_upload_is_in_force_at_the_next_look_although_its_event_was_lost(
    account: Account, sent: list[dict[str, Any]]
) -> None:
    account.upload(GOOD, commit="abc123")
    config, commit = a_store(account).current()
    assert isinstance(config, Config) and commit == "abc123"
    assert a_store(account, judges=False).current() == (config, "abc123")
    assert [json.loads(entry["Detail"])["kind"] for entry in sent] == ["fleet-file-accepted"]


def test_only_decide_judges_uploads_and_the_others_read_what_is_in_force(account: Account) -> None:
    account.upload(GOOD, commit="first")
    reader = a_store(account, judges=False)
    assert reader.current()[1] == "first", "the very first good file is read before decide has seen it"
    assert account.bucket.version("config/accepted.json") == "", "and nothing is written"
    a_store(account).current()
    account.upload(BOLDER, commit="second")
    assert reader.current()[1] == "first"
    a_store(account).current()
    assert reader.current()[1] == "second"


def test_a_refused_upload_leaves_the_last_good_file_and_tells_every_problem_once(
    account: Account, sent: list[dict[str, Any]]
) -> None:
    account.upload(GOOD, commit="good")
    refusals: list[BadFleetFile] = []
    store = a_store(account, refused=refusals)
    store.current()
    version = account.upload(BAD, commit="bad")
    for _ in range(2):
        with pytest.raises(BadFleetFile):
            store.consider(version, NOW)
    assert store.current()[1] == a_store(account).current()[1] == "good"
    assert len(refusals) == 1 and len(refusals[0].problems) >= 2
    told = [json.loads(entry["Detail"]) for entry in sent]
    assert [one["kind"] for one in told] == ["fleet-file-accepted", "fleet-file-refused"]
    assert len(told[1]["problems"]) == len(refusals[0].problems) and told[1]["commit"] == "bad"


def test_the_file_of_another_region_is_refused_beside_all_else_that_is_wrong(account: Account) -> None:
    account.upload(GOOD.replace("region: us-east-1\n", ""))
    a_store(account).current()
    account.upload(GOOD.replace("us-east-1", "eu-west-1").replace("watch", "fly"))
    with pytest.raises(BadFleetFile) as refused:
        a_store(account).consider(None, NOW)
    assert [(p.path, p.value, p.line) for p in refused.value.problems] == [
        ("region", "eu-west-1", 2),
        ("act", "fly", 3),
    ]
    assert "us-east-1" in refused.value.problems[0].allowed


def test_an_old_upload_event_judges_the_newest_file(account: Account) -> None:
    old = account.upload(GOOD, commit="old")
    account.upload(BOLDER, commit="new")
    assert a_store(account).consider(old, NOW)[1] == "new"


def test_a_file_that_allows_more_is_accepted_and_says_so(account: Account, sent: list[dict[str, Any]]) -> None:
    store = a_store(account)
    account.upload(GOOD)
    store.current()
    account.upload(BOLDER)
    store.current()
    allows = json.loads(sent[-1]["Detail"])["allows"]
    assert any("rung raised" in one for one in allows)


def test_alarms_in_alarm_and_closed_calendars_freeze(account: Account) -> None:
    states = {"sev1": "ALARM", "calm": "OK"}
    calendars = {"arn:closed": "CLOSED", "arn:open": "OPEN"}

    def cloudwatch(operation: str, params: Params) -> Params:
        found = [{"AlarmName": n, "StateValue": states[n]} for n in params["AlarmNames"] if n in states]
        return {"MetricAlarms": found[:1], "CompositeAlarms": found[1:]}

    def ssm(operation: str, params: Params) -> Params:
        return {"State": calendars[params["CalendarNames"][0]]}

    from builders import a_config
    from tidepool.config.types import Safety

    config = a_config(
        safety=Safety(freeze_alarms=("sev1", "calm", "gone"), freeze_calendars=("arn:closed", "arn:open"))
    )
    with answering({"cloudwatch": cloudwatch, "ssm": ssm}):
        assert FreezeAlarms(account.clients).frozen_by(config, NOW) == ("sev1", "gone (not found)", "arn:closed")
        assert FreezeAlarms(account.clients).frozen_by(a_config(), NOW) == ()


def test_a_calendar_that_may_not_be_read_is_an_error_and_never_open(account: Account) -> None:
    from builders import a_config
    from tidepool.config.types import Safety

    def ssm(operation: str, params: Params) -> Params:
        raise AwsError("AccessDeniedException", "User is not authorized")

    with answering({"ssm": ssm}), pytest.raises(Denied):
        FreezeAlarms(account.clients).frozen_by(a_config(safety=Safety(freeze_calendars=("c",))), NOW)


@pytest.fixture(params=["memory", "aws"])
def prices(request: pytest.FixtureRequest) -> Iterator[Prices]:
    cloud = a_cloud()
    if request.param == "memory":
        yield FastPrices(cloud)
        return
    types, region = cloud.spec.types, cloud.spec.region
    responders = {"pricing": services.pricing(types, region), "service-quotas": services.quotas(types, region)}
    with an_account() as made, answering(responders):
        yield PriceList(made.clients, clock=lambda: NOW)


def test_every_type_that_is_listed_is_there_and_no_other(prices: Prices) -> None:
    assert prices.instance_types([BIG, SMALL, "ml.unheard-of"]) == {
        BIG: InstanceType(BIG, 8, 3600.0, 20),
        SMALL: InstanceType(SMALL, 1, 360.0, 4),
    }


def a_product(name: str, usd: str, gpu: str = "8") -> str:
    term = {"priceDimensions": {"d": {"unit": "Hrs", "pricePerUnit": {"USD": usd}}}}
    attributes = {"instanceName": name, "gpu": gpu, "component": "Hosting"}
    return json.dumps({"product": {"attributes": attributes}, "terms": {"OnDemand": {"t": term}}})


def test_types_have_price_accelerators_and_quota_or_are_absent(account: Account) -> None:
    asked: list[str] = []
    listed = {"ml.big": [a_product("ml.big", "25.25")], "ml.odd": [a_product("ml.odd", "1.0", gpu="?")], "ml.free": []}

    def pricing(operation: str, params: Params) -> Params:
        named = {one["Field"]: one["Value"] for one in params["Filters"]}
        asked.append(named["instanceName"])
        assert (named["component"], named["regionCode"]) == ("Hosting", "us-east-1")
        return {"PriceList": listed.get(named["instanceName"], [a_product("x", "2.0", gpu="N/A")])}

    def quotas(operation: str, params: Params) -> Params:
        names = ("ml.big for endpoint usage", "ml.odd for endpoint usage", "ml.cpu for endpoint usage")
        return {"Quotas": [{"QuotaName": name, "Value": 20.0} for name in names]}

    with answering({"pricing": pricing, "service-quotas": quotas}):
        prices = PriceList(account.clients, clock=lambda: NOW)
        for _ in range(2):
            found = prices.instance_types(["ml.big", "ml.odd", "ml.free", "ml.cpu", "ml.unquoted"])
    assert found == {
        "ml.big": InstanceType("ml.big", 8, 25.25, 20),
        "ml.cpu": InstanceType("ml.cpu", 0, 2.0, 20),
    }
    assert len(asked) == 5, "asked once while warm"
