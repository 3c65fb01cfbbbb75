"""Every kind of move, from its beginning to each of its ends."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from builders import NOW
from builders.move_world import MODEL, OWN, POOL_A, POOL_B, TAGS, Trouble, World, a_move
from tidepool.config.types import Rung, Via
from tidepool.errors import BadEvent
from tidepool.fleet import Signal, SignalKind, Status
from tidepool.move.state import Move, Phase
from tidepool.plan.change import StartMove
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import approve, begin

KINDS = {
    "pool to pool": (POOL_A, POOL_B),
    "shared to dedicated": (POOL_A, "tidepool-m"),
    "dedicated to shared": (OWN, POOL_B),
    "dedicated to dedicated": (OWN, "tidepool-m"),
}
OURS = {**TAGS, "tidepool:created-by": "tidepool"}


def live(world: World, ask: StartMove, *, minutes: int = 400) -> Move:
    """The move as it ended, with a run each minute."""
    begin(world.ports(), ask, world.now)
    for _ in range(minutes):
        advance_moves(world.ports(), world.now)
        if world.stored[ask.id].phase.ended:
            return world.stored[ask.id]
        world.minute()
    raise AssertionError(f"it never ended: {world.stored[ask.id]}")


def left_of(world: World, ask: StartMove) -> list[str]:
    """Everything that carries the move's id, and its endpoint config."""
    made = [n for n, c in world.components.items() if c.tags.get("tidepool:change") == ask.id]
    made += [n for n, e in world.endpoints.items() if e.tags.get("tidepool:change") == ask.id]
    return made + [name for name in world.configs if name == ask.to_endpoint]


@pytest.mark.parametrize("kind", KINDS)
def test_a_move_ends_on_its_target_without_a_lost_request(kind: str) -> None:
    source, target = KINDS[kind]
    world = World(source=source, source_tags=OURS)
    ask = a_move(source, target)
    move = live(world, ask)
    assert (move.phase, world.lost) == (Phase.DONE, 0)
    assert [(t.name, t.weight) for t in world.routes[MODEL].targets] == [(move.target_name, 100)]
    assert move.source_name not in {**world.components, **world.endpoints}
    made = world.components.get(move.target_name) or world.endpoints[move.target_name]
    assert made.status is Status.IN_SERVICE
    assert made.tags["team"] == "codegen"
    assert made.model == MODEL


def test_each_weight_soaks_for_120_seconds_and_the_drain_is_quiet_for_90() -> None:
    world = World(source_tags=OURS)
    ask = a_move()
    begin(world.ports(), ask, world.now)
    entered: dict[tuple[Phase, int], int] = {}
    while not world.stored[ask.id].phase.ended:
        advance_moves(world.ports(), world.now)
        move = world.stored[ask.id]
        entered.setdefault((move.phase, move.step), world.now)
        world.minute()
    steps = [entered[Phase.SHIFT, i] for i in range(3)] + [entered[Phase.DRAIN, 0]]
    assert [b - a for a, b in pairwise(steps)] == [120, 120, 120]
    assert entered[Phase.RETIRE, 0] - entered[Phase.DRAIN, 0] >= 90
    assert world.now - NOW <= 30 * 60


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_ends_where_it_began_and_only_then_the_source_is_retired(kind: str) -> None:
    source, target = KINDS[kind]
    until = NOW + 1800
    world = World(source=source, source_tags=OURS, trouble=Trouble(sessions_until=until))
    move = live(world, a_move(source, target))
    assert (move.phase, world.lost) == (Phase.DONE, 0)
    assert move.since > until + 90


def test_the_source_stays_in_the_route_until_nobody_falls_back_to_it() -> None:
    world = World(source_tags=OURS, trouble=Trouble(denied=0.05))
    ask = a_move()
    begin(world.ports(), ask, world.now)
    while world.stored[ask.id].phase is not Phase.DRAIN:
        advance_moves(world.ports(), world.now)
        world.minute()
    for _ in range(10):
        advance_moves(world.ports(), world.now)
        world.minute()
    assert [(t.name, t.weight) for t in world.routes[MODEL].targets] == [
        (MODEL, 0),
        (world.stored[ask.id].target_name, 100),
    ]
    world.trouble.denied = 0.0
    move = live(world, ask)
    assert (move.phase, world.lost) == (Phase.DONE, 0), "once they may, it goes on"


