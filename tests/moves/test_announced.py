"""Each step that a person's word leads to is on the bus, in order, with who and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from functions.world import FLEET
from seams.world import a_cloud
from tidepool.config.load import load
from tidepool.errors import BadEvent, NotFound, Unreachable
from tidepool.fleet import Signal, SignalKind
from tidepool.move.state import Phase
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.ask_move import Wish, asked, begin_asked
from tidepool.runtime.attach import Wanted, advance_attaches, begin_attach
from tidepool.runtime.begin_moves import approve
from tidepool.runtime.begin_moves import begin as begin_move
from tidepool.runtime.ports import Ports
from tidepool.runtime.undo_move import undo
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import FastBus, FastHosting, fast_ports

FILE = FLEET.replace("zones: 1", "zones: 1\n    route: {via: table}")
ID = "5123456789abcdef"
WISH = Wish(ID, "b", "dedicated", "kim", "CHG-1")


@pytest.fixture
def cloud() -> Cloud:
    return a_cloud({"a": [60] * 120, "b": [10] * 120}, past=30)


def live(cloud: Cloud, ports: Ports, *, minutes: int) -> Iterator[None]:
    for _ in range(minutes):
        advance_moves(ports, cloud.now_s)
        advance_attaches(ports, cloud.now_s)
        yield
        cloud.run_to(cloud.now_s + 60)


def told(ports: Ports, kind: str) -> list[tuple[object, object]]:
    """(phase, why) of each announcement of that kind."""
    assert isinstance(ports.bus, FastBus)
    return [(detail["phase"], detail["why"]) for _, said, detail in ports.bus.told if said == kind]


def phases(ports: Ports, kind: str) -> list[object]:
    return [phase for phase, _ in told(ports, kind)]


def through(cloud: Cloud, ports: Ports, until: Callable[[], bool]) -> None:
    for _ in live(cloud, ports, minutes=120):
        if until():
            return
    raise AssertionError(told(ports, "move") + told(ports, "attach"))


def test_a_move_that_is_taken_back(cloud: Cloud) -> None:
    ports = fast_ports(cloud, load(FILE))
    begin_asked(ports, WISH, cloud.now_s)
    through(cloud, ports, lambda: "shift" in phases(ports, "move"))
    undo(ports, ID, cloud.now_s, who="lee", why="worse")
    through(cloud, ports, lambda: not ports.ledger.moves())
    assert phases(ports, "move")[:3] == ["create", "warm", "shift"]
    gone_back = told(ports, "move")[phases(ports, "move").index("back") :]
    assert gone_back[0] == ("back", "wanted back by lee: worse")
    assert gone_back[-1] == ("rolled back", "wanted back by lee: worse")


def test_a_move_that_waits_and_is_approved(cloud: Cloud) -> None:
    ports = fast_ports(cloud, load(FILE.replace("act: run", "act: ask")))
    begin_move(ports, asked(ports, WISH), cloud.now_s)
    approve(ports, ID, cloud.now_s, who="lee", why="CHG-2")
    assert phases(ports, "move") == ["waiting", "create"]


def test_a_move_that_waits_is_not_approved_beside_as_many_as_may_go_on(cloud: Cloud) -> None:
    ports = fast_ports(cloud, load(FILE.replace("act: run", "act: ask")))
    begin_move(ports, asked(ports, WISH), cloud.now_s)
    other = replace(WISH, id="6123456789abcdef", model="a")
    begin_asked(ports, other, cloud.now_s)
    with pytest.raises(BadEvent, match="moves_at_once is 1: approve it again when one of 6123456789abcdef has ended"):
        approve(ports, ID, cloud.now_s, who="lee", why="CHG-2")
    undo(ports, other.id, cloud.now_s, who="kim", why="b first")
    through(cloud, ports, lambda: all(move.id == ID for move in ports.ledger.moves()))
    approve(ports, ID, cloud.now_s, who="lee", why="CHG-2")
    assert [(move.id, move.phase) for move in ports.ledger.moves()] == [(ID, Phase.CREATE)]


def test_an_attach(cloud: Cloud) -> None:
    ports = fast_ports(cloud, load(FILE))
    cloud.delete_component("b")
    cloud.run_to(cloud.now_s + 300)
    begin_attach(ports, Wanted(ID, "b", "pool", "b", "kim", "CHG-1"), cloud.now_s)
    through(cloud, ports, lambda: all(attach.phase.ended for attach in ports.ledger.attaches()))
    assert phases(ports, "attach") == ["create", "warm", "done"]


def test_a_bus_that_was_away_when_a_move_or_an_attach_was_stored_tells_of_it_when_its_event_comes_again(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = fast_ports(cloud, load(FILE.replace("act: run", "act: ask")))
    change = asked(ports, WISH)

    def away(*_: object) -> None:
        raise Unreachable("PutEvents")

    with monkeypatch.context() as patched, pytest.raises(Unreachable):
        patched.setattr(FastBus, "announce", away)
        begin_move(ports, change, cloud.now_s)
    assert phases(ports, "move") == []
    begin_move(ports, change, cloud.now_s + 60)
    assert phases(ports, "move") == ["waiting"]
    assert [(o.at, o.outcome) for o in ports.ledger.operations(0)] == [(cloud.now_s, "done")]
    wanted = Wanted(ID, "n", "pool", "n", "kim", "CHG-1")
    with monkeypatch.context() as patched, pytest.raises(Unreachable):
        patched.setattr(FastBus, "announce", away)
        begin_attach(ports, wanted, cloud.now_s)
    begin_attach(ports, wanted, cloud.now_s + 60)
    assert len(phases(ports, "attach")) == 1


def test_what_has_come_to_stand_against_a_move_that_waits_is_said_at_its_approval_and_it_still_waits(
    cloud: Cloud,
) -> None:
    file = FILE.replace("act: run", "act: ask")
    ports = fast_ports(cloud, load(file))
    begin_move(ports, asked(ports, WISH), cloud.now_s)
    hold = Signal(SignalKind.HOLD, "b", cloud.now_s, cloud.now_s + 3600, "lee", "audit")
    ports.ledger.put_signal(hold)
    cloud.update_endpoint("pool", "another", minimum=1, maximum=2)
    with pytest.raises(
        BadEvent, match=r"held: lee: audit; .*pool is Updating: somebody is changing it: approve it again"
    ):
        approve(ports, ID, cloud.now_s + 60, who="lee", why="CHG-2")
    assert phases(ports, "move") == ["waiting"]
    ports.ledger.put_signal(replace(hold, since=cloud.now_s + 60, until=cloud.now_s + 60))
    cloud.run_to(cloud.now_s + 1800)
    assert approve(ports, ID, cloud.now_s, who="lee", why="CHG-2").approved == "lee: CHG-2"


@pytest.mark.parametrize("rung", ["watch", "size"])
def test_a_rung_that_is_lowered_takes_a_move_back_as_a_hold_does(cloud: Cloud, rung: str) -> None:
    ports = fast_ports(cloud, load(FILE))
    begin_asked(ports, WISH, cloud.now_s)
    through(cloud, ports, lambda: "warm" in phases(ports, "move"))
    lowered = fast_ports(cloud, load(FILE.replace("act: run", f"act: {rung}")))
    stopped = replace(ports, config=lowered.config)
    through(cloud, stopped, lambda: not ports.ledger.moves())
    assert told(ports, "move")[-1] == ("rolled back", f"held: fleet.yaml lets it act up to '{rung}' now")


def test_a_move_whose_model_sagemaker_does_not_know_any_more_goes_back_at_once(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = fast_ports(cloud, load(FILE))
    begin_asked(ports, WISH, cloud.now_s)

    def gone(*_: object, **__: object) -> None:
        raise NotFound("CreateEndpointConfig", "b", "ValidationException", "Could not find model")

    monkeypatch.setattr(FastHosting, "create_endpoint", gone)
    advance_moves(ports, cloud.now_s)
    assert phases(ports, "move") == ["create", "back"]
    assert "the target could not be made: CreateEndpointConfig" in str(told(ports, "move")[-1][1])
