"""Duty: which changes may go out now, and why the others may not. Never imports the other duties."""
