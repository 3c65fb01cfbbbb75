"""Watches a simulated fleet while it lives: samples for the report, and notes of what is worth a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidepool.config.types import Hosting
from tidepool.fleet import Component, Endpoint, EndpointKind
from tidepool.move.state import Move, Phase
from tidepool.plan.change import ScaleCopies
from tidepool.report.entries import Note, NoteKind, Sample, sample
from tidepool.runtime.ports import Operation
from tidepool.units import MINUTE_S
from tidepool_lab.inputs.clock import EPOCH_S
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.spec import CloudSpec
from tidepool_lab.twin.traffic import Arrivals

SAMPLE_S = 5 * MINUTE_S
"""One sample every five minutes: 288 a day, a third of a pixel column each in the pictures."""


@dataclass(slots=True)
class Watch:
    """What was seen so far. `look` once a simulated minute, after time has moved there."""

    spec: CloudSpec
    arrivals: Arrivals
    dedicated_usd_per_hour: float | None = None
    sample_s: int = SAMPLE_S
    epoch_s: int = EPOCH_S
    samples: list[Sample] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    now: Sample | None = None
    _copies: dict[str, int] = field(default_factory=dict)
    _machines: dict[str, int] = field(default_factory=dict)
    _moves: dict[str, Phase] = field(default_factory=dict)
    _seen: set[tuple[str, int]] = field(default_factory=set)
    _sampled: int = 0

    def look(self, cloud: Cloud, operations: tuple[Operation, ...], moves: tuple[Move, ...]) -> tuple[Note, ...]:
        """What is new since the last look, in the order of time; a sample is kept when one is due."""
        at, before = cloud.now_s, len(self.notes)
        endpoints, components = cloud.endpoints(), cloud.components()
        self._notes_of_operations(operations)
        self._notes_of_machines(at, endpoints)
        self._notes_of_zero(at, endpoints, components)
        self._notes_of_moves(moves)
        self.now = self._sample(cloud, endpoints, components, requests=self._requests(at - MINUTE_S, at))
        if not self.samples or at - self._sampled >= self.sample_s:
            self.samples.append(
                self._sample(cloud, endpoints, components, requests=self._requests(self._sampled or at, at))
            )
            self._sampled = at
        return tuple(sorted(self.notes[before:], key=lambda note: note.at))

    def _sample(
        self,
        cloud: Cloud,
        endpoints: Mapping[str, Endpoint],
        components: Mapping[str, Component],
        *,
        requests: Mapping[str, int],
    ) -> Sample:
        types, at = self.spec.types, cloud.now_s
        return sample(
            endpoints,
            components,
            accelerators={name: found.accelerators for name, found in types.items()},
            at=at,
            usd_per_hour=cloud.machines.usd_per_hour(at),
            dedicated_usd_per_hour=self.dedicated_usd_per_hour,
            requests=requests,
        )

    def _requests(self, since: int, until: int) -> Mapping[str, int]:
        first, last = ((at - self.epoch_s) // MINUTE_S for at in (since, until))
        counts = self.arrivals.per_minute(first, last).sum(axis=0)
        return {name: int(n) for name, n in zip(self.arrivals.models, counts, strict=True)}

    def _notes_of_operations(self, operations: tuple[Operation, ...]) -> None:
        for operation in operations:
            change = operation.change
            if (change.id, operation.at) in self._seen:
                continue
            self._seen.add((change.id, operation.at))
            if operation.outcome == "failed":
                subject = getattr(change, "model", "") or getattr(change, "endpoint", "")
                self._note(operation.at, NoteKind.REFUSED, subject, operation.why)
            elif operation.outcome == "done" and isinstance(change, ScaleCopies) and change.copies_from == 0:
                words = f"0 → {change.copies_to} copies: {change.because}"
                self._note(operation.at, NoteKind.WOKEN, change.model, words)

    def _notes_of_machines(self, at: int, endpoints: Mapping[str, Endpoint]) -> None:
        now = {e.name: e.instances_now for e in endpoints.values() if e.kind is EndpointKind.POOL}
        for name, count in now.items():
            before = self._machines.get(name, count)
            if count != before:
                kind = NoteKind.GREW if count > before else NoteKind.SHRANK
                self._note(at, kind, name, f"{before} → {count} instances")
        self._machines = now

    def _notes_of_zero(self, at: int, endpoints: Mapping[str, Endpoint], components: Mapping[str, Component]) -> None:
        now: dict[str, int] = {}
        for component in components.values():
            now[component.model] = now.get(component.model, 0) + component.copies_now
        for endpoint in endpoints.values():
            if endpoint.kind is EndpointKind.DEDICATED:
                now[endpoint.model] = now.get(endpoint.model, 0) + endpoint.instances_now
        for model, count in now.items():
            if count == 0 and self._copies.get(model, 0) > 0:
                self._note(at, NoteKind.ZERO, model, f"{self._copies[model]} → 0 copies: nobody called")
        self._copies = now

    def _notes_of_moves(self, moves: tuple[Move, ...]) -> None:
        for move in sorted(moves, key=lambda move: move.began):
            ask, before = move.ask, self._moves.get(move.id)
            if before is None:
                to = "shared hosting on" if ask.to_hosting is Hosting.SHARED else "a dedicated endpoint,"
                words = f"{ask.from_endpoint} → {to} {ask.to_endpoint}: {ask.because}"
                self._note(move.began, NoteKind.MOVE_BEGAN, ask.model, words)
            if move.phase.ended and before != move.phase:
                words = f"{move.phase}: {ask.from_endpoint} → {ask.to_endpoint}"
                self._note(move.since, NoteKind.MOVE_ENDED, ask.model, words + (f" ({move.why})" if move.why else ""))
            self._moves[move.id] = move.phase

    def _note(self, at: int, kind: NoteKind, subject: str, words: str) -> None:
        self.notes.append(Note(at, kind, subject, words))
