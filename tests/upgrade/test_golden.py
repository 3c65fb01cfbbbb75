"""What the first version stored is read by this one, and what a newer one stored is left alone.

The files in golden/ were written by earlier versions of this code, and are never written again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builders.aws_account import LEDGER, Account, an_account
from functions.world import START_S, a_world
from tidepool.aws.clients import Clients
from tidepool.aws.config_store import ACCEPTED_KEY, FleetFile
from tidepool.aws.journal import Journal
from tidepool.aws.ledger import LEARNED_KEY
from tidepool.aws.metrics import Metric
from tidepool.aws.table import Item, Table
from tidepool.config.load import load
from tidepool.decision.stored import read_record
from tidepool.errors import BadFleetFile, UnknownSchema
from tidepool.fleet import Signal, SignalKind
from tidepool.memory import Learned
from tidepool.memory_codec import dump, load_learned
from tidepool.memory_codec import load as load_memory
from tidepool.move.state import Phase
from tidepool.plan.change import ScaleCopies
from tidepool_lab.embedded.evaluation import State

GOLDEN = Path(__file__).parent / "golden"
FIELDS_SINCE = {"worked": None, "share": 1.0, "zero_at": 0, "started": None}
"""Fields of a model's memory that the first version did not have, with what stands for them."""


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def newer(data: bytes) -> bytes:
    return json.dumps({**json.loads(data), "schema": 2}).encode()


@pytest.fixture
def account() -> Iterator[Account]:
    with an_account() as made:
        yield made


def test_a_memory_without_the_fields_that_came_since_is_read_and_they_stand_at_their_defaults() -> None:
    stored = json.loads(golden("memory-first.json"))
    memory = load_memory(golden("memory-first.json"))
    assert memory.at == stored["at"] and memory.held_since == {} and memory.regained == {}
    assert set(memory.models) == set(stored["models"]) == {"a", "b"}
    for model, known in memory.models.items():
        assert known.home == stored["models"][model]["home"] and len(known.recent) == len(
            stored["models"][model]["recent"]
        )
        for field, default in FIELDS_SINCE.items():
            assert field not in stored["models"][model] and getattr(known, field) == default
    assert load_memory(dump(memory)) == memory


def test_profiles_records_and_the_fleet_file_of_the_first_version_are_read() -> None:
    learned = load_learned(golden("learned-first.json"))
    assert set(learned.models) == {"a", "b"} and learned.until == json.loads(golden("learned-first.json"))["until"]
    record = read_record(golden("record-first.json"))
    assert [type(change) for change in record.changes] == [ScaleCopies]
    assert set(load(golden("fleet-first.yaml")).pools) == {"p4d"}


def test_items_of_the_first_version_are_read(account: Account) -> None:
    table = Table(account.clients, LEDGER)
    stored = {kind: golden(f"{kind}-first.json").decode() for kind in ("signal", "operation", "move", "sample")}
    for kind, body in stored.items():
        table.put(Item(kind, f"{START_S:010d}#x", body, version=3), condition="attribute_not_exists(pk)")
    journal = Journal(table)
    (signal,) = journal.signals(START_S)
    assert (signal.who, signal.why) == ("kim", "CHG-1")
    (operation,) = journal.operations(0)
    assert isinstance(operation.change, ScaleCopies) and operation.outcome == "done"
    (move,) = journal.moves()
    assert (move.phase, move.wanted_back, move.from_usd) == (Phase.SHIFT, "", 0.0)
    (sample,) = journal.samples(0)
    assert sample.at == json.loads(stored["sample"])["at"]


def test_moves_and_attaches_of_before_they_named_the_files_commit_are_read_and_go_on(account: Account) -> None:
    table = Table(account.clients, LEDGER)
    for kind, name in (("move", "move-second"), ("attach", "attach-first")):
        body = json.loads(golden(f"{name}.json"))
        assert "commit" not in body
        item = Item(kind, body["id"], golden(f"{name}.json").decode(), version=body["version"])
        table.put(item, condition="attribute_not_exists(pk)")
    ledger = account.ledger()
    (move,), (attach,) = ledger.ended_moves(0), ledger.attaches()
    assert (move.commit, move.approved, move.usd, move.measured) == ("", "", 19.5, 24.0)
    assert (attach.commit, attach.phase, attach.copies) == ("", Phase.WARM, 2)
    ledger.save_attach(replace(attach, phase=Phase.DONE), expected_version=attach.version)
    assert [one.phase for one in account.ledger().attaches()] == [Phase.DONE]


def more(name: str, *paths: str) -> bytes:
    """The golden file with a field in it, and in each of the places in it, that no version knows yet."""
    value = json.loads(golden(name))
    value["since_then"] = 1
    for path in paths:
        place = value
        for part in path.split("."):
            place = place[int(part) if part.isdigit() else part]
        place["since_then"] = {"new": True}
    return json.dumps(value).encode()


def test_a_field_of_a_later_version_is_left_out_wherever_it_is_stored() -> None:
    memory = more("memory-first.json", "models.a", "models.a.blocks.0", "loose.pool")
    assert load_memory(memory) == load_memory(golden("memory-first.json"))
    assert load_learned(more("learned-first.json", "models.a")) == load_learned(golden("learned-first.json"))
    value = json.loads(more("record-first.json", "changes.0", "steps.0", "spend"))
    held = {"kind": "ScaleCopies", "subject": "a", "from": 1, "to": 2, "reason": "quota", "because": "x"}
    old, new = ({**value, "held": [{**held, **one}]} for one in ({}, {"since_then": 1}))
    first = read_record(golden("record-first.json"))
    assert read_record(json.dumps(new).encode()) == read_record(json.dumps(old).encode())
    assert read_record(json.dumps({**new, "held": []}).encode()) == first


