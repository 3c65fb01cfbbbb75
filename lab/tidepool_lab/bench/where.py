"""Where a policy's dollars and late requests go: an account of the twin over the scored window.

Each accelerator-second that is billed stands in one line, at usd_per_hour ÷ 3600 ÷ the type's accelerators, so that
the lines add up to `cost_usd`:

- busy: held by a copy that serves, pro rata of its slots that a request holds (for whole steps, as the twin counts);
- idle: the rest of copies that serve;
- starting: held by a copy that does not serve yet, once its machine is there;
- leaving: held by a copy that takes no new request;
- loose: not held, on a machine that has a copy;
- empty: on a machine without a copy.

Beside them: second homes, the part of busy to leaving that is held at a home to which fewer of the model's callers go
than to another (at even shares the home stays first that was); and busy at cheapest, what the same slot time would
cost on the type on which a request of the model costs the fewest dollars, quota left aside, with slot time in
proportion to `service_s`.

A late request is counted once, by the state of the twin in the step in which it became certain: the last one in which
it could have started on time. One that was lost, or whose patience ends no later than that, is judged when it leaves.
The first cause that holds counts:

- no_copy: it was rejected for want of a ready copy, and lost;
- moving: its model had copies, or copies that waited for room, at two homes;
- no_room: where it queued, copies were wanted that found no room (quota, the pool's bound, no machine to be had);
- launching: of the copies on their way there, the first to serve waited for its machine;
- starting: that one was on a machine that is there;
- not_asked: no further copy was on its way;
- open: it still waited when the run ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from tidepool_lab.bench.misses import Cause, Misses
from tidepool_lab.bench.spending import Held, Hosting, Spending, Usd
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.outcomes import FATES


class Dollars(BaseModel, frozen=True, extra="forbid"):
    """busy to empty add up to cost_usd."""

    cost_usd: float
    busy_usd: float
    idle_usd: float
    starting_usd: float
    leaving_usd: float
    loose_usd: float
    empty_usd: float
    second_homes_usd: float
    busy_at_cheapest_usd: float


LINES = tuple(name for name in Dollars.model_fields if name != "cost_usd")
PARTS = LINES[:6]
"""The lines that add up to the cost."""


class Hardware(BaseModel, frozen=True, extra="forbid"):
    """All instances of one type in pools, or on dedicated endpoints."""

    instance_type: str
    hosting: Hosting
    dollars: Dollars


class Late(BaseModel, frozen=True, extra="forbid"):
    """Requests that arrived, those of them that were late, and these by cause."""

    requests: int
    late: int
    causes: dict[Cause, int]


class ModelShare(BaseModel, frozen=True, extra="forbid"):
    """One model. Its dollars are what its copies held: loose and empty are nobody's."""

    model: str
    dollars: Dollars
    late: Late


class Where(BaseModel, frozen=True, extra="forbid"):
    """One policy's account. Models stand in the fleet's order."""

    dollars: Dollars
    late: Late
    hardware: tuple[Hardware, ...]
    models: tuple[ModelShare, ...]


class Account:
    """Opened on a cloud before anything is placed on it, for [from_s, to_s), whole minutes; closed after `to_s`."""

    def __init__(self, cloud: Cloud, from_s: int, to_s: int) -> None:
        self._cloud, self._window = cloud, (from_s, to_s)
        self._spending = Spending(cloud, from_s, to_s)
        self._misses = Misses(cloud, from_s, to_s)

    def close(self) -> Where:
        """The account, whole."""
        usd = self._spending.close()
        fates = dict(zip(FATES, self._cloud.requests.outcomes.between(*self._window), strict=True))
        arrived = fates["arrived"]
        causes = self._misses.close(arrived - fates["on_time"])
        held = sorted({one for line in usd.values() for one in line})
        return Where(
            dollars=_dollars(usd, held),
            late=_late(int(arrived.sum()), {cause: int(count.sum()) for cause, count in causes.items()}),
            hardware=tuple(
                Hardware(
                    instance_type=instance_type,
                    hosting=hosting,
                    dollars=_dollars(usd, [one for one in held if one[:2] == (instance_type, hosting)]),
                )
                for instance_type, hosting in sorted({one[:2] for one in held})
            ),
            models=tuple(
                ModelShare(
                    model=model.name,
                    dollars=_dollars(usd, [one for one in held if one[2] == position]),
                    late=_late(
                        int(arrived[position]), {cause: int(count[position]) for cause, count in causes.items()}
                    ),
                )
                for position, model in enumerate(self._cloud.spec.models)
            ),
        )


def _dollars(usd: Mapping[str, Usd], held: Sequence[Held]) -> Dollars:
    """The lines of these holders, added up."""
    lines = {line: sum(usd.get(line, {}).get(one, 0.0) for one in held) for line in LINES}
    return Dollars(cost_usd=sum(lines[part] for part in PARTS), **lines)


def _late(requests: int, causes: dict[Cause, int]) -> Late:
    return Late(requests=requests, late=sum(causes.values()), causes=causes)
