"""One wake of report: what the ledger holds of the last day, as one page."""

from __future__ import annotations

from tidepool.report.html import render
from tidepool.report.summary import summarise
from tidepool.runtime.ports import Ports
from tidepool.units import DAY_S


def report(ports: Ports, now: int, *, source: str) -> bytes:
    """The page of the last day is stored; returns it. `source` says whose figures they are.

    A stack that is younger than a day has a page since its first sample: what nobody saw is not averaged over.
    BadFleetFile when no fleet.yaml has ever been in force.
    """
    ports.config.current()
    since = now - DAY_S
    ledger = ports.ledger
    samples = ledger.samples(since)
    summary = summarise(
        samples,
        ledger.operations(since),
        (*ledger.moves(), *ledger.ended_moves(since)),
        title="Tidepool, the last 24 hours",
        source=source,
        from_s=min((sample.at for sample in samples if sample.at < now), default=since),
        to_s=now,
    )
    written = render(summary).encode()
    ledger.save_report(written, now)
    return written
