"""What was acted on stays for a year: the record with the config's commit and the reason, and who approved it."""

from __future__ import annotations

import json
from typing import Any

from functions.test_people_ask import MOVABLE, ask
from functions.world import World, a_world
from tidepool.decision.stored import read_record

YEAR_S = 366 * 86_400


def operations(world: World) -> list[tuple[dict[str, Any], int]]:
    """(what is stored, seconds that it is kept) of every operation in the ledger's table."""
    query = world.rig.stores.client("dynamodb").query(
        TableName=world.environment("TIDEPOOL_LEDGER_TABLE"),
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "operation"}},
    )
    found = [(json.loads(item["body"]["S"]), int(item["expires_at"]["N"])) for item in query["Items"]]
    return [(value, expires_at - value["at"]) for value, expires_at in found]


def test_a_change_that_was_made_is_kept_for_a_year_with_commit_and_reason() -> None:
    with a_world(busy=True) as world:
        world.rig.run_to(world.now + 120)
        ((done, kept_s), *_) = operations(world)
        assert (done["change"]["kind"], done["outcome"]) == ("ScaleCopies", "done")
        assert kept_s >= YEAR_S
        records = [read_record(record) for record in world.rig.records().values()]
        (deciding,) = [one for one in records if done["change"]["id"] in {change.id for change in one.changes}]
        assert deciding.config_commit == "abc"
        assert {change.because for change in deciding.changes} == {done["change"]["because"]}
        assert any(step.subject == "a" and step.because for step in deciding.steps)


def test_who_approved_a_move_and_why_is_kept_for_a_year() -> None:
    with a_world(fleet=MOVABLE.replace("act: run", "act: ask"), copies={"c": 0}, dedicated=True) as world:
        ask(world, "start-move", model="c", from_endpoint="own", to_endpoint="pool", size=1)
        ask(world, "approval", move="3123456789abcdef")
        ((approved, kept_s),) = [(v, kept_s) for v, kept_s in operations(world) if v["outcome"] == "approved"]
        assert approved["why"].startswith("approved by ") and approved["change"]["because"]
        assert kept_s >= YEAR_S


def test_a_moves_and_an_attachs_record_names_the_files_commit_and_who_let_it_begin() -> None:
    with a_world(fleet=MOVABLE.replace("act: run", "act: ask"), copies={"c": 0}, dedicated=True) as world:
        ask(world, "start-move", model="c", from_endpoint="own", to_endpoint="pool", size=1)
        ask(world, "approval", move="3123456789abcdef")
        (move,) = world.ledger().moves()
        assert (move.commit, move.approved) == ("abc", "kim@example.com: CHG-4712, agreed with the model's owner")
        ask(world, "attach", model="b", pool="pool", sagemaker_model="b")
        (attach,) = world.ledger().attaches()
        assert attach.commit == "abc" and attach.because.startswith("asked for by kim@example.com: ")
