"""The ledger: the lease and its fence, and where memory, decisions and what was learned lie in the bucket.

    lease ──────── look, decide ──────── save_decision ──────── release
    fence := fence + 1        memory → S3 (a version)   │   until := 0
    look_again := 0           record → S3               │   look_again? → the holder looks once more
                              pointers, if fence is ours ┘

One item holds the lease and the pointers, so that one conditional write both proves the fence and moves the
pointers: a holder whose lease ran out has written objects that nothing points at, and no more. Who takes the lease is
handed the pointers with it; learn's are in the same item, so that a tick reads none for itself.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tidepool import memory_codec
from tidepool.aws.journal import Journal
from tidepool.aws.objects import Bucket
from tidepool.aws.table import SCHEMA, Table, check_schema, number, text
from tidepool.decision.codec import record_bytes
from tidepool.decision.record import Decision
from tidepool.errors import Conflict, LeaseLost
from tidepool.memory import Learned, Memory
from tidepool.runtime.ports import Lease

MEMORY_KEY = "memory/current.json.gz"
LEARNED_KEY = "learned/current.json.gz"
DECIDE, LEARN, NOW = "decide", "learn", "current"
OURS = "(attribute_not_exists(#schema) OR #schema = :schema)"
"""What a later version wrote is never written over."""


class Ledger(Journal):
    """runtime.ports.Ledger over one table and one bucket."""

    def __init__(self, table: Table, bucket: Bucket) -> None:
        super().__init__(table)
        self._bucket = bucket
        self._memory: tuple[str, Memory] = ("", Memory.empty())
        self._learned: tuple[str, Learned] = ("", Learned())
        self._handed: dict[str, Any] | None = None

    def lease(self, now: int, seconds: int) -> Lease | None:
        """The lease, or None when another holds it and has been asked to look again."""
        taken = self._take(now, seconds)
        if taken is None and not self._ask_again(now):
            # It was given back between the two writes, so nobody would see the note: try once more.
            taken = self._take(now, seconds)
        return taken

    def _take(self, now: int, seconds: int) -> Lease | None:
        until = now + seconds
        try:
            before = self._table.update(
                DECIDE,
                NOW,
                set_="SET #until = :until, #fence = if_not_exists(#fence, :zero) + :one, "
                "#look_again = :zero, #schema = :schema",
                condition=f"(attribute_not_exists(#until) OR #until < :now) AND {OURS}",
                values={":until": until, ":now": now, ":zero": 0, ":one": 1, ":schema": SCHEMA},
            )
        except Conflict:
            check_schema(self._table.get(DECIDE, NOW))
            return None
        self._handed = before
        return Lease(fence=number(before, "fence") + 1, until=until)

    def _ask_again(self, now: int) -> bool:
        """The holder has been told; False when there is no holder any more."""
        try:
            self._table.update(
                DECIDE,
                NOW,
                set_="SET #look_again = :one",
                condition="#until >= :now",
                values={":one": 1, ":now": now},
            )
        except Conflict:
            return False
        return True

    def release(self, lease: Lease, now: int) -> bool:
        """The lease is free; True when somebody asked to look again meanwhile. A lost lease stays lost."""
        self._handed = None
        try:
            before = self._table.update(
                DECIDE,
                NOW,
                set_="SET #until = :zero, #look_again = :zero",
                condition="#fence = :fence",
                values={":zero": 0, ":fence": lease.fence},
            )
        except Conflict:
            return False
        return bool(number(before, "look_again"))

    def memory(self) -> Memory:
        """What the last tick handed over, with what learn wrote last; Memory.empty() at the very first."""
        # Under the lease nobody else moves memory's pointers; learn's may be a tick old.
        item = self._table.get(DECIDE, NOW) if self._handed is None else self._handed
        check_schema(item)
        learned = self._read_learned(item)
        version, key = text(item, "memory_version"), text(item, "memory_key")
        if not key:
            return replace(Memory.empty(), learned=learned)
        if not version or version != self._memory[0]:
            data = self._bucket.get_json(key, version=version)
            self._memory = (version, memory_codec.load(data))
        return replace(self._memory[1], learned=learned)

    def _read_learned(self, item: dict[str, Any]) -> Learned:
        if "learned_key" not in item:  # Written by 0.1, which had an item for it.
            item = self._table.get(LEARN, NOW)
            check_schema(item)
        version, key = text(item, "learned_version"), text(item, "learned_key")
        if key and (not version or version != self._learned[0]):
            self._learned = (version, memory_codec.load_learned(self._bucket.get_json(key, version=version)))
        return self._learned[1]

    def save_decision(self, decision: Decision, lease: Lease) -> str:
        """Record and memory are stored; the record's key. LeaseLost when the fence is behind."""
        at = datetime.fromtimestamp(decision.now, UTC)
        key = f"decisions/{at:%Y/%m/%d/%H%M%S}-{lease.fence}.json.gz"
        self._handed = None
        self._bucket.put_json(key, record_bytes(decision))
        version = self._bucket.put_json(MEMORY_KEY, memory_codec.dump(decision.memory))
        try:
            self._table.update(
                DECIDE,
                NOW,
                set_="SET #decision_key = :decision, #memory_key = :memory, #memory_version = :version, "
                "#decided_at = :at",
                condition="#fence = :fence",
                values={
                    ":decision": key,
                    ":memory": MEMORY_KEY,
                    ":version": version,
                    ":at": decision.now,
                    ":fence": lease.fence,
                },
            )
        except Conflict as error:
            raise LeaseLost(f"another decide took over from fence {lease.fence}; {key} is not used") from error
        if version:
            # What was written is what the next tick reads, bit for bit (memory.py): a warm function need not fetch it.
            self._memory = (version, decision.memory)
        return key

    def save_learned(self, learned: Learned, now: int) -> None:
        """Kept, unless a later run of learn has already written."""
        version = self._bucket.put_json(LEARNED_KEY, memory_codec.dump_learned(learned))
        try:
            self._table.update(
                DECIDE,
                NOW,
                set_="SET #learned_key = :key, #learned_version = :version, #learned_at = :now, #schema = :schema",
                condition=f"(attribute_not_exists(#learned_at) OR #learned_at <= :now) AND {OURS}",
                values={":key": LEARNED_KEY, ":version": version, ":now": now, ":schema": SCHEMA},
            )
        except Conflict:
            check_schema(self._table.get(DECIDE, NOW))
            return

    def decision(self, key: str | None = None) -> bytes | None:
        """The canonical JSON of one record; the newest without a key, None when there is none yet."""
        key = key or text(self._table.get(DECIDE, NOW), "decision_key")
        return self._bucket.get_json(key) if key else None

    def save_report(self, page: bytes, now: int) -> str:
        """The report's page is stored under its day; where."""
        key = f"reports/{datetime.fromtimestamp(now, UTC):%Y-%m-%d}.html"
        self._bucket.put(key, page, content_type="text/html; charset=utf-8")
        return key