def test_a_dedicated_source_that_tidepool_made_leaves_no_config_behind_and_peoples_own_stays() -> None:
    ours, theirs = World(source=OWN, source_tags=OURS), World(source=OWN, model_changes={"retire_delete": True})
    assert live(ours, a_move(OWN, POOL_B)).phase is live(theirs, a_move(OWN, POOL_B)).phase is Phase.DONE
    assert (ours.configs, theirs.configs) == (set(), {OWN})


@pytest.mark.parametrize("kind", KINDS)
def test_what_tidepool_did_not_create_is_left_at_its_minimum(kind: str) -> None:
    source, target = KINDS[kind]
    world = World(source=source)
    move = live(world, a_move(source, target))
    assert move.phase is Phase.DONE and "owner" in move.why
    if source == OWN:
        assert world.endpoints[OWN].instances_wanted == 1
    else:
        assert world.components[MODEL].copies_wanted == 0


@pytest.mark.parametrize("kind", KINDS)
def test_retire_delete_deletes_a_source_that_people_created(kind: str) -> None:
    source, target = KINDS[kind]
    world = World(source=source, model_changes={"retire_delete": True})
    move = live(world, a_move(source, target))
    assert move.phase is Phase.DONE
    assert move.source_name not in {**world.components, **world.endpoints}


