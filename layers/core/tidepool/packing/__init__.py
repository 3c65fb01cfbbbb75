"""Duty: how copies share instances, and what that costs. Never imports the other duties."""
