"""The picture of a move's states is the code's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tidepool.move.state import Phase
from tidepool.move.turn import EDGES

PAGE = Path(__file__).parents[2] / "docs" / "move-states.md"


def test_the_picture_in_the_docs_is_drawn_from_the_code() -> None:
    drawn = subprocess.run(
        [sys.executable, "-m", "tidepool.move.picture"], capture_output=True, text=True, check=True
    ).stdout
    assert drawn == PAGE.read_text(), "run: python -m tidepool.move.picture > docs/move-states.md"


def test_every_way_leads_to_an_end_and_no_end_leads_on() -> None:
    for phase in Phase:
        assert bool(EDGES[phase]) is not phase.ended
        seen, edge = {phase}, {phase}
        while edge:
            edge = {to for one in edge for to in EDGES[one]} - seen
            seen |= edge
        assert any(one.ended for one in seen)


def test_from_retire_there_is_no_way_back() -> None:
    assert Phase.BACK not in EDGES[Phase.RETIRE]
    assert all(Phase.BACK in EDGES[p] for p in (Phase.CREATE, Phase.WARM, Phase.SHIFT, Phase.DRAIN))
