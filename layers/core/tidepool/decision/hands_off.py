"""Who is not to be touched, said in every record while it lasts: models that people hold, that move, or whose home
shares its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tidepool.decision.record import Step
from tidepool.decision.standing import held_by_people
from tidepool.decision.subjects import Subject
from tidepool.fleet import Fleet, named_twice

HOLD, MOVE = "hold", "move"
"""Stages of these steps; whoever sums records up counts their subjects."""


def hands_off_steps(everyone: Sequence[Subject], fleet: Fleet, *, now: int) -> Iterator[Step]:
    """One step a model that people hold, with who and why; one a model with an open move, with what it has made."""
    twice = named_twice(fleet.endpoints, fleet.components)
    for subject in everyone:
        people = (held_by_people(subject, home, fleet, now=now) for home in subject.homes)
        for because in dict.fromkeys((*people, *(twice.get(home.target, "") for home in subject.homes))):
            if because:
                yield Step(HOLD, subject.model, "managed", "hands off", because, "hold")
    for model, made in sorted(fleet.moving.items()):
        yield Step(MOVE, model, "settled", "moving", f"made {', '.join(made)}" if made else "nothing is made yet")
