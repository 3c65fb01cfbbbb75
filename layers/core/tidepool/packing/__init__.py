"""Duty: how copies share instances. Never imports the other duties."""
