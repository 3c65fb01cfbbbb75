"""A table of figures is whole at any width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tidepool_cli.output import print_table

COLUMNS = [f"column {number}" for number in range(12)]
ROWS = [{column: f"{row}{number}.{number}%" for number, column in enumerate(COLUMNS)} for row in (7, 8)]


def printed(width: int) -> str:
    stream = io.StringIO()
    print_table(Console(file=stream, width=width, color_system=None), "figures", COLUMNS, ROWS)
    return stream.getvalue()


def test_a_wide_terminal_has_a_line_a_row() -> None:
    lines = printed(200).splitlines()
    assert any(all(cell in line for cell in ROWS[0].values()) for line in lines)


@pytest.mark.parametrize("width", [60, 90])
def test_a_narrow_one_has_the_table_on_its_side_and_nothing_is_cut(width: int) -> None:
    text = printed(width)
    assert "…" not in text
    assert any("column 3" in line and "73.3%" in line and "83.3%" in line for line in text.splitlines())


def test_where_even_that_is_too_wide_cells_are_folded() -> None:
    text = printed(16)
    assert "…" not in text and "8" in text
