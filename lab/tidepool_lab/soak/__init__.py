"""The soak of moves: thousands of moves, each with its faults from one seed, and every single request followed.

The code that moves is the code that ships: `begin`, `advance_moves`, `approve`, the route adapters of `tidepool.aws`
and the callers' `tidepool_client`. What AWS would be is here, at the level of single requests. Read life.py first.
"""
