"""The stored value of one move between homes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tidepool.plan.change import StartMove


class Phase(StrEnum):
    """Where a move stands; each has a deadline from `Move.since`."""

    WAITING = "waiting"
    """For a person's approval (rung ask)."""
    CREATE = "create"
    WARM = "warm"
    SHIFT = "shift"
    DRAIN = "drain"
    RETIRE = "retire"
    BACK = "back"
    """Rolling back: the route first, then the target."""
    DONE = "done"
    ROLLED_BACK = "rolled back"
    SUPERSEDED = "superseded"
    NEEDS_PERSON = "needs a person"

    @property
    def ended(self) -> bool:
        return self in {Phase.DONE, Phase.ROLLED_BACK, Phase.SUPERSEDED, Phase.NEEDS_PERSON}


@dataclass(frozen=True, slots=True)
class Move:
    """One move. `version` is the ledger's; `step` counts inside a phase (the weight's index while shifting).

    since: when the phase or step was entered. quiet_since: since when the source has been silent (draining).
    shifted_at: when the first callers were to go over; 0 = not yet.
    settled_at: when this step's route was first seen followed; 0 = not yet.
    route_version: the version of the route that this move wrote or found last; 0 = it has not looked yet.
    intent, asked_at: the newest command, saved before it is carried out, so that a stale invocation cannot act
        and a person sees what was under way. '' = nothing was asked for, or a probe, which is over.
    from_type: the source's instance type. from_usd, to_usd: what one copy or instance of a side costs an hour, 0 =
        unknown.
    usd: what both homes have cost while there were two, up to charged_at; double_usd_per_hour: what they cost since
        (move/charge.py).
    measured: requests at once that one copy or instance of the target was seen to serve, where fleet.yaml does not say
        it; 0 = nobody saw.
    longest_s: how long a request may run, as its source's metrics showed, where fleet.yaml does not say it; 0 = they
        did not.
    sagemaker_model, strategy, tags come from the source, so that a crash never loses them; memory_mb from fleet.yaml
        or the source (move/host_memory.py).
    why: why it went the way it did, and what to do when it needs a person.
    wanted_back: who wants it to go back, and why; '' = nobody. Heeded until retire.
    commit: of the fleet.yaml by which it was judged, as decisions have it. approved: who let it begin, and why; '' =
        nobody had to.
    """

    id: str
    version: int
    ask: StartMove
    phase: Phase
    step: int
    since: int
    began: int
    from_type: str = ""
    to_component: str = ""
    variant: str = ""
    to_variant: str = ""
    sagemaker_model: str = ""
    memory_mb: int = 1024
    strategy: str = "BINPACK"
    tags: Mapping[str, str] = field(default_factory=dict)
    route_version: int = 0
    quiet_since: int = 0
    settled_at: int = 0
    intent: str = ""
    asked_at: int = 0
    source_was_ours: bool = False
    why: str = ""
    wanted_back: str = ""
    from_usd: float = 0.0
    to_usd: float = 0.0
    usd: float = 0.0
    double_usd_per_hour: float = 0.0
    charged_at: int = 0
    measured: float = 0.0
    longest_s: float = 0.0
    shifted_at: int = 0
    commit: str = ""
    approved: str = ""

    @property
    def target_name(self) -> str:
        """The name the target's metrics are filed under."""
        return self.to_component or self.ask.to_endpoint

    @property
    def source_name(self) -> str:
        return self.ask.component or self.ask.from_endpoint
