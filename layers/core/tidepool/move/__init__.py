"""A move as a stored value: (move, observed, now) → (move', command | None). One step a file."""
