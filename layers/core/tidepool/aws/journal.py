"""The part of the ledger that grows: signals, operations, moves and samples, one item each.

An item's key says what it is about, so that the same write twice is one item, and a condition says when it
may replace what is there.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from tidepool.aws.table import Item, Table
from tidepool.decision.codec import change_value
from tidepool.decision.stored import read_change
from tidepool.errors import Conflict, UnknownSchema
from tidepool.fleet import Noted, Signal, Taken
from tidepool.memory_codec import adapter, canonical
from tidepool.runtime.ports import Operation
from tidepool.units import DAY_S

# What only some functions read is imported where it is read: a hand meets neither moves nor samples.
if TYPE_CHECKING:
    from tidepool.move.attach import Attach
    from tidepool.move.state import Move
    from tidepool.report.entries import Sample

_T = TypeVar("_T")

KEPT_S = 35 * DAY_S
"""Longer than a month's report looks back; time to live then removes what is older."""
ACTED_KEPT_S = 400 * DAY_S
"""What was done, by whom approved and why: as long as the decision records (template.yaml), which have the commit and
the steps of the same change. Reads are by time, so that what is old costs its storage alone.
"""
RECORD = "{}-record"
"""Under which an ended move or attach is kept as long: apart, since what is under `move` is read each minute."""

NEW = "attribute_not_exists(pk)"


class Journal:
    """The signals, operations, moves and samples of runtime.ports.Ledger over one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def signals(self, now: int) -> tuple[Signal, ...]:
        """Those in force at `now`, in order of kind and scope."""
        found = (_read(Signal, item) for item in self._table.query("signal"))
        return tuple(signal for signal in found if signal.since <= now < signal.until)

    def put_signal(self, signal: Signal) -> None:
        """In force from now on; it replaces one of the same kind, scope and `by`, unless that one is newer."""
        body = _written(signal)
        # The version is the moment it began, so that of two writers the newer word stays, in whatever order.
        name = "#".join((signal.kind, signal.scope, *([signal.by] if signal.by else [])))
        item = Item("signal", name, body, signal.since, signal.until + DAY_S)
        try:
            self._table.put(item, condition=f"{NEW} OR #version <= :since", values={":since": signal.since})
        except Conflict:
            return

    def note(self, noted: Noted) -> None:
        """Kept for a day, once, however often it is told."""
        body = _written(noted)
        self._put_once(Item("noted", _moment(noted.at, noted.id), body, expires_at=noted.at + DAY_S))

    def noted(self, since: int) -> tuple[Noted, ...]:
        """Every write that CloudTrail told of since then, oldest first."""
        return tuple(_read(Noted, item) for item in self._table.query("noted", from_sk=_moment(since)))

    def taken(self) -> tuple[Taken, ...]:
        """Every scaling target that was ever changed."""
        return tuple(_read(Taken, item) for item in self._table.query("taken"))

    def save_taken(self, taken: Taken, *, expected_version: int) -> None:
        """As save_move; never forgotten."""
        stored = replace(taken, version=expected_version + 1)
        self._put_onto(Item("taken", taken.found.resource, _written(stored), stored.version))

    def record(self, operation: Operation) -> None:
        """Kept once, however often it is recorded. What a person says of a change and what a hand does about it may be
        of one second: they are two.
        """
        value = {
            "change": change_value(operation.change),
            "at": operation.at,
            "outcome": operation.outcome,
            "why": operation.why,
        }
        item = Item(
            "operation",
            _moment(operation.at, f"{operation.change.id}#{operation.outcome}"),
            canonical(value).decode(),
            expires_at=operation.at + ACTED_KEPT_S,
        )
        self._put_once(item)

    def operations(self, since: int) -> tuple[Operation, ...]:
        """Every operation since then, oldest first."""
        return tuple(_operation(item) for item in self._table.query("operation", from_sk=_moment(since)))

    def moves(self) -> tuple[Move, ...]:
        """Every open move."""
        return tuple(move for move in self._all_moves() if not move.phase.ended)

    def ended_moves(self, since: int) -> tuple[Move, ...]:
        """Those that ended since then."""
        return tuple(move for move in self._all_moves() if move.phase.ended and move.since >= since)

    def save_move(self, move: Move, *, expected_version: int) -> None:
        """Stored with version expected_version + 1; 0 = must not exist. Conflict if somebody wrote first."""
        stored = replace(move, version=expected_version + 1)
        self._put_going(Item("move", move.id, _written(stored), stored.version), stored)

    def attaches(self) -> tuple[Attach, ...]:
        """Every attach that is kept, open or ended."""
        from tidepool.move.attach import Attach

        return tuple(_read(Attach, item) for item in self._table.query("attach"))

    def save_attach(self, attach: Attach, *, expected_version: int) -> None:
        """As save_move."""
        stored = replace(attach, version=expected_version + 1)
        self._put_going(Item("attach", attach.id, _written(stored), stored.version), stored)

    def save_sample(self, sample: Sample) -> None:
        """The fleet at one moment is kept; the same moment twice is kept once."""
        body = _written(sample)
        self._put_once(Item("sample", _moment(sample.at), body, expires_at=sample.at + KEPT_S))

    def samples(self, since: int) -> tuple[Sample, ...]:
        """Every sample kept since then, oldest first."""
        from tidepool.report.entries import Sample

        return tuple(_read(Sample, item) for item in self._table.query("sample", from_sk=_moment(since)))

    def _all_moves(self) -> list[Move]:
        from tidepool.move.state import Move

        return [_read(Move, item) for item in self._table.query("move")]

    def _put_going(self, item: Item, going: Move | Attach) -> None:
        """As _put_onto. One that is open never expires; one that has ended leaves its record.

        The record first: a crash between leaves the item open, and its next end, of a later version, replaces the
        record.
        """
        if not going.phase.ended:
            return self._put_onto(item)
        record = replace(item, pk=RECORD.format(item.pk), expires_at=going.since + ACTED_KEPT_S)
        with suppress(Conflict):  # Another run has ended it since: the item's own condition says so.
            self._table.put(record, condition=f"{NEW} OR #version <= :version", values={":version": item.version})
        self._put_onto(replace(item, expires_at=going.since + KEPT_S))

    def _put_onto(self, item: Item) -> None:
        """Stored onto the version before its own; version 1 must not be there yet. Conflict otherwise."""
        if item.version > 1:
            self._table.put(item, condition="#version = :before", values={":before": item.version - 1})
        else:
            self._table.put(item, condition=NEW)

    def _put_once(self, item: Item) -> None:
        try:
            self._table.put(item, condition=NEW)
        except Conflict:
            return


def _moment(at: int, name: str = "") -> str:
    """A sort key in order of time: 10 digits reach the year 2286."""
    return f"{at:010d}#{name}" if name else f"{at:010d}"


def _operation(item: Item) -> Operation:
    try:
        value = json.loads(item.body)
        return Operation(read_change(value["change"]), int(value["at"]), str(value["outcome"]), str(value["why"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UnknownSchema(f"operation {item.sk} cannot be read: {error}") from error


def _written(value: Any) -> str:
    return adapter(type(value)).dump_json(value).decode()


def _read(kind: type[_T], item: Item) -> _T:
    try:
        return adapter(kind).validate_json(item.body)
    except ValidationError as error:
        raise UnknownSchema(f"{item.pk}/{item.sk} cannot be read: {error}") from error
