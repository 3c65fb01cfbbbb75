"""How long a move may be open, from the phases' own deadlines."""

from __future__ import annotations

from tidepool.move import back, create, drain, retire, shift, warm
from tidepool.move.seen import Terms

LONGEST = Terms(longest_request_s=600)
"""Longer than any request of a story."""
QUIET_S = drain.needed_s(LONGEST)
LATEST_S = (
    create.DEADLINE_S
    + warm.DEADLINE_S
    + 3 * shift.DEADLINE_S
    + drain.DEADLINE_S
    + QUIET_S
    + max(retire.DEADLINE_S, back.RESTORE_S + QUIET_S + back.REMOVE_S)
    + 900
)
"""Every deadline after the other, and a quarter of an hour for an approval and the last runs."""
