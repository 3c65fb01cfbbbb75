"""Duty: how many copies serve a demand within the objective. Never imports the other duties."""