WRONG = {
    "the target fails": (Trouble(target_fails=True), "the container crashed"),
    "the target does not answer": (Trouble(target_mute=True), "answers 500"),
    "the target fails requests": (Trouble(target_errors=True), "of the target's requests failed"),
    "the target refuses requests": (Trouble(target_refuses=True), "of the target's requests were refused"),
    "nobody may invoke the target": (Trouble(denied=1.0), "requests reached the target: may its callers invoke it?"),
    "some may not invoke the target": (Trouble(denied=0.05), "who may not invoke tidepool-m"),
    "the target is slow": (Trouble(target_slow=True), "ms a request"),
    "the target never comes": (Trouble(target_never_ready=True), "was not in service within"),
    "quota": (Trouble(create_refused=True), "ResourceLimitExceeded"),
    "somebody calls the source directly": (Trouble(direct_caller=True), "was not silent within"),
    "no metrics while shifting": (Trouble(metrics_away=(NOW + 480, NOW + 4000)), "no metrics of the target"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_failed_check_rolls_back_by_itself_and_says_why(kind: str, wrong: str) -> None:
    source, target = KINDS[kind]
    trouble, why = WRONG[wrong]
    world = World(source=source, source_tags=OURS, trouble=replace(trouble))
    ask = a_move(source, target)
    begin(world.ports(), ask, world.now)
    while not world.stored[ask.id].phase.ended:
        advance_moves(world.ports(), world.now)
        world.minute()
        if trouble.target_never_ready and world.now > NOW + 5000:
            world.trouble.target_never_ready = False  # SageMaker gives up in the end, and lets it be deleted.
        assert world.now < NOW + 6 * 3600
    move = world.stored[ask.id]
    assert (move.phase, world.lost) == (Phase.ROLLED_BACK, 0)
    assert why in move.why
    assert left_of(world, ask) == []
    assert [(t.name, t.weight) for t in world.routes[MODEL].targets] == [(move.source_name, 100)]
    assert world.serves(ask.from_endpoint, ask.component)


def test_a_gateway_that_stays_silent_rolls_the_move_back_before_a_caller_is_shifted() -> None:
    world = World(via=Via.GATEWAY, trouble=Trouble(gateway_silent=True))
    move = live(world, a_move())
    assert move.phase is Phase.ROLLED_BACK
    assert "nobody acknowledged route version 1 within 120 s" in move.why
    assert left_of(world, a_move()) == []


def test_a_gateway_that_falls_silent_after_the_first_shift_needs_a_person_and_nothing_is_removed() -> None:
    world = World(via=Via.GATEWAY, source_tags=OURS)
    ask = a_move()
    begin(world.ports(), ask, world.now)
    while not world.stored[ask.id].phase.ended:
        advance_moves(world.ports(), world.now)
        world.trouble.gateway_silent = world.stored[ask.id].phase in {Phase.SHIFT, Phase.BACK}
        world.minute()
    move = world.stored[ask.id]
    assert move.phase is Phase.NEEDS_PERSON
    assert "callers do not acknowledge the route back" in move.why and move.target_name in move.why
    assert world.lost == 0
    assert world.serves(POOL_A, MODEL) and world.serves(POOL_B, move.target_name)


def test_a_route_without_weights_adds_soaks_and_removes() -> None:
    world = World(via=Via.ROUTER, source_tags=OURS)
    seen: list[list[tuple[str, int]]] = []
    ask = a_move()
    begin(world.ports(), ask, world.now)
    while not world.stored[ask.id].phase.ended:
        advance_moves(world.ports(), world.now)
        targets = [(t.name, t.weight) for t in world.routes[MODEL].targets]
        seen += [targets] if targets not in seen else []
        world.minute()
    new = world.stored[ask.id].target_name
    assert seen == [[(MODEL, 100)], [(MODEL, 50), (new, 50)], [(new, 100)]]
    assert (world.stored[ask.id].phase, world.lost) == (Phase.DONE, 0)


def held(scope: str = MODEL, kind: SignalKind = SignalKind.HOLD) -> Signal:
    return Signal(kind, scope, since=0, until=NOW + 86_400, who="ana", why="audit")


def test_a_hold_before_the_first_shift_takes_the_move_back() -> None:
    world = World()
    ask = a_move()
    begin(world.ports(), ask, world.now)
    for _ in range(3):
        advance_moves(world.ports(), world.now)
        world.minute()
    world.signals.append(held())
    move = live(world, ask)
    assert move.phase is Phase.ROLLED_BACK and "held: ana: audit" in move.why
    assert left_of(world, ask) == []


def test_a_hold_after_the_first_shift_lets_the_move_go_to_its_end() -> None:
    world = World(source_tags=OURS)
    ask = a_move()
    begin(world.ports(), ask, world.now)
    while world.stored[ask.id].phase is not Phase.SHIFT or len(world.routes[MODEL].targets) == 1:
        advance_moves(world.ports(), world.now)
        world.minute()
    world.signals.append(held())
    assert live(world, ask).phase is Phase.DONE


def test_a_freeze_waits_at_the_door_of_the_first_shift_and_then_goes_back() -> None:
    world = World()
    ask = a_move()
    begin(world.ports(), ask, world.now)
    advance_moves(world.ports(), world.now)
    world.signals.append(held("*", SignalKind.FREEZE))
    move = live(world, ask)
    assert move.phase is Phase.ROLLED_BACK and "frozen: ana: audit" in move.why
    assert all(t.name == MODEL for t in world.routes[MODEL].targets)


@pytest.mark.parametrize("kind", list(SignalKind)[:2])
def test_no_move_begins_under_a_hold_or_a_freeze(kind: SignalKind) -> None:
    world = World(signals=[held(kind=kind)])
    move = begin(world.ports(), a_move(), world.now)
    assert move.phase is Phase.SUPERSEDED and "ana: audit" in move.why
    advance_moves(world.ports(), world.now)
    assert left_of(world, a_move()) == []


def test_a_new_version_on_the_source_takes_the_move_back_and_keeps_the_new_version() -> None:
    world = World(source_tags=OURS)
    ask = a_move()
    begin(world.ports(), ask, world.now)
    while world.stored[ask.id].phase is not Phase.DRAIN:
        advance_moves(world.ports(), world.now)
        world.minute()
    world.components[MODEL] = replace(world.components[MODEL], artifact="artifact-m-v2")
    move = live(world, ask)
    assert move.phase is Phase.ROLLED_BACK and "artifact-m-v2" in move.why
    assert (world.lost, left_of(world, ask)) == (0, [])


def test_a_source_that_dies_during_the_soak_hands_everybody_to_the_target_at_once() -> None:
    world = World(source_tags=OURS)
    ask = a_move()
    begin(world.ports(), ask, world.now)
    while world.stored[ask.id].phase is not Phase.SHIFT:
        advance_moves(world.ports(), world.now)
        world.minute()
    world.trouble.source_dead = (world.now, world.now + 86_400)
    advance_moves(world.ports(), world.now)
    assert world.routes[MODEL].targets[-1].weight == 100
    assert live(world, ask).phase is Phase.DONE


def test_a_sleeping_model_moves_and_is_awake_at_its_target() -> None:
    world = World(source_tags=OURS)
    world.components[MODEL] = replace(world.components[MODEL], copies_now=0, copies_wanted=0)
    move = live(world, a_move())
    assert move.phase is Phase.DONE
    assert world.serves(POOL_B, move.target_name)


def test_the_same_change_twice_is_one_move() -> None:
    world = World()
    first = begin(world.ports(), a_move(), world.now)
    assert begin(world.ports(), a_move(), world.now + 2) == first
    assert len(world.stored) == 1
    assert world.told == [world.told[0]] * 2, "told again in the same words: the first may have been lost on its way"


def test_a_second_move_of_the_same_model_is_superseded() -> None:
    world = World()
    begin(world.ports(), a_move(), world.now)
    second = begin(world.ports(), a_move(id_="fedcba9876543210"), world.now)
    assert second.phase is Phase.SUPERSEDED and "of the same model is open" in second.why


def test_a_target_name_that_is_somebody_elses_is_never_deleted() -> None:
    world = World()
    ask = a_move(POOL_A, "tidepool-m")
    begin(world.ports(), ask, world.now)
    theirs = world._dedicated("tidepool-m", 1, {"model": "other"}, Status.IN_SERVICE)
    world.endpoints["tidepool-m"] = theirs
    move = live(world, ask)
    assert move.phase is Phase.SUPERSEDED and "taken by somebody else" in move.why
    assert world.endpoints["tidepool-m"] == theirs


def test_under_ask_a_move_waits_for_a_person() -> None:
    world = World(model_changes={"act": Rung.ASK}, source_tags=OURS)
    ask = a_move()
    assert begin(world.ports(), ask, world.now).phase is Phase.WAITING
    for _ in range(5):
        advance_moves(world.ports(), world.now)
        world.minute()
    assert left_of(world, ask) == []
    assert approve(world.ports(), ask.id, world.now, who="kim", why="CHG-1").phase is Phase.CREATE
    approved = approve(world.ports(), ask.id, world.now, who="kim", why="CHG-1")
    assert (approved.phase, approved.version) == (Phase.CREATE, 2), "said twice, it is one approval"
    said = [operation.why for operation in world.operations if operation.outcome == "approved"]
    assert said == ["approved by kim: CHG-1"]
    assert live(world, ask).phase is Phase.DONE


def test_an_approval_of_no_open_move_is_refused_with_the_moves_that_wait() -> None:
    world = World(model_changes={"act": Rung.ASK})
    with pytest.raises(BadEvent, match="none waits"):
        approve(world.ports(), "m-0", world.now, who="kim", why="CHG-1")
    ask = a_move()
    begin(world.ports(), ask, world.now)
    with pytest.raises(BadEvent, match=f"'m-0' is not allowed; allowed: {ask.id}"):
        approve(world.ports(), "m-0", world.now, who="kim", why="CHG-1")


def test_a_move_nobody_approves_is_superseded_after_a_day() -> None:
    world = World(model_changes={"act": Rung.ASK})
    move = live(world, a_move(), minutes=1500)
    assert move.phase is Phase.SUPERSEDED and "nobody approved it within 1d" in move.why


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_that_became_too_small_is_made_larger_before_its_callers_come(kind: str) -> None:
    """200 in flight are 2 × 170; 600 from the third minute on are 4, and 5 with the room that is asked for."""
    source, target = KINDS[kind]
    world = World(source=source, source_tags=OURS, trouble=Trouble(busier_from=NOW + 180))
    move = live(world, a_move(source, target))
    assert (move.phase, world.lost) == (Phase.DONE, 0)
    home = world.components.get(move.target_name)
    assert (home.copies_now if home else world.endpoints[move.target_name].instances_now) == 5


def test_every_step_is_announced_in_order() -> None:
    world = World(source_tags=OURS)
    live(world, a_move())
    steps = [(detail["phase"], detail["step"]) for detail in world.told]
    assert steps == [
        ("create", 0),
        ("warm", 0),
        ("shift", 0),
        ("shift", 1),
        ("shift", 2),
        ("drain", 0),
        ("retire", 0),
        ("done", 0),
    ]


def test_a_stream_is_waited_for_for_more_than_eight_minutes() -> None:
    world = World(source_tags=OURS, model_changes={"stream": True, "longest_request_s": 480})
    ask = a_move()
    begin(world.ports(), ask, world.now)
    entered: dict[Phase, int] = {}
    while not world.stored[ask.id].phase.ended:
        advance_moves(world.ports(), world.now)
        entered.setdefault(world.stored[ask.id].phase, world.now)
        world.minute()
    assert entered[Phase.RETIRE] - entered[Phase.DRAIN] > 480
