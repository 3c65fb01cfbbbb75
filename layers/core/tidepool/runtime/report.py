"""One wake of report: what the ledger holds of the last day, as one page."""

from __future__ import annotations

from tidepool.report.html import render
from tidepool.report.summary import summarise
from tidepool.runtime.ports import Ports
from tidepool.units import DAY_S


def report(ports: Ports, now: int, *, source: str = "") -> bytes:
    """The page of [now - 1 day, now) is stored; returns it. `source` says whose figures they are."""
    since = now - DAY_S
    ledger = ports.ledger
    summary = summarise(
        ledger.samples(since),
        ledger.operations(since),
        (*ledger.moves(), *ledger.ended_moves(since)),
        title="Tidepool, the last 24 hours",
        source=source or f"SageMaker in {ports.config.current()[0].region}",
        from_s=since,
        to_s=now,
    )
    written = render(summary).encode()
    ledger.save_report(written, now)
    return written
