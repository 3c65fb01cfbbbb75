"""What hub/hub.yaml and hub/spoke.yaml promise: whom the bus takes announcements from, and that they arrive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hub.accounts import HUB, READER, Accounts, Home, accounts
from tidepool.aws import bus, routes_gateway
from tidepool_lab.embedded import template
from tidepool_lab.embedded.patterns import matches

NAMED, STRANGER = "111100000000", "333300000000"


@pytest.fixture(scope="module")
def hub() -> Iterator[Accounts]:
    with accounts((NAMED, "222200000000")) as made:
        yield made


@pytest.fixture(scope="module")
def home(hub: Accounts) -> Home:
    return Home(NAMED, "eu-west-1", hub)


def statements(home: Home, role: str) -> list[dict[str, Any]]:
    return [s for p in home.stack.properties(role)["Policies"] for s in p["PolicyDocument"]["Statement"]]


def test_what_a_stack_announces_arrives_on_the_hubs_bus_from_another_account_and_region(
    hub: Accounts, home: Home
) -> None:
    home.announces("fleet-file-refused", problems=["x"])
    home.announces("move", phase="done")
    home.announces(routes_gateway.KIND, model="m")
    assert hub.arrived() == [(bus.ANNOUNCEMENT, "fleet-file-refused"), (bus.ANNOUNCEMENT, "move")]


def test_nothing_but_announcements_is_forwarded(hub: Accounts, home: Home) -> None:
    home.client("events").put_events(
        Entries=[
            {"Source": "tidepool", "DetailType": "tidepool.signal", "Detail": "{}", "EventBusName": "tidepool"},
            {"Source": "other", "DetailType": bus.ANNOUNCEMENT, "Detail": '{"kind": "x"}', "EventBusName": "tidepool"},
        ]
    )
    assert hub.arrived() == []


def test_the_hubs_bus_takes_nothing_from_an_account_that_is_not_named(hub: Accounts) -> None:
    Home(STRANGER, "us-east-1", hub).announces("fleet-file-refused", problems=["x"])
    assert hub.arrived() == []


def test_the_hubs_bus_takes_announcements_alone_even_from_a_named_account(hub: Accounts, home: Home) -> None:
    everything = '{"source": [{"prefix": ""}]}'
    home.client("events").put_rule(Name="all", EventBusName="tidepool", EventPattern=everything)
    home.client("events").put_targets(Rule="all", EventBusName="tidepool", Targets=[{"Id": "hub", "Arn": hub.bus_arn}])
    for source, kind in ((bus.SOURCE, "tidepool.signal"), ("other", bus.ANNOUNCEMENT)):
        said = {"Source": source, "DetailType": kind, "Detail": '{"kind": "x"}', "EventBusName": "tidepool"}
        home.client("events").put_events(Entries=[said])
    home.client("events").remove_targets(Rule="all", EventBusName="tidepool", Ids=["hub"])
    assert hub.arrived() == []


def test_the_bus_policy_names_the_accounts_and_what_they_may_say(hub: Accounts) -> None:
    stated = hub.stack.properties("BusPolicy")["Statement"]
    assert stated["Principal"] == {"AWS": [NAMED, "222200000000"]}
    assert (stated["Action"], stated["Resource"]) == ("events:PutEvents", hub.bus_arn)
    assert stated["Condition"] == {
        "StringEquals": {"events:detail-type": bus.ANNOUNCEMENT},
        "ForAllValues:StringEquals": {"events:source": bus.SOURCE},
    }


def test_the_reader_is_one_principal_with_an_external_id_and_reads_two_prefixes(home: Home) -> None:
    (trusted,) = home.stack.properties("ReadRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"AWS": READER}
    assert list(trusted["Condition"]["StringEquals"]) == ["sts:ExternalId"]
    got, listed = statements(home, "ReadRole")
    arn = f"arn:aws:s3:::{home.bucket}"
    assert (got["Action"], got["Resource"]) == (["s3:GetObject"], [f"{arn}/decisions/*", f"{arn}/reports/*"])
    assert (listed["Action"], listed["Resource"]) == (["s3:ListBucket"], arn)
    assert listed["Condition"] == {"StringLike": {"s3:prefix": ["decisions/*", "reports/*"]}}


def test_the_rule_may_speak_on_the_hubs_bus_and_on_no_other(home: Home, hub: Accounts) -> None:
    (stated,) = statements(home, "ForwardRole")
    assert (stated["Action"], stated["Resource"]) == (["events:PutEvents"], hub.bus_arn)


def test_what_the_hub_does_not_take_lies_in_the_stacks_own_queue_which_has_an_alarm(home: Home) -> None:
    (target,) = home.stack.properties("ForwardRule")["Targets"]
    assert target["DeadLetterConfig"] == {"Arn": f"arn:aws:sqs:{home.region}:{home.account}:undelivered"}
    outputs = template.read(HUB.parent / "template.yaml")["Outputs"]
    assert outputs["UndeliveredQueueArn"]["Value"] == {"Fn::GetAtt": ["UndeliveredQueue", "Arn"]}


def test_people_hear_through_the_hub_what_they_hear_from_a_stack() -> None:
    rules = [
        template.read(path)["Resources"]["AnnouncementRule"] for path in (HUB / "hub.yaml", HUB / "../template.yaml")
    ]
    pattern, ours = (rule["Properties"]["EventPattern"] for rule in rules)
    for kind in ("fleet-file-refused", "move", "attach"):
        for phase in ("waiting", "warm", "done", "superseded"):
            for because in ("it is cheaper there", "asked for by kim: CHG-1"):
                detail = {"kind": kind, "phase": phase, "because": because}
                said = {"source": bus.SOURCE, "detail-type": bus.ANNOUNCEMENT, "detail": detail}
                assert matches(pattern, said) == matches(ours, said)


def test_the_spokes_output_is_an_entry_of_spokes_yaml(home: Home) -> None:
    from tidepool_cli.spokes import spokes_of

    pasted = home.stack.value(home.stack.template["Outputs"]["Entry"]["Value"])
    (spoke,) = spokes_of(f"schema: 1\nspokes:\n  {pasted}\n")
    assert (spoke.account, spoke.region, spoke.stack, spoke.bucket) == (NAMED, "eu-west-1", "tidepool", home.bucket)


@pytest.mark.parametrize("name", ["hub.yaml", "spoke.yaml"])
def test_every_parameter_and_output_is_described_and_samconfig_deploys_it(name: str) -> None:
    found = template.read(HUB / name)
    for each in (*found["Parameters"].values(), *found["Outputs"].values()):
        assert each["Description"]
    assert f'template_file = "hub/{name}"' in (HUB.parent / "samconfig.toml").read_text()