def test_an_item_with_a_field_of_a_later_version_is_read(account: Account) -> None:
    table, journal = Table(account.clients, LEDGER), Journal(Table(account.clients, LEDGER))
    bodies = {
        "signal": more("signal-first.json"),
        "operation": more("operation-first.json", "change"),
        "move": more("move-first.json", "ask"),
        "sample": more("sample-first.json", "places.0"),
    }
    for kind, body in bodies.items():
        for name, data in (("x", golden(f"{kind}-first.json")), ("y", body)):
            item = Item(kind, f"{START_S:010d}#{name}", data.decode(), version=3)
            table.put(item, condition="attribute_not_exists(pk)")
    for read in (journal.signals(START_S), journal.operations(0), journal.moves(), journal.samples(0)):
        first, second = read
        assert first == second


def test_a_pointer_to_the_fleet_file_with_a_field_of_a_later_version_is_followed(account: Account) -> None:
    account.upload(golden("fleet-first.yaml").decode())
    FleetFile(account.bucket, account.bus, clock=lambda: START_S, judges=True).current()
    stored = json.loads(account.bucket.get(ACCEPTED_KEY).data)
    account.bucket.put(ACCEPTED_KEY, json.dumps({**stored, "since_then": 1}).encode(), content_type="application/json")
    config, _ = FleetFile(account.bucket, account.bus, clock=lambda: START_S).current()
    assert set(config.pools) == {"p4d"}


def test_profiles_that_the_first_version_kept_under_an_item_of_their_own_are_found(account: Account) -> None:
    version = account.bucket.put_json(LEARNED_KEY, golden("learned-first.json"))
    values: dict[str, int | str] = {":key": LEARNED_KEY, ":version": version, ":one": 1}
    set_ = "SET #learned_key = :key, #learned_version = :version, #schema = :one"
    Table(account.clients, LEDGER).update(
        "learn", "current", set_=set_, condition="attribute_not_exists(#at)", values=values
    )
    ledger = account.ledger()
    assert set(ledger.memory().learned.models) == {"a", "b"}
    ledger.save_learned(Learned(until=START_S), START_S)
    assert account.ledger().memory().learned == Learned(until=START_S)


@pytest.mark.parametrize(
    ("read", "name"),
    [(load_memory, "memory-first.json"), (load_learned, "learned-first.json"), (read_record, "record-first.json")],
)
def test_what_a_later_version_stored_is_refused_with_its_schema(read: Callable[[bytes], object], name: str) -> None:
    with pytest.raises(UnknownSchema, match="schema 2; this version reads 1"):
        read(newer(golden(name)))


def test_a_fleet_file_of_a_later_schema_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(BadFleetFile, match="schema"):
        load(golden("fleet-first.yaml").replace(b"schema: 1", b"schema: 2"))


def test_a_later_pointer_to_the_fleet_file_is_left_alone(account: Account) -> None:
    account.upload(golden("fleet-first.yaml").decode())
    account.bucket.put(ACCEPTED_KEY, b'{"schema_": 2}', content_type="application/json")
    with pytest.raises(UnknownSchema, match="schema 2; this version reads 1"):
        FleetFile(account.bucket, account.bus, clock=lambda: START_S, judges=True).current()
    assert account.bucket.get(ACCEPTED_KEY).data == b'{"schema_": 2}'


def test_a_later_item_is_never_written_over(account: Account) -> None:
    account.ledger().put_signal(Signal(SignalKind.HOLD, "a", 1, START_S, "kim", "CHG-1"))
    later(account, "signal", "hold#a")
    account.ledger().put_signal(Signal(SignalKind.HOLD, "a", 2, START_S, "sam", "CHG-2"))
    assert "CHG-1" in str(Table(account.clients, LEDGER).get("signal", "hold#a"))
    with pytest.raises(UnknownSchema):
        account.ledger().signals(1)


def test_a_ledger_of_a_later_version_holds_everything_and_says_so() -> None:
    with a_world(hands="none") as world:
        world.rig.run_to(START_S + 61)
        clients = Clients(world.cloud.spec.region)
        table = Table(clients, world.environment("TIDEPOOL_LEDGER_TABLE"))
        table.update(
            "decide", "current", set_="SET #schema = :two", condition="#schema = :one", values={":one": 1, ":two": 2}
        )
        before, decided = table.get("decide", "current"), world.counted(Metric.DECISION)
        world.rig.run_to(START_S + 12 * 60)
        assert world.counted(Metric.DECISION) == decided
        assert table.get("decide", "current") == before
        told = {name for name, alarm in world.rig.alarms.alarms.items() if alarm.state is State.ALARM}
        assert {"tidepool-decide-is-silent", "tidepool-function-errors"} <= told


def later(account: Account, pk: str, sk: str) -> None:
    """That item, as if a later version had written it."""
    Table(account.clients, LEDGER).update(
        pk, sk, set_="SET #schema = :two", condition="#schema = :one", values={":one": 1, ":two": 2}
    )
