"""The ledger in memory: the fake beside its port, with the same conditions as the table's (fast seam)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from tidepool.decision.codec import record_bytes
from tidepool.decision.record import Decision
from tidepool.errors import Conflict, LeaseLost
from tidepool.fleet import Noted, Signal, Taken
from tidepool.memory import Learned, Memory
from tidepool.move.attach import Attach
from tidepool.move.state import Move
from tidepool.report.entries import Sample
from tidepool.runtime.ports import Lease, Operation


class FastLedger:
    """runtime.ports.Ledger. `keep_records`: every record's bytes are kept, not only the newest decision."""

    def __init__(self, *, keep_records: bool = False) -> None:
        self.keep_records = keep_records
        self.records: dict[str, bytes] = {}
        self.newest: Decision | None = None
        self._newest_key = ""
        self._memory = Memory.empty()
        self._learned = Learned()
        self._learned_at = -1
        self._fence = 0
        self._until = 0
        self._look_again = False
        self._signals: dict[tuple[str, str, str], Signal] = {}
        self._noted: dict[tuple[int, str], Noted] = {}
        self._taken: dict[str, Taken] = {}
        self._operations: dict[tuple[int, str], Operation] = {}
        self._moves: dict[str, Move] = {}
        self._attaches: dict[str, Attach] = {}
        self._samples: dict[int, Sample] = {}
        self._reports: dict[str, bytes] = {}

    def lease(self, now: int, seconds: int) -> Lease | None:
        if self._until >= now:
            self._look_again = True
            return None
        self._fence += 1
        self._until, self._look_again = now + seconds, False
        return Lease(self._fence, self._until)

    def release(self, lease: Lease, now: int) -> bool:
        if lease.fence != self._fence:
            return False
        asked, self._look_again, self._until = self._look_again, False, 0
        return asked

    def memory(self) -> Memory:
        return replace(self._memory, learned=self._learned)

    def save_decision(self, decision: Decision, lease: Lease) -> str:
        if lease.fence != self._fence:
            raise LeaseLost(f"another decide took over from fence {lease.fence}")
        at = datetime.fromtimestamp(decision.now, UTC)
        key = f"decisions/{at:%Y/%m/%d/%H%M%S}-{lease.fence}.json.gz"
        if self.keep_records:
            self.records[key] = record_bytes(decision)
        self.newest, self._newest_key = decision, key
        self._memory = decision.memory
        return key

    def save_learned(self, learned: Learned, now: int) -> None:
        if now >= self._learned_at:
            self._learned, self._learned_at = learned, now

    def decision(self, key: str | None = None) -> bytes | None:
        """Without `keep_records` only the newest can be had."""
        if key in (None, self._newest_key):
            return record_bytes(self.newest) if self.newest else None
        return self.records.get(key or "")

    def signals(self, now: int) -> tuple[Signal, ...]:
        return tuple(s for _, s in sorted(self._signals.items()) if s.since <= now < s.until)

    def put_signal(self, signal: Signal) -> None:
        key = (str(signal.kind), signal.scope, signal.by)
        if key not in self._signals or self._signals[key].since <= signal.since:
            self._signals[key] = signal

    def note(self, noted: Noted) -> None:
        self._noted.setdefault((noted.at, noted.id), noted)

    def noted(self, since: int) -> tuple[Noted, ...]:
        return tuple(noted for (at, _), noted in sorted(self._noted.items()) if at >= since)

    def taken(self) -> tuple[Taken, ...]:
        return tuple(taken for _, taken in sorted(self._taken.items()))

    def save_taken(self, taken: Taken, *, expected_version: int) -> None:
        before = self._taken.get(taken.found.resource)
        if (before.version if before else 0) != expected_version:
            raise Conflict(f"{taken.found.resource} is at version {before.version if before else 0}")
        self._taken[taken.found.resource] = replace(taken, version=expected_version + 1)

    def record(self, operation: Operation) -> None:
        self._operations.setdefault((operation.at, f"{operation.change.id}#{operation.outcome}"), operation)

    def operations(self, since: int) -> tuple[Operation, ...]:
        return tuple(o for (at, _), o in sorted(self._operations.items(), key=_moment) if at >= since)

    def moves(self) -> tuple[Move, ...]:
        return tuple(move for _, move in sorted(self._moves.items()) if not move.phase.ended)

    def ended_moves(self, since: int) -> tuple[Move, ...]:
        return tuple(m for _, m in sorted(self._moves.items()) if m.phase.ended and m.since >= since)

    def save_move(self, move: Move, *, expected_version: int) -> None:
        before = self._moves.get(move.id)
        if (before.version if before else 0) != expected_version:
            raise Conflict(f"move {move.id} is at version {before.version if before else 0}")
        self._moves[move.id] = replace(move, version=expected_version + 1)

    def attaches(self) -> tuple[Attach, ...]:
        return tuple(attach for _, attach in sorted(self._attaches.items()))

    def save_attach(self, attach: Attach, *, expected_version: int) -> None:
        before = self._attaches.get(attach.id)
        if (before.version if before else 0) != expected_version:
            raise Conflict(f"attach {attach.id} is at version {before.version if before else 0}")
        self._attaches[attach.id] = replace(attach, version=expected_version + 1)

    def save_sample(self, sample: Sample) -> None:
        self._samples.setdefault(sample.at, sample)

    def samples(self, since: int) -> tuple[Sample, ...]:
        return tuple(sample for at, sample in sorted(self._samples.items()) if at >= since)

    def save_report(self, page: bytes, now: int) -> str:
        key = f"reports/{datetime.fromtimestamp(now, UTC):%Y-%m-%d}.html"
        self._reports[key] = page
        return key


def _moment(item: tuple[tuple[int, str], Operation]) -> tuple[int, str]:
    return item[0]
