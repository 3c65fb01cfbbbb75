"""Ledger → summary → HTML, pure."""
