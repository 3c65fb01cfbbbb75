"""While a function is being imported nothing is garbage, so nobody looks for any.

Importing this begins it, which is why wiring imports it before all else; `over` ends it. Nothing but wiring, which
only handlers import, may do either.
"""

from __future__ import annotations

import gc

gc.disable()


def over() -> None:
    """The handler is there, and what it imported stays: from now on what it leaves behind is collected."""
    gc.freeze()
    gc.enable()
