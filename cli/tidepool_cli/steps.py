"""The steps of a move in words: what each waits for, until when, and how far a move has come."""

from __future__ import annotations

from tidepool.move.attach import Attach
from tidepool.move.picture import DEADLINES
from tidepool.move.routing import WEIGHTS
from tidepool.move.state import Move, Phase
from tidepool.plan.render import moment
from tidepool.units import duration

WAITS = {
    Phase.WAITING: "a person approves it: `tidepool moves approve ID --why ...`",
    Phase.CREATE: "every copy or instance of the target is in service",
    Phase.WARM: "the target answers the team's sample as the source does, and callers are known to follow the route",
    Phase.SHIFT: f"{', '.join(map(str, WEIGHTS))} % of the callers, each soaked: no more errors, no slower",
    Phase.DRAIN: "the source is silent for longer than the longest request",
    Phase.RETIRE: "the source is gone, or at its minimum",
    Phase.BACK: "callers are on the source again, the target is silent, and gone",
}
"""What each phase goes on by, as docs/moves.md has it."""
FORWARD = (Phase.CREATE, Phase.WARM, Phase.SHIFT, Phase.DRAIN, Phase.RETIRE)
"""The steps of a move that goes well, in their order."""
FIRST_HOME = FORWARD[:2]
"""Those of a new model: there is nobody to shift, and nothing to leave."""


def expected() -> list[str]:
    """One line a step to come: what it waits for, how long it may last, and what happens then."""
    width = max(len(phase) for phase in FORWARD)
    limits = [(phase, *_limit(phase)) for phase in FORWARD]
    return [
        f"{phase:<{width}}  until {WAITS[phase]}; within {duration(seconds)}, else {then}"
        for phase, seconds, then in limits
    ]


def progress(move: Move | Attach) -> str:
    """How far it has come: '■■▣□□ shift 50 %'; an ended move is its word alone."""
    steps = FIRST_HOME if isinstance(move, Attach) else FORWARD
    if move.phase not in steps:
        return str(move.phase)
    at = steps.index(move.phase)
    weight = f" {WEIGHTS[move.step]} %" if isinstance(move, Move) and move.phase is Phase.SHIFT else ""
    return f"{'■' * at}▣{'□' * (len(steps) - at - 1)} {move.phase}{weight}"


def deadline(move: Move | Attach) -> str:
    """When the phase has lasted too long, and what then happens; '' when the move has ended."""
    if move.phase not in DEADLINES:
        return ""
    seconds, then = _limit(move.phase)
    return f"{moment(move.since + seconds)}, then {then}"


def _limit(phase: Phase) -> tuple[int, str]:
    """(seconds that the phase may last; what then happens). While callers shift, each weight has that long."""
    seconds, then = DEADLINES[phase]
    return seconds, then.removeprefix("each weight; ")
