"""Checks of our own: checkov loads a folder only as a package."""
