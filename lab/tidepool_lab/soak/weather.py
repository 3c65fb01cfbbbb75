"""Which faults are on now, and what they do to whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tidepool_lab.soak.loop import Loop
from tidepool_lab.soak.story import START, Fault, Kind, Story


@dataclass(frozen=True, slots=True)
class Start:
    """What becomes of a home that is asked for now: first_s, ready_at_once: some of it comes sooner."""

    start_s: float
    ready_at_once: int
    first_s: float
    failure: str
    mute_until: float
    denied_until: float
    fails_until: float


class Weather:
    """The faults of a story, as they are at the loop's moment."""

    def __init__(self, loop: Loop, story: Story) -> None:
        self._loop, self._story = loop, story
        self._random = Random(f"{story.seed} weather")
        self._faults: dict[Kind, list[Fault]] = {}
        for fault in story.faults:
            self._faults.setdefault(fault.kind, []).append(fault)

    def on(self, kind: Kind) -> Fault | None:
        """The fault of that kind that is on now."""
        if kind not in self._faults:
            return None
        now = self._loop.now - START
        return next((fault for fault in self._faults[kind] if fault.since <= now < fault.until), None)

    def strikes(self, kind: Kind) -> bool:
        """Whether a fault that hits only a share hits this time."""
        fault = self.on(kind)
        return fault is not None and self._random.random() < fault.figure

    def throttles(self) -> bool:
        return Kind.THROTTLED in self._faults and self.strikes(Kind.THROTTLED)

    @property
    def store_away(self) -> bool:
        return self.on(Kind.STORE_AWAY) is not None

    @property
    def refused(self) -> bool:
        return self.on(Kind.REFUSED) is not None

    def start(self, size: int) -> Start:
        """How a start-up that begins now goes."""
        start_s, slow = self._story.start_s, self.on(Kind.SLOW)
        return Start(
            start_s=start_s + (START + slow.until - self._loop.now if slow is not None else 0.0),
            ready_at_once=size // 2 if slow is not None else size,
            first_s=start_s,
            failure="the container crashed" if self.on(Kind.FAILS) is not None else "",
            mute_until=self._until(Kind.MUTE),
            denied_until=self._until(Kind.DENIED),
            fails_until=self._until(Kind.FAILS_LIVE),
        )

    def _until(self, kind: Kind) -> float:
        fault = self.on(kind)
        return 0.0 if fault is None else START + fault.until
