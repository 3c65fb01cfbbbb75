"""A whole move on the deployed stack: a model with a machine of its own goes into the pool, and no request is lost."""

from __future__ import annotations

from deploy.conftest import FLEET, STACK, nothing_refused
from tidepool_lab.deploy.stage import Stage


def test_a_model_that_idles_on_its_own_machine_is_moved_into_the_pool(stage: Stage) -> None:
    stage.upload(STACK, FLEET.replace("alone: {host: dedicated}", "alone: {host: auto}"))
    with nothing_refused(stage):
        seen = stage.until(lambda seen: "alone-prod" not in seen["endpoints"], minutes=100)
    homes = [name for name, each in seen["components"].items() if each["model"] == "alone"]
    assert len(homes) == 1 and homes[0].startswith("tidepool-")
    assert seen["components"][homes[0]]["now"] >= 1
    route = stage.client("dynamodb").scan(TableName=stage.outputs(STACK)["RoutesTableName"])["Items"]
    assert [each["M"]["component"]["S"] for item in route for each in item["targets"]["L"]] == homes
    figures = stage.ask("figures")
    assert figures["moves"] == 1
    assert {each["name"]: each["lost"] for each in figures["models"]}["alone"] == 0
