"""The page and the picture: self-contained, well-formed, named for screen readers, legible in light and dark."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from builders.report import FROM_S, a_sample, a_summary
from tidepool.report import theme
from tidepool.report.entries import Note, NoteKind
from tidepool.report.html import SHOWN_NOTES, render
from tidepool.report.lanes import short
from tidepool.report.picture import headline, picture, subline
from tidepool.report.summary import summarise
from tidepool.report.svg import nice_ticks, steps, time_ticks, whole_ticks
from tidepool.units import DAY_S, HOUR_S

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Balanced(HTMLParser):
    """Fails on a tag that is closed out of order or never."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        return None

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def test_the_page_is_well_formed() -> None:
    parser = Balanced()
    parser.feed(render(a_summary()))
    assert parser.open == []


def test_the_picture_is_well_formed_xml() -> None:
    root = ElementTree.fromstring(picture(a_summary()))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("written", [render, picture])
def test_nothing_is_fetched_and_nothing_runs(written) -> None:  # type: ignore[no-untyped-def]
    text = written(a_summary()).replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"https?:|<script|src=|@import|url\(", text) == []


@pytest.mark.parametrize("written", [render, picture])
def test_the_same_summary_gives_the_same_bytes(written) -> None:  # type: ignore[no-untyped-def]
    assert written(a_summary()) == written(a_summary())


@pytest.mark.parametrize("written", [render, picture])
def test_the_source_of_the_figures_is_named(written) -> None:  # type: ignore[no-untyped-def]
    assert "twin, not AWS" in written(a_summary())


def test_every_chart_has_a_title_and_a_description_for_those_who_do_not_see_it() -> None:
    page = render(a_summary())
    charts = re.findall(r'<svg[^>]*role="img" aria-labelledby="(\S+) (\S+)">', page)
    assert len(charts) == 3
    for title, description in charts:
        assert f'<title id="{title}">' in page and f'<desc id="{description}">' in page


def test_names_from_the_account_cannot_break_the_page() -> None:
    notes = (Note(FROM_S, NoteKind.ZERO, "<img src=x>", "a & b"),)
    page = render(replace(a_summary(), title="<b>&", notes=notes))
    assert "<img" not in page and "&lt;img src=x&gt;" in page and "&lt;b&gt;&amp;" in page


def test_a_period_without_samples_says_so_instead_of_drawing() -> None:
    page = render(replace(a_summary(), samples=(), models=()))
    assert "No sample of the fleet" in page and "<svg" not in page


def test_a_report_of_a_deployed_fleet_needs_neither_service_nor_comparison() -> None:
    bare = replace(a_summary(), service=None, comparisons=(), checks=(), notes=(), moves=())  # no decision recorded
    page = render(bare)
    assert "on time" not in page and "hosted otherwise" not in page
    assert headline(bare) == "$600 for 2 models"


def test_a_page_never_calls_what_ran_simulated_and_says_what_costs_more() -> None:
    near = replace(a_summary().comparisons[0], usd=500.0)
    page = render(replace(a_summary(), source="SageMaker in us-east-1", comparisons=(near,)))
    assert "simulated" not in page and "as it ran" in page
    assert "<b>20 %</b><span>more than every model alone</span>" in page and "-20" not in page


def test_where_nothing_is_looked_after_there_is_nothing_to_compare() -> None:
    idle = replace(a_sample(), usd_per_hour=0.0, dedicated_usd_per_hour=0.0, instances={}, places=(), requests={})
    summary = summarise([idle], [], [], title="t", source="s", from_s=FROM_S, to_s=FROM_S + DAY_S)
    assert summary.comparisons == ()
    assert "$0.00" in render(summary) and "hosted otherwise" not in render(summary)


@pytest.mark.parametrize(("days", "began"), [(1, "<td class=n>02:00</td>"), (3, "<td class=n>2025-01-06 02:00</td>")])
def test_a_moment_has_its_day_where_the_page_has_more_than_one(days: int, began: str) -> None:
    page = render(replace(a_summary(), to_s=FROM_S + days * DAY_S))
    assert page.count(began) == 2, "the move, and the event of its beginning"


def test_the_headline_puts_the_nearest_comparison_first() -> None:
    near, far = a_summary().comparisons[0], replace(a_summary().comparisons[0], usd=9000.0)
    assert headline(replace(a_summary(), comparisons=(far, near))) == "$600 instead of $2,400 or $9,000"


def test_the_second_line_says_how_callers_were_served() -> None:
    assert subline(a_summary()) == (
        "A day of 2 models · 99.5 % of 480 requests on time · 1 move, 0 requests lost to them"
    )


def test_a_missed_claim_is_as_visible_as_a_kept_one() -> None:
    page = render(a_summary())
    assert "✓ seen" in page and "✗ not seen" in page


def test_a_long_list_of_events_is_cut_and_says_so() -> None:
    notes = tuple(Note(FROM_S + i, NoteKind.GREW, "pool", "1 → 2") for i in range(SHOWN_NOTES + 7))
    assert "7 more are not shown" in render(replace(a_summary(), notes=notes))


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_text_and_shapes_stand_out_from_their_ground(palette: dict[str, str]) -> None:
    for name in ("ink", "soft", "good", "bad", "wake", "move"):
        wanted = 3.0 if name in {"wake", "move"} else 4.5
        for ground in ("page", "card"):
            assert contrast(palette[name], palette[ground]) >= wanted, (name, ground)
    for name in ("shared", "shared3", "shared4", "shared5", "alone", "other"):
        assert contrast(palette[name], palette["page"]) >= 3.0, name


def test_both_palettes_have_the_same_names() -> None:
    assert theme.LIGHT.keys() == theme.DARK.keys()


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio of two #rrggbb colours."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_steps_hold_each_value_until_the_next() -> None:
    assert steps([(0, 1.0), (2, 1.0), (3, 4.0)], 5) == [(0, 1.0), (3, 1.0), (3, 4.0), (5, 4.0)]


def test_ticks_are_round_and_reach_the_top() -> None:
    assert nice_ticks(87, about=3) == [0, 50, 100]
    assert nice_ticks(0) == [0, 1]
    assert whole_ticks(3) == [0, 1, 2, 3]


def test_a_day_has_hours_and_a_week_has_days() -> None:
    assert [words for _, words in time_ticks(FROM_S, FROM_S + DAY_S)][::4] == ["00:00", "12:00", "24:00"]
    assert [words for _, words in time_ticks(FROM_S, FROM_S + 3 * DAY_S)] == ["Mon 06", "Tue 07", "Wed 08", "Thu 09"]
    assert len(time_ticks(FROM_S, FROM_S + 6 * HOUR_S)) == 7


def test_counts_are_shortened_to_what_fits() -> None:
    assert [short(n) for n in (0, 999, 1200, 250_000, 3_400_000)] == ["0", "999", "1.2 k", "250 k", "3.4 M"]


def test_a_move_is_told_with_the_dollars_that_both_its_homes_cost() -> None:
    page = render(a_summary())
    assert "<th class=n>Double hosting</th>" in page and "<td class=n>$7.25</td>" in page
