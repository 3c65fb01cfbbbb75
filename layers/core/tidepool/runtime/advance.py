"""Takes every open move and attach further, and says where they stand also when one of them failed."""

from __future__ import annotations

from tidepool.errors import TidepoolError
from tidepool.move.attach import Attach
from tidepool.move.state import Move
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.attach import advance_attaches
from tidepool.runtime.ports import Ports


def advance(ports: Ports, now: int) -> tuple[tuple[Move | Attach, ...], TidepoolError | None]:
    """(all that were open, as they then are; the first error that asking again does not heal).

    A move that fails stops no attach, and is counted among those that stand still.
    """
    stand: list[Move | Attach] = []
    errors: list[TidepoolError] = []
    for each, stored in ((advance_moves, ports.ledger.moves), (advance_attaches, ports.ledger.attaches)):
        try:
            stand += each(ports, now)
        except TidepoolError as error:
            errors.append(error)
            stand += stored()
    return tuple(stand), errors[0] if errors else None
