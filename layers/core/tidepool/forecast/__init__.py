"""Duty: how much demand there will be. Never imports the other duties."""
