"""A Summary as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from tidepool.report import theme
from tidepool.report.charts import dollars, machines
from tidepool.report.entries import Check, NoteKind
from tidepool.report.lanes import lanes, short
from tidepool.report.picture import headline, subline
from tidepool.report.summary import Summary, served
from tidepool.report.svg import Drawing, clock, stamp
from tidepool.units import DAY_S, HOUR_S, duration, percent, usd

SHOWN_NOTES = 200
"""Lines of the event list; a week of a large fleet has thousands, and the page says how many it leaves out."""

PAGE_RULES = (
    f"body{{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 {theme.FONT}}}"
    "main{max-width:1180px;margin:0 auto;padding:32px 24px 64px}"
    "h1{font-size:30px;line-height:1.2;margin:.2em 0}h2{font-size:18px;margin:2em 0 .6em}"
    "p.lead,.soft,caption,figcaption{color:var(--soft)}"
    ".label{display:inline-block;background:var(--card);border:1px solid var(--grid);border-radius:99px;"
    "padding:2px 12px;font-size:13px;color:var(--soft)}"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px;margin:24px 0}"
    ".tile{background:var(--card);border:1px solid var(--grid);border-radius:10px;padding:14px 16px}"
    ".tile b{display:block;font-size:24px;font-variant-numeric:tabular-nums}.tile span{color:var(--soft)}"
    "figure{margin:24px 0;overflow-x:auto}figure svg{min-width:860px;width:100%;height:auto;display:block}"
    "figcaption{font-size:13px;margin-top:4px}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px}"
    "th,td{text-align:left;padding:6px 12px 6px 0;border-bottom:1px solid var(--grid);vertical-align:top}"
    "th{font-weight:600;color:var(--soft)}.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".yes{color:var(--good);font-weight:700}.no{color:var(--bad);font-weight:700}"
    "summary{cursor:pointer;color:var(--soft)}"
)


def render(summary: Summary) -> str:
    """The page: inline SVG, no script, nothing fetched; light and dark by the reader's setting."""
    sections = (
        _head(summary),
        _tiles(summary),
        _checks(summary.checks),
        _charts(summary),
        _comparisons(summary),
        _moves(summary),
        _models(summary),
        _notes(summary),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(summary.title)}</title>"
        f"<style>{theme.variables()}{theme.chart_rules()}{PAGE_RULES}</style></head>"
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


def _head(summary: Summary) -> str:
    return (
        f'<p class="label">Source of every figure: {escape(summary.source)}</p>'
        f"<h1>{escape(headline(summary))}</h1><p class=lead>{escape(subline(summary))}<br>"
        f"{stamp(summary.from_s)} to {stamp(summary.to_s)} UTC</p>"
    )


def _tiles(summary: Summary) -> str:
    tiles = [(usd(summary.usd), f"machines, over {duration(summary.to_s - summary.from_s)}")]
    for rival in summary.comparisons:
        saved = round(1 - summary.usd / rival.usd, 3)
        tiles.append((percent(abs(saved)), f"{'less' if saved >= 0 else 'more'} than {rival.name}"))
    service = summary.service
    if service and service.on_time is not None:
        tiles.append((served(service.on_time), f"of {short(service.requests)} requests on time"))
    if service and service.lost_to_moves is not None:
        tiles.append((str(service.lost_to_moves), "requests lost to moves"))
    done = sum(m.outcome == "done" for m in summary.moves)
    tiles.append((f"{summary.changes['copies']:,}", f"changes of copies, and {done} move{'' if done == 1 else 's'}"))
    cells = "".join(f'<div class="tile"><b>{escape(a)}</b><span>{escape(b)}</span></div>' for a, b in tiles)
    return f'<div class="tiles">{cells}</div>'


def _checks(checks: tuple[Check, ...]) -> str:
    if not checks:
        return ""
    rows = "".join(
        f'<tr><td class="{"yes" if c.ok else "no"}">{"✓ seen" if c.ok else "✗ not seen"}</td>'
        f"<td>{escape(c.claim)}</td><td class=soft>{escape(c.seen)}</td></tr>"
        for c in checks
    )
    head = "<tr><th>Happened?</th><th>Claim</th><th>What shows it</th></tr>"
    return f"<h2>What happened, checked after the run</h2>{_table(head, rows)}"


def _charts(summary: Summary) -> str:
    if not summary.samples:
        return "<h2>Charts</h2><p class=soft>No sample of the fleet was taken in this period.</p>"
    parts: list[tuple[str, Drawing, str, str]] = [
        ("c1", dollars(summary), "Dollars an hour", "What the instances in service cost, over time."),
        ("c2", machines(summary), "Machines in service", "Instances by pool, and on dedicated endpoints."),
        (
            "c3",
            lanes(summary),
            "Accelerators held by each model",
            "One lane a model, each with its own scale; the line is its requests, scaled to the lane.",
        ),
    ]
    return "".join(
        f"<figure>{chart.framed(title=title, description=words, id_=name)}"
        f"<figcaption>{escape(words)} Source: {escape(summary.source)}.</figcaption></figure>"
        for name, chart, title, words in parts
    )


