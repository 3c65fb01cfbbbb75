"""Duty: where each model should live. Never imports the other duties."""
