"""The whole period as one stand-alone SVG: the README's picture, and what the demo ends with."""

from __future__ import annotations

from html import escape

from tidepool.report import theme
from tidepool.report.charts import dollars, machines
from tidepool.report.lanes import lanes
from tidepool.report.summary import Summary, served
from tidepool.report.svg import px, stamp, text
from tidepool.units import usd

MARGIN, WIDTH, HEAD = 28.0, 1160.0, 92.0


def picture(summary: Summary) -> str:
    """An SVG file with its own colours, light and dark; nothing in it is fetched."""
    charts = (dollars(summary), machines(summary), lanes(summary))
    parts, y = [], HEAD
    for chart in charts:
        parts.append(chart.at(MARGIN, y))
        y += chart.height + 14
    width, height = WIDTH + 2 * MARGIN, y + 26
    foot = f"{stamp(summary.from_s)} to {stamp(summary.to_s)} UTC, simulated. Source of every figure: {summary.source}."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {px(width)} {px(height)}" '
        f'width="{px(width)}" height="{px(height)}" role="img">'
        f"<title>{escape(summary.title)}</title><desc>{escape(headline(summary))}</desc>"
        f"<style>{theme.variables()}{theme.chart_rules()}</style>"
        f'<rect width="100%" height="100%" rx="10" class="f-page"/>'
        + text(MARGIN, 48, headline(summary), css="big")
        + text(MARGIN, 74, subline(summary), css="")
        + "".join(parts)
        + text(MARGIN, height - 16, foot, css="small")
        + "</svg>\n"
    )


def headline(summary: Summary) -> str:
    """The result in one line: dollars, against the nearest comparison when there is one."""
    ours = whole_usd(summary.usd)
    if not summary.comparisons:
        return f"{ours} for {len(summary.models)} models"
    return f"{ours} instead of " + " or ".join(
        whole_usd(c.usd) for c in sorted(summary.comparisons, key=lambda c: c.usd)
    )


def whole_usd(amount: float) -> str:
    """Dollars for a headline: no cents from $100 up."""
    return f"${amount:,.0f}" if abs(amount) >= 100 else usd(amount)


def subline(summary: Summary) -> str:
    """What was served, and what was done for it."""
    parts = [summary.title]
    if summary.service and summary.service.on_time is not None:
        parts.append(f"{served(summary.service.on_time)} of {summary.service.requests:,} requests on time")
    done = sum(m.outcome == "done" for m in summary.moves)
    if done:
        lost = summary.service.lost_to_moves if summary.service else None
        parts.append(
            f"{done} move{'' if done == 1 else 's'}" + (f", {lost} requests lost to them" if lost is not None else "")
        )
    return " · ".join(parts)
