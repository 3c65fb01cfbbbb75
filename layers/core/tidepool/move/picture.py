"""The states of a move as a picture, drawn from the ways the machine can go.

`python -m tidepool.move.picture > docs/move-states.md` writes the page; a test holds the page to the code.
"""

from __future__ import annotations

from tidepool.move import back, create, drain, retire, shift, warm
from tidepool.move.machine import APPROVAL_S
from tidepool.move.seen import Terms
from tidepool.move.state import Phase
from tidepool.move.turn import EDGES
from tidepool.units import duration

_QUIET_S = drain.needed_s(Terms())
DEADLINES = {
    Phase.WAITING: (APPROVAL_S, "superseded"),
    Phase.CREATE: (create.DEADLINE_S, "goes back"),
    Phase.WARM: (warm.DEADLINE_S, "goes back"),
    Phase.SHIFT: (shift.DEADLINE_S, "each weight; goes back"),
    Phase.DRAIN: (drain.DEADLINE_S + _QUIET_S, "goes back"),
    Phase.RETIRE: (retire.DEADLINE_S, "needs a person; callers are on the target"),
    Phase.BACK: (back.RESTORE_S + _QUIET_S + back.REMOVE_S, "needs a person"),
}
"""How long a phase may last since it was entered, and what then happens (a stream's drain is longer)."""

_ON_THE_EDGE = {
    (Phase.WAITING, Phase.CREATE): "approved",
    (Phase.CREATE, Phase.WARM): "target in service",
    (Phase.WARM, Phase.SHIFT): "it answers",
    (Phase.SHIFT, Phase.SHIFT): "10, 50, 100 %, each soaked",
    (Phase.SHIFT, Phase.DRAIN): "soaked at 100 %",
    (Phase.DRAIN, Phase.RETIRE): "source silent",
    (Phase.RETIRE, Phase.DONE): "source gone or at its minimum",
    (Phase.BACK, Phase.BACK): "callers on the source, target silent",
    (Phase.BACK, Phase.ROLLED_BACK): "target gone",
}


def page() -> str:
    """The whole of docs/move-states.md."""
    lines = [
        "# The states of a move",
        "",
        "Drawn from the code by `python -m tidepool.move.picture > docs/move-states.md`.",
        "",
        "```mermaid",
        *_diagram(),
        "```",
        "",
        "| phase | may last | then |",
        "|---|---|---|",
        *(f"| {phase} | {duration(seconds)} | {then} |" for phase, (seconds, then) in DEADLINES.items()),
    ]
    return "\n".join(lines) + "\n"


def _diagram() -> list[str]:
    lines = ["stateDiagram-v2", "    [*] --> waiting: rung ask", "    [*] --> create: rung run"]
    for phase, ways in EDGES.items():
        for to in ways:
            label = _ON_THE_EDGE.get((phase, to), "")
            lines.append(f"    {_id(phase)} --> {_id(to)}" + (f": {label}" if label else ""))
    lines += [f"    {_id(phase)} --> [*]" for phase in Phase if phase.ended]
    return lines


def _id(phase: Phase) -> str:
    return phase.value.replace(" ", "_")


if __name__ == "__main__":
    print(page(), end="")