def _comparisons(summary: Summary) -> str:
    if not summary.comparisons:
        return ""
    hours = (summary.to_s - summary.from_s) / HOUR_S
    rows = [f"<tr><td><b>this fleet</b></td>{_money(summary.usd, hours)}<td>as it ran</td></tr>"]
    rows += [
        f"<tr><td>{escape(c.name)}</td>{_money(c.usd, hours)}<td class=soft>{escape(c.how)}</td></tr>"
        for c in summary.comparisons
    ]
    head = "<tr><th>Hosting</th><th class=n>Dollars</th><th class=n>An hour</th><th>How it is counted</th></tr>"
    return f"<h2>The same traffic, hosted otherwise</h2>{_table(head, ''.join(rows))}"


def _money(amount: float, hours: float) -> str:
    return f"<td class=n>{usd(amount)}</td><td class=n>{usd(amount / hours)}</td>"


def _moves(summary: Summary) -> str:
    if not summary.moves:
        return ""
    at = _moment(summary)
    rows = "".join(
        f"<tr><td>{escape(m.model)}</td><td>{escape(m.from_)} → {escape(m.to)}</td><td>{m.to_hosting}</td>"
        f"<td class=n>{at(m.began)}</td><td class=n>{'' if m.ended_at is None else at(m.ended_at)}</td>"
        f"<td>{escape(m.outcome)}</td><td class=n>{_change(m.usd_per_hour)}</td><td class=n>{usd(m.usd)}</td>"
        f"<td class=soft>{escape(m.because)}</td></tr>"
        for m in summary.moves
    )
    head = (
        "<tr><th>Model</th><th>From → to</th><th>Hosting</th><th class=n>Began</th><th class=n>Ended</th>"
        "<th>Outcome</th><th class=n>Dollars an hour</th><th class=n>Double hosting</th><th>Because</th></tr>"
    )
    return f"<h2>Moves</h2>{_table(head, rows)}"


def _moment(summary: Summary) -> Callable[[int], str]:
    """How a moment is told: by its time of day, where nothing on the page is of another day."""
    named = [*(m.began for m in summary.moves), *(n.at for n in summary.notes), summary.from_s]
    return clock if summary.to_s - min(named) <= DAY_S else stamp


def _change(usd_per_hour: float) -> str:
    """A change of the bill with its sign where people look for it: −$25.25, +$2.61."""
    return ("−" if usd_per_hour < 0 else "+") + usd(abs(usd_per_hour))


def _models(summary: Summary) -> str:
    rows = "".join(
        f"<tr><td>{escape(m.name)}</td><td class=n>{m.accelerators_min} to {m.accelerators_max}</td>"
        f"<td class=n>{m.accelerator_hours:,.1f}</td>"
        f"<td class=n>{'' if m.requests is None else f'{m.requests:,}'}</td>"
        f"<td class=n>{duration(m.minutes_at_zero * 60) if m.minutes_at_zero else ''}</td>"
        f"<td class=soft>{escape(', '.join(m.homes))}</td></tr>"
        for m in summary.models
    )
    head = (
        "<tr><th>Model</th><th class=n>Accelerators</th><th class=n>Accelerator hours</th>"
        "<th class=n>Requests</th><th class=n>Time at zero</th><th>Homes</th></tr>"
    )
    return f"<h2>Models</h2>{_table(head, rows)}"


MARKS = {
    NoteKind.ZERO: "to zero",
    NoteKind.WOKEN: "woken",
    NoteKind.GREW: "grew",
    NoteKind.SHRANK: "shrank",
    NoteKind.MOVE_BEGAN: "move begins",
    NoteKind.MOVE_ENDED: "move ends",
    NoteKind.REFUSED: "refused",
}


def _notes(summary: Summary) -> str:
    if not summary.notes:
        return ""
    at = _moment(summary)
    rows = "".join(
        f"<tr><td class=n>{at(n.at)}</td><td>{MARKS[n.kind]}</td><td>{escape(n.subject)}</td>"
        f"<td>{escape(n.text)}</td></tr>"
        for n in summary.notes[:SHOWN_NOTES]
    )
    rest = len(summary.notes) - SHOWN_NOTES
    more = f"<p class=soft>{rest} more are not shown.</p>" if rest > 0 else ""
    head = "<tr><th class=n>UTC</th><th>What</th><th>Of</th><th>How</th></tr>"
    return (
        f"<h2>Events</h2><details><summary>{len(summary.notes)} notable events</summary>"
        f"{_table(head, rows)}{more}</details>"
    )


def _table(head: str, rows: str) -> str:
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'
